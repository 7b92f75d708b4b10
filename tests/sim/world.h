/* The state of one run, shared by the simulator's files. True time is w->now_ns; each member has a
 * clock of its own. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "medium/ledger.h"
#include "medium/table.h"
#include "sim.h"

enum {
    SIM_POSTS_MAX = 4096,
    SIM_LETTERS = 64,
    SIM_PRESENT_MAX = 512,
    SIM_TOKENS_MAX = 1024,
    SIM_HISTORY = 512,
    SIM_ROWS_MAX = 256,
    SIM_LOST_MAX = 4,
    SIM_NAMES_MAX = 512
};

/* Round trips of the quiet network: at most this much each way. */
#define SIM_LATENCY_NS (2 * SIM_MS)
#define SIM_ROUND_TRIP_NS (2 * SIM_LATENCY_NS)
#define SIM_LATENESS_NS (SIM_MS / 5) /* of timers */

typedef enum sim_post_kind {
    /* of the world: they come whatever the member does */
    POST_REQUEST,
    POST_SEND,
    POST_PRESENCE_END,
    POST_FAULT,
    POST_FAULT_END,
    POST_START,
    POST_DRILL,
    /* to a running member; they wait while it is stopped */
    POST_REPLY,
    POST_HINT,
    POST_MESSAGE,
    POST_UP,
    POST_DOWN,
    POST_PROBE,
    POST_GONE,
    POST_WORK_END,
    POST_PULSE
} sim_post_kind;

/* A message as it travels. */
typedef struct sim_letter {
    size_t length;
    uint8_t bytes[IRX_MESSAGE_HEADER_MAX];
} sim_letter;

/* What a request has caused in the store, and travels back. */
typedef struct sim_post {
    sim_post_kind kind;
    int member;
    uint32_t life;
    irx_channel channel;
    uint64_t generation;
    uint64_t number; /* of a watch; index of a fault; what kind of stray message */
    uint64_t losses; /* of the store's data, when it answered */
    irx_id id;
    irx_op op;
    irx_result result;
    sim_letter letter;
    irx_member *rows; /* the member table, where it changed; owned */
    size_t row_count;
    uint64_t rows_version;
    size_t next_free;
} sim_post;

typedef struct sim_slot {
    int64_t at_ns;
    uint64_t order;
    size_t post;
} sim_slot;

typedef struct sim_member {
    irx_engine *engine;
    irx_engine_options options;
    uint32_t life; /* grows at every death */
    bool running;  /* the process lives */
    bool handle;   /* its election is started */

    /* clock: local = local_base + (true - true_base) * rate */
    int64_t local_base_ns;
    int64_t true_base_ns;
    int64_t rate_ppm;
    int64_t wall_ahead_ns;
    bool frozen;
    int64_t due_ns;   /* its deadline in true time */
    int64_t ready_ns; /* the last connection or start */

    int stopped;      /* pauses under way */
    bool stall_armed; /* the next step is interrupted */
    size_t stall_after;
    size_t stall_fault;
    irx_outputs *held; /* of an interrupted step */
    size_t held_next;
    int64_t held_step_ns; /* when that step was, on its clock */
    size_t waiting[SIM_POSTS_MAX / 8];
    size_t waiting_count;

    /* windows of faults, in true time */
    int64_t until_ns[SIM_KINDS];
    int64_t amount[SIM_KINDS];

    bool up[2];
    bool opening[2];
    bool dead[2]; /* the link is gone, and it was not told yet */
    uint64_t generation[2];
    uint32_t attempts[2];
    irx_id process;
    irx_id watched;
    int64_t watch_every_ns;
    int64_t watch_since_ns;
    uint64_t watch_number;
    irx_member *rows;
    size_t row_count;
    uint64_t rows_version;
    irx_id holder; /* of the record, as its runtime knows it */
    irx_id holder_process;
    irx_id epoch;         /* as its runtime knows it */
    uint64_t publishes;   /* that it sent */
    irx_token publish;    /* what it was about to publish under when it was stopped */
    irx_version view;     /* of the value, as handed to the application */
    uint64_t view_losses; /* of the store's data, when it got that */

    uint32_t work;
    bool race;
    int64_t race_for_ns;
    bool silent;
    int64_t pulse_ns;

    /* what it published and told */
    irx_snapshot snapshot;
    int64_t valid_true_ns; /* the check is true before this */
    irx_token led;         /* by its events; term 0: none */
    bool started;
    bool told_draining;
    irx_role role;
    int64_t drain_since_ns;
    int64_t rest_until_ns;
    int64_t jumped_ns; /* last forward jump of its wall clock, true time; 0: none */
    bool jump_unseen;
    size_t acquisition;        /* of `led`: index + 1; 0: none */
    int64_t ended_ns;          /* what the check said last before it said no */
    irx_token writes;          /* what its application was about to write when it was stopped */
    int64_t excused_ns;        /* clock beyond the drift: overlaps are excused until then */
    irx_id lost[SIM_LOST_MAX]; /* presences it was told are lost */
    size_t lost_next;
    uint64_t last_op;
    uint64_t highest_seen; /* terms */
    uint64_t term_seen;    /* in the newest answer */
    bool life_seen;
    bool sees_vacant;
    int64_t vacant_ns; /* since when it saw the record vacant */
    irx_id incarnation_seen;
    int64_t round_trips_ns[8];
    size_t round_trip_next;
    int64_t op_sent_ns;
    int64_t window_ns; /* of counting operations */
    uint32_t window_ops;
    uint32_t window_messages;
    uint32_t window_beats; /* received: each allows for an answer */
    uint32_t spins;
    int64_t spin_ns;
} sim_member;

