/* The pure election engine: state and one input go in, a bounded list of outputs comes out.
 *
 * It reads no clock, opens no socket and allocates nothing; random numbers come from the seed it
 * was given. So a whole cluster can be run in one thread of a simulator, and every decision (who
 * leads, when to try, how long to back off) is made here and nowhere else.
 *
 *     void *memory = malloc(irx_engine_size());
 *     irx_engine *engine = irx_engine_init(memory, &options, seed);
 *     for (;;) {
 *         sleep until irx_engine_deadline(engine), or until something happens;
 *         irx_engine_step(engine, &input, &outputs);
 *         carry out the outputs, in their order;
 *     }
 *
 * Times are nanoseconds of the boot-time clock (CLOCK_BOOTTIME), which never jumps and goes on
 * through suspend. One engine must be stepped by one thread at a time. */
#ifndef INTERREX_ENGINE_H
#define INTERREX_ENGINE_H

#include "interrex_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IRX_NEVER INT64_MAX

enum {
    IRX_FORMAT = 1,       /* of the ledger record; a newer one is read-only to us */
    IRX_OUTPUTS_MAX = 32, /* outputs of one step */
    IRX_TRACE_MAX = 192   /* bytes of one trace line, the final zero included */
};

typedef enum irx_protocol { IRX_PROTOCOL_LEASE = 1, IRX_PROTOCOL_QUORUM = 2 } irx_protocol;
typedef enum irx_takeover { IRX_TAKEOVER_FAST = 1, IRX_TAKEOVER_SAFE = 2 } irx_takeover;

/* A medium has two connections: commands, and presence (what ends by itself when the process dies).
 */
typedef enum irx_channel { IRX_CHANNEL_COMMAND, IRX_CHANNEL_PRESENCE } irx_channel;

/* Numbers of one election, already validated by irx_options. */
typedef struct irx_engine_options {
    irx_protocol protocol;
    irx_takeover takeover;
    int64_t heartbeat_ns;   /* X: from one renewal to the next */
    int64_t timeout_ns;     /* Y: how long a leadership lives unrenewed */
    int64_t probe_ns;       /* how often the deputy asks for the leader's presence */
    int64_t drain_limit_ns; /* how long work may go on once leadership is given up */
    int64_t stall_limit_ns; /* longest silence of the host's own loop; 0: never */
    uint32_t drift_ppm;     /* rho: how far any member's clock rate may be from true */
    bool candidate;         /* false: observes only */
    bool has_presence;      /* the medium can vouch for a process */
    bool kernel;            /* the kernel excludes a second leader: no lease, no renewals */
    int64_t phase_ns; /* heartbeats fall on phase + k * heartbeat: elections of one process travel
                         together */
} irx_engine_options;

/* The ledger's record of an election, as a medium stores it.
 * Vacant: session is none. Never held: term is 0 (CREATE made it and nobody has claimed it). */
typedef struct irx_record {
    uint32_t format;
    irx_protocol protocol;
    irx_takeover takeover;
    bool presence_seen; /* the store itself saw the holder's presence, inside CLAIM or RENEW */
    irx_id incarnation;
    uint64_t term;
    irx_id session;
    irx_id process;
    uint64_t beat;
    int64_t hold_ns; /* how long others wait from a sight: timeout (1 + rho), by the holder */
    irx_id epoch;
    irx_id successor; /* named by the last RELEASE */
    char label[IRX_LABEL_MAX + 1];
    irx_version value; /* of the published value that lies beside the record; the engine does not
                          look at it */
    /* Protocol quorum: who votes about this leadership, the holder first. `list` grows by one with
     * each change within a term; CLAIM begins at 1, with the claimant alone. */
    uint64_t list;
    uint32_t voter_count;
    irx_id voters[IRX_VOTERS_MAX];
} irx_record;

/* A row of the member table. */
typedef struct irx_member {
    irx_id session;
    irx_id process;
    uint64_t join; /* join number: lower joined earlier; rank is the order of candidates by it */
    bool candidate;
    char label[IRX_LABEL_MAX + 1];
    uint32_t meta_length; /* bytes of its meta, which lie beside the table, at `meta_at`; the engine
                             does not look at them */
    size_t meta_at;
} irx_member;

/* ---- what the engine asks of a medium -------------------------------------------------------- */

