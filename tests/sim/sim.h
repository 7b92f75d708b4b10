/* The simulator: whole clusters of the real engine in one thread, under a plan of faults.
 *
 * A run is a plan, and a plan is drawn from a seed; the same plan gives the same run, to the last
 * nanosecond. What goes wrong is in the plan and nowhere else (outside of its faults the network is
 * quick and loses nothing), so that a failing plan can be made small by deleting faults from it. */
#ifndef SIM_H
#define SIM_H

#include "interrex_engine.h"

#include <stdio.h>

#define SIM_MS INT64_C(1000000)

enum { SIM_MEMBERS_MAX = 9, SIM_FAULTS_MAX = 96, SIM_TEXT_MAX = 320 };

/* What can go wrong, or be asked: name, word in plans, the set it belongs to, what it does. `for`
 * is a duration, `by` an amount. */
// clang-format off
#define SIM_FAULT_MAP(X)                                                                           \
    X(CRASH,    "crash",    MEMBERS, "the process dies; the store sees it at once; restarts after `for`")      \
    X(VANISH,   "vanish",   MEMBERS, "the machine dies; the store sees it `by` ms later; back after `for`")    \
    X(PAUSE,    "pause",    MEMBERS, "the process is stopped; what waited for it arrives in any order")        \
    X(STALL,    "stall",    MEMBERS, "stopped in the midst of a step, `by` of its outputs carried out")        \
    X(SUSPEND,  "suspend",  MEMBERS, "the machine sleeps; its clock goes on; its connections are dead after")  \
    X(CUT,      "cut",      NETWORK, "half-open: both connections swallow everything, both ways")              \
    X(MUTE,     "mute",     NETWORK, "its requests are lost, `by` of a hundred")                               \
    X(DEAFEN,   "deafen",   NETWORK, "replies to it are lost, of applied writes too, `by` of a hundred")       \
    X(SLOW,     "slow",     NETWORK, "its requests and replies take up to `by` ms, in any order")              \
    X(REPEAT,   "repeat",   NETWORK, "requests and replies come again up to `by` ms later")                    \
    X(DROP,     "drop",     NETWORK, "the command connection is closed")                                       \
    X(UNSEAT,   "unseat",   NETWORK, "the store ends its presence while it lives; it hears of it `by` ms later") \
    X(HINTS,    "hints",    NETWORK, "pushes to it are lost or come up to `by` ms late")                       \
    X(UNSURE,   "unsure",   NETWORK, "the medium can't say what became of its requests, `by` of a hundred")    \
    X(HUSH,     "hush",     NETWORK, "messages are lost in the store, `by` of a hundred, for everybody at once") \
    X(STRAY,    "stray",    NETWORK, "a message comes that is none, of a later version, or an old one (`by`)")  \
    X(REFUSE,   "refuse",   STORE,   "the store refuses whatever writes")                                      \
    X(DOWN,     "down",     STORE,   "the server is gone, and comes back with its data")                       \
    X(WIPE,     "wipe",     STORE,   "the server is gone, and comes back empty")                               \
    X(BACK,     "back",     STORE,   "the server is gone, and comes back with data `by` ms old")               \
    X(FAILOVER, "failover", STORE,   "a replica `by` ms behind takes over; connections survive")               \
    X(EVICT,    "evict",    STORE,   "the record is deleted, nothing else")                                    \
    X(FLUSH,    "flush",    STORE,   "all keys are deleted; connections survive")                              \
    X(CLOCKBACK, "clockback", STORE, "the server's wall clock goes back by `by` ms")                           \
    X(FREEZE,   "freeze",   GUEST,   "the guest is paused: its boot-time clock stands, the wall clock jumps")  \
    X(CLONE,    "clone",    GUEST,   "the guest is copied: member `by` is `member` as it was, `for` ms later") \
    X(RATE,     "rate",     DRIFT,   "its clock runs `by` ppm too fast, beyond what the members count with")   \
    X(STOP,     "stop",     ASK,     "stop; the same handle starts again after `for`")                         \
    X(RESIGN,   "resign",   ASK,     "resign, if it leads")                                                    \
    X(TRANSFER, "transfer", ASK,     "transfer to member `by`, if it leads")                                   \
    X(WORK,     "work",     ASK,     "work begins, if it leads, and takes `for`")                              \
    X(RACE,     "race",     ASK,     "work begins between the engine's look at it and the next snapshot")      \
    X(SILENCE,  "silence",  ASK,     "the host's own loop shows no life")                                       \
    X(PUBLISH,  "publish",  ASK,     "publishes a value, if it leads; a stopped one as soon as it goes on")
// clang-format on

typedef enum sim_kind {
#define X(name, word, set, text) SIM_##name,
    SIM_FAULT_MAP(X)
#undef X
        SIM_KINDS
} sim_kind;

/* Bit masks of kinds. */
typedef uint64_t sim_kinds;
#define SIM_BIT(kind) (UINT64_C(1) << (kind))

typedef struct sim_fault {
    int64_t at_ms;
    sim_kind kind;
    int member; /* 0 to members - 1; -1: whoever the store says leads; -2: nobody in particular */
    int64_t for_ms; /* 0: an instant */
    int64_t by;
} sim_fault;

typedef struct sim_plan {
    uint64_t seed;
    int members;
    irx_protocol protocol;
    irx_takeover takeover;
    uint32_t drift_ppm; /* what members count with */
    int64_t heartbeat_ms;
    int64_t stall_limit_ms;              /* 0: none */
    int64_t timeout_ms[SIM_MEMBERS_MAX]; /* differ where settings are being changed */
    int64_t rate_ppm[SIM_MEMBERS_MAX];   /* what clocks do, within the drift */
    int64_t start_ms[SIM_MEMBERS_MAX];
    bool observer[SIM_MEMBERS_MAX];
    int64_t length_ms; /* with faults */
    bool drills;       /* then a quiet time, with drills that measure how soon somebody leads */
    size_t fault_count;
    sim_fault faults[SIM_FAULTS_MAX];
} sim_plan;

