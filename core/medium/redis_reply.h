/* Reading what the scripts answer: replies in, results out. Pure: no socket, no clock, no state. */
#ifndef IRX_REDIS_REPLY_H
#define IRX_REDIS_REPLY_H

#include "interrex_engine.h"

#include <hiredis/hiredis.h>

enum {
    IRX_REDIS_MEMBERS_MAX = 16384, /* rows of a member table that we are willing to hold */
    IRX_REDIS_VERSION_MAX = 24     /* bytes of a members version, the final zero included */
};

/* How much of an answer was told. */
typedef enum irx__redis_brief {
    IRX_REDIS_WHOLE,
    IRX_REDIS_SAME,     /* READ, STRIKE: the sender's copies are current */
    IRX_REDIS_ADVANCED, /* READ, STRIKE: they are, but for the beat */
    IRX_REDIS_RENEWED   /* RENEW: it holds; nothing but presence_seen is told */
} irx__redis_brief;

/* An answer of an operation's script. */
typedef struct irx__redis_answer {
    irx_status_kind status;
    irx__redis_brief brief;
    uint64_t beat;      /* ADVANCED */
    bool presence_seen; /* RENEWED */
    bool has_record;
    irx_record record;
    irx_id epoch;
    uint64_t join;
    bool has_members;    /* a newer table; it becomes the caller's, as `value` does */
    irx_member *members; /* malloc'ed */
    size_t member_count;
    char *metas;    /* malloc'ed, null where no row has any */
    bool has_value; /* the published value of record.value */
    void *value;    /* malloc'ed */
    size_t value_length;
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

/* A message that a subscription brought, or its confirmation. */
typedef struct irx__redis_push {
    bool subscribed;           /* a confirmation: nothing was said */
    bool said;                 /* `bytes` were, by somebody */
    const redisReply *channel; /* a text; null where neither is the case */
    const char *bytes;
    size_t length;
} irx__redis_push;

/* Both return 0, or with *error: IRX_EFOREIGN (a key holds something that is not ours), IRX_EFULL
 * (the member table is), IRX_EPROTOCOL (no such answer exists), IRX_ENOMEM. `key` is the record's,
 * for the error's text. After a failure answer->status is still the one that was told, or UNKNOWN,
 * and nothing is to be freed. A record of a newer format is told with that format and whatever of
 * it could be read. */
int irx__redis_read_answer(const redisReply *reply, irx_op_kind kind, const char *key,
                           irx__redis_answer *answer, irx_error *error);
int irx__redis_read_greeting(const redisReply *reply, const char *key,
                             irx__redis_greeting *greeting, irx_error *error);

/* Frees the table and the value, where there are any. */
void irx__redis_free_answer(irx__redis_answer *answer);

/* False if it is nothing that a subscription brings. The push points into the reply. */
bool irx__redis_read_push(const redisReply *reply, irx__redis_push *push);

/* Calls gone(argument, process) for each process that the answer to the watch names. False, and
 * nothing is called, if it is no such answer. */
bool irx__redis_read_gone(const redisReply *reply, void (*gone)(void *argument, irx_id process),
                          void *argument);

#endif