/* Each is atomic in the store; each result brings the record as it stands after the operation. */
typedef enum irx_op_kind {
    IRX_OP_READ,   /* the record and, where it changed, the member table */
    IRX_OP_CREATE, /* a vacant, never-held record {incarnation} where there is none; else CONFLICT
                    */
    IRX_OP_JOIN,   /* writes the member row; join 0 asks for a new number; also a READ */
    IRX_OP_LEAVE,  /* removes the member row */
    IRX_OP_CLAIM,  /* only if the record is exactly `expected`; else CONFLICT */
    IRX_OP_CLAIM_IF_GONE, /* as CLAIM, and only if the record says fast and presence_seen (kernel:
                             always) and the store itself sees that the holder's presence ended;
                             else CONFLICT. Removes the former holder's member row. */
    IRX_OP_RENEW,   /* only if incarnation, session, term match and beat is greater; else STALE */
    IRX_OP_RELEASE, /* only if incarnation, session, term match: vacates, names the successor; else
                       STALE */
    IRX_OP_STRIKE,  /* removes the rows of members whose presence ended; also a READ */
    IRX_OP_PUBLISH  /* only if incarnation, session, term match: writes the published value, its
                       version one above the stored one ({term, 1} in a new term); else STALE. Asked
                       by the runtime for the application, never by the engine. */
} irx_op_kind;

typedef struct irx_op {
    irx_op_kind kind;
    uint64_t id;         /* comes back in the result; an older one is dropped by the engine */
    uint64_t generation; /* of the command connection */
    int64_t deadline_ns; /* past it the engine counts the operation as UNKNOWN */
    irx_id epoch;   /* the sender's; a store of another epoch answers EPOCH and changes nothing */
    irx_id session; /* the sender's */
    irx_id process; /* the sender's presence, none where it has none */
    irx_protocol protocol;
    irx_takeover takeover;
    uint64_t join;      /* JOIN: own number, or 0 */
    bool candidate;     /* JOIN */
    irx_id incarnation; /* CREATE, CLAIM: of the record to write; RENEW, RELEASE: of the one held */
    uint64_t
        term; /* CLAIM: to write, or with `first_term` the least to write; RENEW, RELEASE: held */
    bool first_term;  /* CLAIM: the term is max(term, the store's Unix milliseconds) */
    uint64_t beat;    /* CLAIM, RENEW: to write */
    int64_t hold_ns;  /* CLAIM, RENEW: to write */
    irx_id successor; /* RELEASE: who should claim at once; none: the deputy */
    bool leave;       /* RELEASE: remove the member row too */
    bool push;        /* JOIN: the row says something new; tell the others */
    /* Protocol quorum. RENEW: the list in force, to be written only if `list_changed`; the store
     * pushes a BEAT to everyone when it has applied the RENEW. CLAIM: those who voted for it;
     * `by_votes`: only if they are more than half of the voters of the record. */
    bool by_votes;
    bool list_changed;
    uint64_t list;
    uint32_t voter_count;
    irx_id voters[IRX_VOTERS_MAX];
    const void *data; /* PUBLISH: the value; stays valid until the result, or the end of the channel
                       */
    size_t length;
    struct { /* CLAIM: the record must still be exactly this */
        irx_id incarnation;
        uint64_t term;
        irx_id session;
        uint64_t beat;
    } expected;
} irx_op;

typedef enum irx_status_kind {
    IRX_RESULT_OK,
    IRX_RESULT_CONFLICT, /* a CLAIM or CREATE did not match */
    IRX_RESULT_STALE,    /* a RENEW or RELEASE did not match */
    IRX_RESULT_ABSENT,   /* there is no record; JOIN and STRIKE have done their work */
    IRX_RESULT_EPOCH,    /* the store is under another epoch than the sender's */
    IRX_RESULT_FAILED,   /* surely not applied */
    IRX_RESULT_UNKNOWN   /* may have landed */
} irx_status_kind;

typedef struct irx_result {
    uint64_t id;
    uint64_t generation;
    irx_status_kind status;
    bool has_record; /* false: absent, or (FAILED, UNKNOWN) not told */
    irx_record record;
    irx_id epoch;   /* the store's, none where not told */
    uint64_t join;  /* JOIN: the number in force */
    int error_code; /* FAILED, UNKNOWN: IRX_E…; the medium reports the story itself */
} irx_result;

/* ---- messages -------------------------------------------------------------------------------- */

/* What members say to one another, past the store. At most once, in order per sender; a message may
 * be lost, repeated or late, and whoever may write to the store is trusted not to lie. */