/* What may be asked of the drawing of plans. Zero: whatever the seed says. */
typedef struct sim_wish {
    int members;
    irx_protocol protocol;
    irx_takeover takeover;
    sim_kinds kinds;
    uint32_t drift_ppm;
} sim_wish;

/* The invariants, by number of PROTOCOLS.md and name. */
// clang-format off
#define SIM_INVARIANT_MAP(X)                                                                       \
    X(NONE,      "none",      "")                                                                  \
    X(EXCLUSION, "exclusion", "1: two members for which the check is true at one instant")         \
    X(TOKENS,    "tokens",    "2: one leader per token, none handed out twice, terms grow")        \
    X(FENCING,   "fencing",   "3: a fenced resource takes no lower token, and the holder's always") \
    X(REGISTER,  "register",  "4: published values keep their order, none that was told is lost")  \
    X(LIVENESS,  "liveness",  "5: a leader within the stated time")                                \
    X(HANDOVER,  "handover",  "5: it goes to whom it was given, and not back at once")             \
    X(DRAIN,     "drain",     "5: work is waited for, up to the limit and no longer")              \
    X(HOST,      "host",      "5: nobody leads under a silent host")                               \
    X(ORDER,     "order",     "6: events in legal order, the snapshot before the event before traffic") \
    X(LATE,      "late",      "7: late, repeated and reordered messages change nothing: no loss without its cause") \
    X(BOUNDS,    "bounds",    "7: bounded outputs, operations and wake-ups; nothing allocated")
// clang-format on

typedef enum sim_invariant {
#define X(name, word, text) SIM_INV_##name,
    SIM_INVARIANT_MAP(X)
#undef X
        SIM_INVARIANTS
} sim_invariant;

/* Drills of the quiet time. */
#define SIM_DRILL_MAP(X)                                                                           \
    X(KILL, "kill")                                                                                \
    X(RESIGN, "resign")                                                                            \
    X(TRANSFER, "transfer")                                                                        \
    X(STOP, "stop") X(CUT, "cut") X(WIPE, "wipe") X(EVICT, "evict") X(SCALE, "scale")

typedef enum sim_drill {
#define X(name, word) SIM_DRILL_##name,
    SIM_DRILL_MAP(X)
#undef X
        SIM_DRILLS
} sim_drill;

typedef struct sim_report {
    uint64_t runs;
    uint64_t runs_of[IRX_PROTOCOL_QUORUM + 1];
    uint64_t steps;
    uint64_t simulated_ms;
    uint64_t faults[SIM_KINDS]; /* that took effect */
    uint64_t drills[SIM_DRILLS];
    uint64_t elected;
    uint64_t elected_if_gone;
    uint64_t elected_by_votes;
    uint64_t draining;
    uint64_t started;
    uint64_t stopped;
    uint64_t defeated[IRX_REASON_FORKED + 1];
    uint64_t operations[IRX_OP_PUBLISH + 1];
    uint64_t messages[IRX_MESSAGE_DATA + 1]; /* sent, or pushed by the store */
    uint64_t received;                       /* by engines */
    uint64_t strays;                         /* that said nothing, and changed nothing */
    uint64_t dropped;                        /* for nobody, or by nobody known */
    uint64_t refused_publishes;
    uint64_t results[IRX_RESULT_UNKNOWN + 1];
    uint64_t stale_replies;
    uint64_t excused; /* overlaps that `fast`, or a clock beyond the drift, allows */
    uint64_t refused_writes;
    uint64_t most_outputs;
    int64_t slowest_permille; /* of the allowed time until somebody led */
    sim_invariant failed;
    int64_t failed_ms;
    char failure[SIM_TEXT_MAX];
} sim_report;

/* Where a run's transcript goes, line by line; null: nowhere. */
typedef struct sim_listener {
    void (*line)(void *owner, const char *line);
    void *owner;
} sim_listener;

/* plan.c */
void sim_plan_draw(sim_plan *plan, uint64_t seed, const sim_wish *wish);
void sim_plan_print(const sim_plan *plan, FILE *file);
void sim_fault_print(const sim_fault *fault, char text[SIM_TEXT_MAX]);
bool sim_fault_parse(const char *line, sim_fault *fault);
bool sim_head_parse(const char *line, sim_plan *plan);
bool sim_kinds_parse(const char *text, sim_kinds *kinds);
void sim_plan_default(sim_plan *plan);
const char *sim_kind_word(sim_kind kind);
const char *sim_invariant_word(sim_invariant invariant);
const char *sim_drill_word(sim_drill drill);

/* run.c: adds to *report; a failed run leaves report->failed other than NONE. */
void sim_run(const sim_plan *plan, sim_report *report, const sim_listener *listener);

/* shrink.c: makes a failing plan small; it still fails the same invariant. */
void sim_shrink(sim_plan *plan, sim_invariant failed, int64_t failed_ms);

/* scenario.c: 0, or 1 with the first difference on stderr; `update` writes the transcript anew. */
int sim_scenario(const char *path, bool update);

/* summary.c: the counts; returns how many of those CI expects are zero. */
int sim_summary(const sim_report *report, sim_kinds expected, FILE *file);

/* splitmix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t sim_draw(uint64_t *state, uint64_t below)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

#endif
