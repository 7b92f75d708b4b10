/* The contract between the runtime and a medium: where an election is held.
 *
 * A medium decides nothing. It carries out the engine's operations, each atomic in its store, and
 * reports what happened, UNKNOWN included. It never turns a time-out into a failure, never retries,
 * never changes a role; its only timers are a deadline per request and the presence watch.
 * Everything here runs on the loop thread.
 *
 * One medium object serves all elections of a process that name the same URL. Each election has a
 * *seat* there. */
#ifndef IRX_MEDIUM_H
#define IRX_MEDIUM_H

#include "interrex_engine.h"
#include "runtime/url.h"

struct ev_loop;
typedef struct irx_medium irx_medium;

/* An election's place at a medium. The runtime makes and frees it; `data` is the medium's own, made
 * in attach and released in detach. `members` is the member table as last received: the medium
 * replaces it (malloc) whenever a result brings a newer one, before it reports that result, and
 * sets `members_changed`; the runtime frees it, and whatever else hangs on the seat. */
typedef struct irx_seat {
    char name[IRX_NAME_MAX + 1];
    char label[IRX_LABEL_MAX + 1];
    void *owner; /* the runtime's */
    void *data;  /* the medium's */
    irx_member *members;
    size_t member_count;
    bool members_changed;
    /* The bytes that the rows' meta_at and meta_length mean; replaced together with the rows. */
    char *metas;
    /* What a JOIN writes as this member's meta. The runtime's. */
    const void *meta;
    size_t meta_length;
    /* The published value as last received; the medium replaces it (malloc) whenever a result
     * brings a newer version, before it reports that result, and sets `value_changed`. The runtime
     * frees it, and takes it away where a new start finds that the store lost it. */
    void *value;
    size_t value_length;
    irx_version value_version; /* {0, 0}: none */
    bool value_changed;
} irx_seat;

/* What a medium tells. `generation` is the one of the connect call. */
typedef struct irx_sink {
    void *owner;
    /* A channel is ready for use. command: id is the store's epoch. presence: a new process id, for
     * which the store vouches from now on (subscribed or locked, and confirmed). */
    void (*up)(void *owner, irx_channel channel, uint64_t generation, irx_id id);
    /* A channel was lost, or an attempt to open it failed. Operations in flight on it are not
     * reported one by one. */
    void (*down)(void *owner, irx_channel channel, uint64_t generation, const irx_error *why);
    /* Exactly one result per submitted operation, unless the command channel went down first. */
    void (*result)(void *owner, irx_seat *seat, const irx_result *result, const irx_error *why);
    /* Something may have changed: a push came, or pushes may have been lost. */
    void (*hint)(void *owner, irx_seat *seat);
    /* The store vouches that the presence of this process, which this seat watches, has ended. Tell
     * once. */
    void (*gone)(void *owner, irx_seat *seat, irx_id process);
    /* A message came, encoded as irx_message_encode does; the bytes are valid during the call only.
     * `seat` is one that it was broadcast to (every seat of that election is told, the sender's
     * too), or null: it came to this process, and says itself for which session. */
    void (*message)(void *owner, irx_seat *seat, const void *bytes, size_t length);
    /* What became of a send with a ticket: 0, or IRX_ENOMEMBER (nobody received it, where the
     * medium can tell), or what else kept it from leaving. Not told where the command channel went
     * down first. */
    void (*sent)(void *owner, irx_seat *seat, uint64_t ticket, int code);
    /* Before a command channel's `up`: what this store promises under takeover: safe. Only by media
     * that look. */
    void (*promise)(void *owner, irx_guarantee safe);
    /* Something an operator should know (an eviction policy that may drop the record, say). */
    void (*warning)(void *owner, const irx_error *what);
} irx_sink;

typedef struct irx_medium_config {
    const irx_url *url;         /* parsed; outlives the medium */
    const char *namespace_name; /* prefix of keys, channels and tables; outlives the medium */
    int64_t heartbeat_ns;       /* the smallest of its elections' */
    uint32_t max_members;       /* bound of a member table */
    bool create_table;          /* what the medium needs in the store and does not find, it makes */
    struct ev_loop *loop;
    irx_sink sink;
} irx_medium_config;

typedef struct irx_medium_class {
    const char *scheme; /* as in the URL, without the colon */
    bool has_presence;
    bool kernel;                  /* the kernel excludes a second leader */
    bool has_quorum;              /* protocol quorum may be asked for: the store pushes BEATs */
    irx_guarantee guarantee_fast; /* reported under takeover: fast, and safe */
    irx_guarantee guarantee_safe; /* until the medium has looked and told a better one */
    size_t message_max;           /* bytes of a message's data; 0: IRX_MESSAGE_MAX */

    /* 0 with *medium, or a negative IRX_E… with *error. Opens no connection. */
    int (*open)(const irx_medium_config *config, irx_medium **medium, irx_error *error);
    /* Both answer through up or down, soon but never from within the call. The medium sets its own
     * deadline on an attempt (IRX_CONNECT_LIMIT_NS). At most one attempt or connection per channel
     * at a time. */
    void (*connect)(irx_medium *medium, irx_channel channel, uint64_t generation);
    /* Closes at once; nothing of that generation is told afterwards. */
    void (*disconnect)(irx_medium *medium, irx_channel channel);
    /* 0 or a negative IRX_E…. Legal while disconnected. */
    int (*attach)(irx_medium *medium, irx_seat *seat, irx_error *error);
    /* Nothing about this seat is told afterwards. */
    void (*detach)(irx_medium *medium, irx_seat *seat);
    /* Only while the command channel is up. The result comes soon but never from within the call.
     */
    void (*submit)(irx_medium *medium, irx_seat *seat, const irx_op *op);
    /* One watch per seat at a time; a second call replaces the first. */
    void (*watch)(irx_medium *medium, irx_seat *seat, irx_id process, int64_t every_ns);
    void (*unwatch)(irx_medium *medium, irx_seat *seat);
    /* Sends an encoded message to a session, which is present under `process`, or (`to` none) to
     * everybody at this election. In the order of the calls, operations included; at most once,
     * never again. Only while the command channel is up. `ticket` 0: nobody asks what became of it.
     */
    void (*send)(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process, uint64_t ticket,
                 const void *bytes, size_t length);
    /* Ends and frees it, sockets and files included. Seats are detached before. */
    void (*close)(irx_medium *medium);
    /* In a forked child: close descriptors without a goodbye on the wire, and only that: no malloc,
     * no lock. */
    void (*forked)(irx_medium *medium);
} irx_medium_class;

/* Longest attempt to open a connection. */
#define IRX_CONNECT_LIMIT_NS (2 * INT64_C(1000000000))

extern const irx_medium_class irx__medium_memory;
extern const irx_medium_class irx__medium_local;
extern const irx_medium_class irx__medium_redis;
extern const irx_medium_class irx__medium_postgres;

/* The class for a URL's scheme, or null. */
const irx_medium_class *irx__medium_find(const char *scheme);

#endif