typedef enum irx_message_kind {
    IRX_MESSAGE_BEAT = 1, /* quorum: `from` holds `token`, and the store has just taken `beat` */
    IRX_MESSAGE_ACK,      /* quorum, to the leader: this beat of `token` was received */
    IRX_MESSAGE_CALL,     /* quorum: who has not heard of `token`, held by `holder`, for a hold? */
    IRX_MESSAGE_VOTE,     /* quorum, to the caller: I have not, and never acknowledge it again */
    IRX_MESSAGE_DATA      /* the application's */
} irx_message_kind;

typedef struct irx_message {
    irx_message_kind kind;
    irx_id from;           /* session of the sender */
    uint32_t presence;     /* irx_presence_digest of the sender's process; 0: none vouches for it */
    irx_id to;             /* session; none: everybody but the sender */
    irx_token token;       /* BEAT, ACK, CALL, VOTE */
    irx_id holder;         /* CALL, VOTE */
    uint64_t beat;         /* BEAT, ACK */
    int64_t hold_ns;       /* BEAT */
    irx_audience audience; /* DATA */
    bool from_leader;      /* DATA: the sender led when it sent this */
    const void *data;      /* DATA; points into the bytes that were decoded */
    size_t length;
} irx_message;

enum { IRX_MESSAGE_HEADER_MAX = 96 }; /* bytes of an encoded message, but for its data */

typedef enum irx_decoded {
    IRX_DECODED,
    IRX_DECODED_FOREIGN,  /* not a message of this library */
    IRX_DECODED_NEWER,    /* of a version or kind that this library does not know */
    IRX_DECODED_MALFORMED /* cut short, too long, or with a value that can not be */
} irx_decoded;

/* Writes the message into `bytes`; its length, or 0 where `room` does not suffice or the data is
 * longer than IRX_MESSAGE_MAX. */
IRX_API size_t irx_message_encode(const irx_message *message, void *bytes, size_t room);
/* Reads one; *message is complete only if the answer is IRX_DECODED. Allocates nothing. */
IRX_API irx_decoded irx_message_decode(const void *bytes, size_t length, irx_message *message);
/* The session that an encoded message is for, none for everybody or for what is no message. */
IRX_API irx_id irx_message_to(const void *bytes, size_t length);

/* A process id in short: enough to notice a session that is not the sender's by accident (a copy of
 * a guest, a late message of an earlier life); no proof against a forger. */
IRX_API uint32_t irx_presence_digest(irx_id process);
/* Does the sender's row, where there is one, name the presence that the message was sent under? */
IRX_API bool irx_message_genuine(const irx_message *message, const irx_member *members,
                                 size_t count);

/* ---- inputs ---------------------------------------------------------------------------------- */

typedef enum irx_input_kind {
    IRX_IN_START,
    IRX_IN_STOP,
    IRX_IN_RESIGN,
    IRX_IN_TRANSFER,    /* transfer.successor */
    IRX_IN_WAKE,        /* a pulse or an end of work that the engine waits for */
    IRX_IN_TIMEOUT,     /* the deadline is reached */
    IRX_IN_MEDIUM_UP,   /* up */
    IRX_IN_MEDIUM_DOWN, /* down: lost, or an attempt to connect failed */
    IRX_IN_RESULT,      /* result */
    IRX_IN_HINT,        /* something may have changed: causes a READ, never a transition */
    IRX_IN_GONE,        /* gone.process: the medium vouches that its presence has ended */
    IRX_IN_MESSAGE,     /* message: BEAT, ACK, CALL or VOTE, for this session or for everybody */
    IRX_IN_META         /* the application changed its meta: the member row is to be written anew */
} irx_input_kind;

typedef struct irx_input {
    irx_input_kind kind;
    int64_t now_ns;   /* boot-time clock */
    int64_t wall_ns;  /* Unix time, for the divergence check alone */
    int64_t pulse_ns; /* when the host's own loop last showed life, boot-time clock */
    uint32_t
        work; /* pieces of leader work running now, read after the last SNAPSHOT was published */
    const irx_member *members; /* the member table as last received; belongs to the caller */
    size_t member_count;
    union {
        struct {
            irx_id successor;
        } transfer;
        struct {
            irx_channel channel;
            uint64_t generation;
            irx_id id; /* command: the store's epoch; presence: the process id it vouches for */
        } up;
        struct {
            irx_channel channel;
            uint64_t generation;
            uint32_t attempt; /* failures in a row on this channel, this one included */
            uint64_t draw; /* random, the same for all elections that share the connection, so that
                              they agree when to try again */
            int error_code;
        } down;
        struct {
            irx_id process;
        } gone;
        irx_result result;
        irx_message message;
    };
} irx_input;

