/* The engine's state, and the functions its files share. Nothing outside core/engine includes this
 * but its tests. */
#ifndef IRX_ENGINE_INTERNAL_H
#define IRX_ENGINE_INTERNAL_H

/* Assertions on our own state stay on in release builds. */
#undef NDEBUG
#include <assert.h>
#if defined(IRX_MUTANTS) && defined(IRX__ASSERTIONS_OFF)
/* So that scripts/mutants.sh shows what the simulator's own checkers see. */
#undef assert
#define assert(condition) ((void)0)
#endif

#include "engine/rules.h"
#include "interrex_engine.h"

#define IRX__MILLISECOND_NS INT64_C(1000000)
#define IRX__COALESCE_NS (10 * IRX__MILLISECOND_NS)
#define IRX__TERM_LIMIT (UINT64_C(1) << 53)
#define IRX__HOLD_LIMIT_NS (1200 * 1000 * IRX__MILLISECOND_NS)

enum {
    IRX__ROUND_TRIPS = 8,
    IRX__SENT_BEATS = 16,
    IRX__OP_NONE = -1,
    IRX__VOTERS = IRX_VOTERS_MAX - 1 /* but for the leader itself */
};

typedef enum irx__knowledge { IRX__UNKNOWN, IRX__ABSENT, IRX__PRESENT } irx__knowledge;

/* A request that carried a beat: what confirms a lease, and from when it counts. */
typedef struct irx__sent_beat {
    uint64_t beat;
    int64_t sent_ns;
    irx_id process;
} irx__sent_beat;

/* Somebody whose acknowledgements count in this term. */
typedef struct irx__voter {
    irx_id session;   /* none: a free place */
    bool listed;      /* in the list that the store has shown */
    bool proposed;    /* in the one that is on its way, if one is */
    int64_t acked_ns; /* when the newest beat that it acknowledged was sent */
    int64_t heard_ns; /* when it acknowledged last */
} irx__voter;

struct irx_engine {
    irx_engine_options options;
    uint64_t random[4];

    int64_t now_ns;
    int64_t wall_ns;
    int64_t start_ns;
    int64_t deadline_ns;
    const irx_input *input; /* of the step under way */
    irx_outputs *outputs;   /* of the step under way */

    /* life */
    bool running;
    bool stopping;
    bool told_started;
    irx_role role;
    irx_id session;
    uint64_t join; /* own join number, kept for the next JOIN */
    bool joined;
    bool crowded;       /* the table is full: who is dead in it is to be struck, */
    bool struck;        /* and was, since the last JOIN that was answered otherwise */
    bool listed;        /* a JOIN was sent: there may be a row to remove */
    uint64_t meta;      /* changes of the application's meta; what its row says: */
    uint64_t meta_sent; /* by the last JOIN sent, */
    uint64_t meta_told; /* and by the last one answered */

    /* connections, by irx_channel */
    struct {
        bool up;
        bool settled; /* came up, or failed, since the start or the last loss */
        uint64_t generation;
        int64_t connect_at_ns; /* IRX_NEVER: asked for already */
        int told_code;         /* trouble told to the application, 0: none */
    } channel[2];
    irx_id process; /* own presence, none while it is down */
    irx_id epoch;   /* the store's */

    /* what is known of the record */
    irx__knowledge knowledge;
    irx_record record;     /* the newest sight */
    bool under_epoch;      /* the record was received under the epoch in force */
    int64_t sight_ns;      /* when the newest sight was first received */
    int64_t received_ns;   /* when the record was last received, changed or not */
    int64_t never_held_ns; /* since when it is seen as never-held without a break */
    bool life_seen;        /* this session received a held record, or another incarnation */
    irx_id incarnation_seen;
    int64_t largest_hold_ns;
    uint64_t largest_term;
    irx_id mismatched; /* session of a holder whose settings are not ours */
    bool must_read;
    bool hinted;

    /* the operation in flight; one at a time */
    struct {
        int kind; /* irx_op_kind, or IRX__OP_NONE */
        uint64_t id;
        int64_t sent_ns;
        int64_t deadline_ns;
        irx_op op;
    } flight;
    uint64_t last_op_id;
    int64_t round_trips_ns[IRX__ROUND_TRIPS];
    size_t round_trip_next;
    uint32_t failures; /* refused operations in a row */
    int64_t retry_at_ns;
    int64_t poll_at_ns;
    int64_t join_at_ns;

    /* who else is there */
    uint32_t rank;   /* candidates before this one, the holder not counted */
    uint32_t others; /* candidates but for this one */
    bool successor_known;

    /* presence of the holder */
    irx_id watched;
    int64_t watch_every_ns; /* 0: no watch */
    irx_id gone;            /* the process reported gone, none: no such report */
    int64_t gone_ns;

    /* leadership; term 0: none */
    irx_token token;
    irx_id lead_process; /* presence under which the leadership is recorded */
    int64_t valid_until_ns;
    uint64_t beat; /* the highest sent */
    irx__sent_beat sent[IRX__SENT_BEATS];
    size_t sent_next;
    int64_t ledger_until_ns; /* valid_until_ns by the confirmed renewals alone */
    int64_t renew_at_ns;
    int64_t strike_at_ns;