/* Every applied CLAIM, in the store's order. */
typedef struct sim_acquisition {
    irx_token token;
    irx_id session;
    irx_id process;
    int member;
    bool elected;    /* the token was told to its member */
    bool excused;    /* a later one may overlap with it: until it notices */
    bool lost;       /* the record was, for a moment at least, not there */
    bool superseded; /* the record was another's, or vacant */
    uint64_t epoch_number;
} sim_acquisition;

typedef struct sim_world {
    const sim_plan *plan;
    sim_report *report;
    const sim_listener *listener;
    uint64_t random;
    uint64_t drill_random;
    int64_t now_ns;
    uint64_t order;
    sim_member members[SIM_MEMBERS_MAX];
    irx_outputs outputs;

    sim_slot heap[SIM_POSTS_MAX];
    size_t heap_count;
    size_t free_post;
    size_t fresh_post;

    /* the store */
    irx__ledger ledger;
    irx__table table;
    uint64_t table_version;
    irx_id epoch; /* none: missing */
    uint64_t epoch_number;
    uint64_t identity;
    uint64_t stored_identity;
    int64_t clock_back_ms;
    int64_t down_until_ns;
    int64_t refuse_until_ns;
    int64_t hush_until_ns;
    int64_t hush_percent;
    size_t history_count;
    irx_id present[SIM_PRESENT_MAX];
    size_t present_count;
    sim_letter letters[SIM_LETTERS]; /* the last ones that came through */
    size_t letter_count;

    /* judgement */
    sim_acquisition acquisitions[SIM_TOKENS_MAX];
    size_t acquisition_count;
    uint64_t highest_term;
    irx_token accepted;
    size_t accepted_acquisition;
    irx_version committed; /* the newest value since data was last lost */
    uint64_t losses;       /* how often that was */
    bool beyond_drift;
    int overlap; /* members of the last excused overlap */

    /* the quiet time */
    bool calm;
    int64_t calm_ns;
    int64_t quiet_ns;   /* liveness is measured from here */
    int64_t ready_ns;   /* the last connection, epoch or member that came since */
    int64_t led_ns;     /* when somebody last led */
    int64_t epoch_ns;   /* the last change of epoch */
    int64_t settled_ns; /* since when the same one leads */
    int leader;
    int64_t end_ns;
    int drills_left;
    struct {
        bool on;
        sim_drill kind;
        int64_t from_ns;
        int64_t bound_ns; /* 0: the general one */
        int successor;    /* who must lead, -1: anyone */
    } drill;

    /* a guest that was copied, until the copy wakes */
    struct {
        bool on;
        int to;
        sim_member member;
        int64_t taken_ns;
    } clone;

    size_t name_count;

    /* not cleared from run to run */
    irx_engine *twins[2]; /* what another input would have made of an engine */
    irx_outputs twin_outputs;
    sim_post posts[SIM_POSTS_MAX];
    struct {
        int64_t at_ns;
        irx__ledger ledger;
    } history[SIM_HISTORY];
    struct {
        irx_id id;
        char name[32];
    } names[SIM_NAMES_MAX];
} sim_world;