/* ---- outputs --------------------------------------------------------------------------------- */

typedef enum irx_event_kind {
    IRX_EVENT_STARTED,  /* taking part: connected, role known */
    IRX_EVENT_ELECTED,  /* token */
    IRX_EVENT_DRAINING, /* token, reason: take nothing new; work may finish */
    IRX_EVENT_DEFEATED, /* token, reason, leader */
    IRX_EVENT_LEADER,   /* leader, or none */
    IRX_EVENT_ROLE,     /* role, previous */
    IRX_EVENT_MEMBERS,  /* the member table changed */
    IRX_EVENT_WARNING,  /* error */
    IRX_EVENT_ERROR,    /* error */
    IRX_EVENT_STOPPED   /* the last one until the next start */
} irx_event_kind;

/* Who leads, as far as this member knows. session none: nobody known. */
typedef struct irx_leader {
    irx_id session;
    uint64_t term;
    char label[IRX_LABEL_MAX + 1];
} irx_leader;

typedef enum irx_output_kind {
    IRX_OUT_OP,         /* op */
    IRX_OUT_WATCH,      /* watch: report GONE when this process's presence has ended; repeat until
                           UNWATCH */
    IRX_OUT_UNWATCH,    /* stop watching */
    IRX_OUT_SNAPSHOT,   /* snapshot: publish before carrying out anything after it */
    IRX_OUT_EVENT,      /* event */
    IRX_OUT_CONNECT,    /* channel: open it, unless it is open or opening */
    IRX_OUT_DISCONNECT, /* channel: close it, if it still is of this generation; a later CONNECT
                           re-opens */
    IRX_OUT_SEND,       /* message: to one session, or to everybody else; lost where it can't leave
                         */
    IRX_OUT_TRACE       /* trace: one line for people and tests */
} irx_output_kind;

typedef struct irx_snapshot {
    irx_role role;
    irx_token token;         /* term 0: does not lead */
    int64_t valid_until_ns;  /* leadership.check(); IRX_NEVER under kernel exclusion */
    int64_t leader_until_ns; /* is_leader(): the same, but 0 while draining */
    bool stalled;            /* waiting for a pulse */
} irx_snapshot;

typedef struct irx_output {
    irx_output_kind kind;
    union {
        irx_op op;
        struct {
            irx_id process;
            int64_t every_ns;
        } watch;
        irx_snapshot snapshot;
        struct {
            irx_event_kind kind;
            irx_token token;
            irx_reason reason;
            irx_role role;
            irx_role previous;
            irx_leader leader;
            irx_error error;
        } event;
        struct {
            irx_channel channel;
            uint64_t generation;
        } channel;
        irx_message message;
        char trace[IRX_TRACE_MAX];
    };
} irx_output;

typedef struct irx_outputs {
    size_t count;
    irx_output list[IRX_OUTPUTS_MAX];
} irx_outputs;

typedef struct irx_engine irx_engine;

/* Bytes of memory an engine needs, aligned as malloc aligns. */
IRX_API size_t irx_engine_size(void);

/* Makes an engine in `memory`, which stays the caller's. `options` is copied. `seed` is 256 random
 * bits, or any fixed ones for a repeatable run. Options must have passed irx_engine_options_check.
 */
IRX_API irx_engine *irx_engine_init(void *memory, const irx_engine_options *options,
                                    const uint64_t seed[4]);

/* 0, or IRX_ECONFIG with the option, the value and the rule broken in *error. */
IRX_API int irx_engine_options_check(const irx_engine_options *options, irx_error *error);

/* Feeds one input. `outputs` is overwritten; carry it out in order before the next step. */
IRX_API void irx_engine_step(irx_engine *engine, const irx_input *input, irx_outputs *outputs);

/* When to call next with IRX_IN_TIMEOUT if nothing else happens, or IRX_NEVER. */
IRX_API int64_t irx_engine_deadline(const irx_engine *engine);

/* The session in force (new at every start), none before the first. */
IRX_API irx_id irx_engine_session(const irx_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