    /* protocol quorum, leading */
    irx__voter voters[IRX__VOTERS];
    uint64_t list;  /* version of the one that the store has shown */
    bool proposing; /* list + 1 is on its way */

    /* protocol quorum, following */
    struct {
        int64_t heard_ns; /* a beat of the recorded leadership, or when that was first known */
        uint64_t heard_beat;
        irx_token promised; /* never to be acknowledged again */
        irx_token called;   /* what the votes are against */
        int64_t call_at_ns; /* not before */
        uint32_t vote_count;
        irx_id votes[IRX_VOTERS_MAX];
    } quorum;

    /* giving it up */
    irx_reason drain_reason;
    int64_t drain_until_ns;
    bool drain_published; /* the draining snapshot left in an earlier step */
    irx_id successor;
    struct {
        bool pending;
        irx_token token;
        irx_id successor;
    } release;
    int64_t rest_until_ns; /* no claims before */
    bool stalled;

    /* what was told last */
    irx_snapshot told_snapshot;
    irx_leader told_leader;
};

/* timing.c */
int64_t irx__lease_end(const irx_engine *e, int64_t sent_ns);
int64_t irx__own_hold(const irx_engine *e);
int64_t irx__hold(const irx_engine *e);
int64_t irx__next_heartbeat(const irx_engine *e);
int64_t irx__next_poll(irx_engine *e);
int64_t irx__rest(const irx_engine *e);
int64_t irx__operation_limit(const irx_engine *e);
int64_t irx__round_trip(const irx_engine *e);
int64_t irx__stagger(const irx_engine *e);

/* backoff.c */
uint64_t irx__random_next(irx_engine *e);
void irx__random_stir(irx_engine *e, uint64_t with);
irx_id irx__random_session(irx_engine *e);
int64_t irx__backoff(const irx_engine *e, uint32_t attempt, uint64_t draw);

/* outputs.c */
irx_output *irx__output(irx_engine *e, irx_output_kind kind);
irx_output *irx__event(irx_engine *e, irx_event_kind kind);
void irx__trouble(irx_engine *e, irx_event_kind kind, int code);
void irx__publish(irx_engine *e);
void irx__set_role(irx_engine *e, irx_role role);
void irx__tell_role(irx_engine *e, irx_role previous);
void irx__tell_leader(irx_engine *e);
void irx__trace(irx_engine *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *irx__short(irx_id id, char text[9]);

/* members.c */
void irx__members_look(irx_engine *e);

/* view.c */
void irx__view_epoch(irx_engine *e, irx_id epoch);
void irx__view_record(irx_engine *e, const irx_record *record);
bool irx__held_by_self(const irx_engine *e);
bool irx__held_by_other(const irx_engine *e);
bool irx__claimable_format(const irx_engine *e);

void irx__view_beat(irx_engine *e, uint64_t beat, int64_t hold_ns);

/* operations.c */
irx_op *irx__op_begin(irx_engine *e, irx_op_kind kind);
void irx__op_send(irx_engine *e);
void irx__op_result(irx_engine *e, const irx_result *result);
void irx__op_lost(irx_engine *e);
void irx__op_unanswered(irx_engine *e, int code);
bool irx__op_idle(const irx_engine *e);

/* connections.c */
void irx__connections_start(irx_engine *e);
void irx__connections_up(irx_engine *e);
void irx__connections_down(irx_engine *e);
void irx__connections_drop(irx_engine *e, irx_channel channel);
void irx__connections_advance(irx_engine *e);

/* lease.c */
void irx__lease_leader(irx_engine *e);
void irx__lease_follower(irx_engine *e);
void irx__lease_watch(irx_engine *e);

/* quorum.c */
bool irx__quorum(const irx_engine *e);
int64_t irx__quorum_interval(const irx_engine *e);
void irx__quorum_shifted(irx_engine *e);
void irx__quorum_message(irx_engine *e);
bool irx__quorum_won(const irx_engine *e);
void irx__quorum_spend(irx_engine *e, irx_op *op);
void irx__quorum_call(irx_engine *e);

/* voters.c */
void irx__voters_begin(irx_engine *e);
int64_t irx__voters_deadline(const irx_engine *e);
void irx__voters_acknowledged(irx_engine *e, const irx_message *ack);
void irx__voters_advance(irx_engine *e);
void irx__voters_write(irx_engine *e, irx_op *op);
void irx__voters_confirm(irx_engine *e);

/* leadership.c */
void irx__lead_validate(irx_engine *e);
bool irx__leads(const irx_engine *e);
void irx__lead_begin(irx_engine *e, const irx_record *record);
void irx__lead_end(irx_engine *e, irx_reason reason);
void irx__lead_verify(irx_engine *e);
bool irx__lead_recorded(const irx_engine *e, irx_id process);
void irx__lead_deadline(irx_engine *e);
void irx__lead_sent(irx_engine *e, const irx_op *op);
void irx__drain_begin(irx_engine *e, irx_reason reason, irx_id successor);
void irx__drain_advance(irx_engine *e);
void irx__release_send(irx_engine *e);

/* guard.c */
void irx__guard_clock(irx_engine *e, int64_t passed_ns);
void irx__guard_host(irx_engine *e);

/* election.c */
void irx__want(irx_engine *e, int64_t at_ns);
void irx__new_session(irx_engine *e);
void irx__stop_finish(irx_engine *e);

#endif
