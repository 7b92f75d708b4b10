/* Reading what the scripts answer: replies in, results out. Pure: no socket, no clock, no state. */
#ifndef IRX_REDIS_REPLY_H
#define IRX_REDIS_REPLY_H

#include "interrex_engine.h"

#include <hiredis/hiredis.h>

enum {
    IRX_REDIS_MEMBERS_MAX = 16384, /* rows of a member table that we are willing to hold */
    IRX_REDIS_VERSION_MAX = 24     /* bytes of a members version, the final zero included */
};

/* An answer of an operation's script. */
typedef struct irx__redis_answer {
    irx_status_kind status;
    bool same;    /* READ: both copies of the sender are current; nothing else is told */
    bool renewed; /* RENEW: it holds; nothing but presence_seen is told */
    bool presence_seen;
    bool has_record;
    irx_record record;
    irx_id epoch;
    uint64_t join;
    bool has_members; /* members is a newer table, malloc'ed (null when empty); it becomes the
                         caller's */
    irx_member *members;
    size_t member_count;
    char version[IRX_REDIS_VERSION_MAX]; /* empty: not told */
} irx__redis_answer;

/* What connect.lua answers. */
typedef struct irx__redis_greeting {
    irx_id epoch;
    unsigned major; /* of the server's version; 0.0: not told */
    unsigned minor;
    bool evicts; /* it has a memory limit and a policy that drops keys without a time to live */
    bool cluster;
    char policy[32];
} irx__redis_greeting;

/* Both return 0, or with *error: IRX_EFOREIGN (a key holds something that is not ours), IRX_EFULL
 * (the member table is), IRX_EPROTOCOL (no such answer exists), IRX_ENOMEM. `key` is the record's,
 * for the error's text. After a failure answer->status is still the one that was told, or UNKNOWN,
 * and nothing is to be freed. A record of a newer format is told with that format and whatever of
 * it could be read. */
int irx__redis_read_answer(const redisReply *reply, const char *key, irx__redis_answer *answer,
                           irx_error *error);
int irx__redis_read_greeting(const redisReply *reply, const char *key,
                             irx__redis_greeting *greeting, irx_error *error);

/* Calls absent(argument, process) for each process of a NUMSUB reply that has no subscriber.
 * `prefix` is the part of a channel's name before the 32 digits. False if it is no such reply. */
bool irx__redis_read_counts(const redisReply *reply, const char *prefix,
                            void (*absent)(void *argument, irx_id process), void *argument);

#endif