/* run.c */
sim_post *sim_send(sim_world *w, sim_post_kind kind, int member, int64_t at_ns);
void sim_requeue(sim_world *w, size_t post, int64_t at_ns);
void sim_say(sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_name(sim_world *w, irx_id id, char kind, int member);

/* clock.c */
int64_t sim_local(const sim_world *w, const sim_member *m);
int64_t sim_true(const sim_member *m, int64_t local_ns);
void sim_clock_rebase(const sim_world *w, sim_member *m);
void sim_clock_changed(sim_world *w, sim_member *m);

/* member.c */
void sim_member_open(sim_world *w, int who);
void sim_member_start(sim_world *w, int who);
void sim_member_ask(sim_world *w, int who, irx_input *input);
void sim_member_die(sim_world *w, int who, int64_t seen_after_ns);
void sim_member_drop(sim_world *w, int who, irx_channel channel, int64_t heard_ns);
void sim_member_stop(sim_world *w, int who);
void sim_member_resume(sim_world *w, int who);
void sim_member_take(sim_world *w, sim_post *post);
void sim_member_begin_work(sim_world *w, int who, int64_t for_ns);
void sim_member_submit(sim_world *w, int who, const irx_op *op);
void sim_step(sim_world *w, int who, irx_input *input);

/* bus.c */
void sim_bus_send(sim_world *w, int who, const irx_message *message);
void sim_bus_serve(sim_world *w, const sim_post *post);
void sim_bus_beat(sim_world *w, int who, const irx_op *op);
void sim_bus_take(sim_world *w, const sim_post *post);
bool sim_bus_stray(sim_world *w, int who, int64_t by);

/* register.c */
bool sim_register_publish(sim_world *w, int who);
void sim_register_resume(sim_world *w, int who);
void sim_register_answer(sim_world *w, const sim_post *post);
void sim_register_view(sim_world *w, int who, const sim_post *post);
void sim_register_applied(sim_world *w, int who, const irx_op *op);
void sim_register_check(sim_world *w);
void sim_register_lost(sim_world *w);
bool sim_register_asked(const irx_result *result);

/* store.c */
void sim_store_serve(sim_world *w, const sim_post *request);
irx_id sim_store_identify(sim_world *w);
bool sim_store_present(const sim_world *w, irx_id process);
void sim_store_presence_begin(sim_world *w, irx_id process);
void sim_store_presence_end(sim_world *w, irx_id process);
void sim_store_restart(sim_world *w, int64_t back_ms, bool empty, bool keep_connections);
void sim_store_evict(sim_world *w, bool everything);
int sim_store_holder(const sim_world *w);

/* network.c: how long a message takes, and whether it comes at all */
int64_t sim_latency(sim_world *w, int who);
bool sim_request_lost(sim_world *w, int who);
bool sim_reply_lost(sim_world *w, int who);
bool sim_open(const sim_world *w, const sim_member *m, sim_kind window);
irx_id sim_draw_id(sim_world *w);

/* faults.c */
void sim_fault_begin(sim_world *w, size_t index);
void sim_fault_end(sim_world *w, size_t index, int who, uint32_t life);

/* check.c */
void sim_fail(sim_world *w, sim_invariant invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sim_check_leaders(sim_world *w);
void sim_check_claim(sim_world *w, int who, const irx_op *op, const irx_record *before);
void sim_check_record(sim_world *w);
void sim_check_result(sim_world *w, int who, const sim_post *post, bool before);
void sim_check_step(sim_world *w, int who, const irx_input *input, const irx_outputs *outputs);
void sim_check_outputs(sim_world *w, int who, irx_input_kind kind, const irx_outputs *outputs);
void sim_check_event(sim_world *w, int who, const irx_output *output, int64_t step_ns);
void sim_check_snapshot(sim_world *w, int who, const irx_snapshot *snapshot, int64_t step_ns);
void sim_check_write(sim_world *w, int who, irx_token token);
void sim_check_message(sim_world *w, int who, irx_input *input);
void sim_check_told_lost(sim_world *w, int who, irx_id process);

/* quiet.c */
void sim_quiet_begin(sim_world *w);
void sim_quiet_watch(sim_world *w);
void sim_quiet_led(sim_world *w, int who);
void sim_quiet_lost(sim_world *w, int who, irx_reason reason);

#endif
