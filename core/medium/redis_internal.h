/* What the files of the Redis medium share. */
#ifndef IRX_REDIS_INTERNAL_H
#define IRX_REDIS_INTERNAL_H

#include "medium/medium.h"
#include "medium/redis_connection.h"
#include "medium/redis_reply.h"

enum {
    /* "<namespace>:{<name>}" and what hangs on it, and "<namespace>:presence:<32 digits>". */
    IRX_REDIS_KEY_MAX = IRX_NAMESPACE_MAX + IRX_NAME_MAX + 24,
    IRX_REDIS_SHA_MAX = 41
};

/* One for each kind of operation, in its order, and the watch's. */
enum { IRX_REDIS_GONE = IRX_OP_PUBLISH + 1, IRX_REDIS_SCRIPTS };

typedef struct irx__redis_seat irx__redis_seat;

/* An election's place: seat->data. */
struct irx__redis_seat {
    irx_seat *seat;
    irx__redis_seat *next;
    irx__redis_seat *previous;
    char key[IRX_REDIS_KEY_MAX];
    char channel[IRX_REDIS_KEY_MAX]; /* of hints, and of what is said to everybody */
    bool known;                      /* `record` is a copy that a READ may be compared with */
    irx_record record;
    char version[IRX_REDIS_VERSION_MAX]; /* of the member table in seat->members */
    bool watching;
    irx_id watched;
    int64_t watch_every_ns;
};

/* A process that some seats watch. */
typedef struct irx__redis_watched {
    irx_id process;
    size_t seats;
} irx__redis_watched;

struct irx_medium {
    irx_medium_config config;
    char store_key[IRX_REDIS_KEY_MAX];
    char presence_prefix[IRX_NAMESPACE_MAX + 12];
    bool fixed; /* `addresses` needs no look-up */
    irx__addresses addresses;
    irx__resolver *resolver;
    irx__redis_connection connections[2]; /* by irx_channel */
    uint64_t generation[2];
    irx_id process; /* of the present subscription */
    irx__redis_seat *seats;
    irx__redis_seat *cursor; /* where a walk over the seats goes on; detach moves it */
    char shas[IRX_REDIS_SCRIPTS][IRX_REDIS_SHA_MAX];
    bool loading[IRX_REDIS_SCRIPTS]; /* a SCRIPT LOAD is under way */
    ev_timer watch;
    bool probing; /* a question is under way */
    irx__redis_watched *watched;
    size_t watched_count;
    size_t watched_room;
    bool warned_eviction;
    bool warned_cluster;
    bool warned_probe;
    int depth; /* of events of the loop that we are in */
    bool closed;
};

/* ---- redis_greeting.c: from an open socket to `up` ---- */

void irx__redis_greet(irx_medium *medium, irx_channel channel);
/* SCRIPT LOAD of an operation's script, or the watch's. */
void irx__redis_load(irx_medium *medium, unsigned script);
/* An error reply on this connection: explains it and ends the connection. */
void irx__redis_refused(irx_medium *medium, irx_channel channel, const redisReply *reply);

/* ---- redis_operation.c: operations and their results ---- */

void irx__redis_submit(irx_medium *medium, irx_seat *seat, const irx_op *op);
/* Requests under way are not to tell this seat anything. */
void irx__redis_forget_seat(irx_medium *medium, const irx__redis_seat *seat);

/* ---- redis_bus.c: messages ---- */

void irx__redis_send_message(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process,
                             uint64_t ticket, const void *bytes, size_t length);
/* Says something on a channel, or nothing to nobody: a question for those who wait for their turn.
 */
void irx__redis_say_on(irx_medium *medium, irx__redis_request *request, const char *channel,
                       const void *bytes, size_t length);
void irx__redis_say_nothing(irx_medium *medium, irx__redis_request *request);
/* Sends under way are not to tell this seat anything. */
void irx__redis_forget_sends(irx_medium *medium, const irx__redis_seat *seat);
/* Somebody said something, perhaps nothing, on a channel. */
void irx__redis_heard(irx_medium *medium, const irx__redis_push *push);
/* Tells those bytes, or a hint where there are none, to every seat of this channel. */
void irx__redis_tell_seats(irx_medium *medium, const redisReply *channel, const char *bytes,
                           size_t length);

/* ---- redis_presence.c: subscriptions and the watch ---- */

/* The channel that this process subscribes to: IRX_REDIS_KEY_MAX bytes. */
void irx__redis_presence_channel(const irx_medium *medium, irx_id process, char channel[]);

void irx__redis_subscribe_all(irx_medium *medium);
void irx__redis_subscribe(irx_medium *medium, const irx__redis_seat *seat);
void irx__redis_unsubscribe(irx_medium *medium, const irx__redis_seat *seat);
void irx__redis_pushed(irx_medium *medium, const redisReply *reply);
void irx__redis_watch(irx_medium *medium, irx_seat *seat, irx_id process, int64_t every_ns);
void irx__redis_unwatch(irx_medium *medium, irx_seat *seat);
void irx__redis_watch_init(irx_medium *medium);

/* ---- redis.c ---- */

/* Around every event of the loop: a close from within is carried out at the end of the outermost.
 */
void irx__redis_enter(void *medium);
void irx__redis_leave(void *medium);

static inline irx__redis_connection *irx__redis_command(irx_medium *medium)
{
    return &medium->connections[IRX_CHANNEL_COMMAND];
}

static inline irx__redis_connection *irx__redis_presence(irx_medium *medium)
{
    return &medium->connections[IRX_CHANNEL_PRESENCE];
}

#endif
