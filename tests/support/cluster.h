/* A whole cluster in one thread: engines, a ledger, and a network that delays, loses and reorders.
 *
 * A run is a seed. Every member has its own drifting clock; whether it leads is judged as a caller
 * would, on that clock, after every event, never by the engine's role. */
#ifndef CLUSTER_H
#define CLUSTER_H

#include "interrex_engine.h"

typedef enum cluster_fault {
    FAULT_CRASH = 1 << 0,    /* the process dies: presence ends; it comes back as somebody new */
    FAULT_PAUSE = 1 << 1,    /* the process is stopped for up to four time-outs, then continued */
    FAULT_CUT = 1 << 2,      /* both connections swallow everything for a while */
    FAULT_DROP = 1 << 3,     /* the command connection is closed */
    FAULT_PRESENCE = 1 << 4, /* the store ends a presence; its owner hears of it later */
    FAULT_ASK = 1 << 5,      /* stop and start, resign, transfer, work */
    FAULT_EVICT = 1 << 6,    /* the record is deleted, the epoch stays */
    FAULT_WIPE = 1 << 7,     /* the store comes back empty, under a new epoch */
    FAULT_BACK = 1 << 8,     /* the store comes back with older data, under a new epoch */
} cluster_fault;

typedef struct cluster_plan {
    uint64_t seed;
    int members; /* 1 to 9 */
    irx_takeover takeover;
    uint32_t drift_ppm; /* of options and of clocks */
    int64_t length_ms;  /* with faults; a quiet time follows */
    unsigned faults;    /* cluster_fault */
    bool exclusive;     /* two leaders at an instant are a failure */
} cluster_plan;

typedef struct cluster_report {
    uint64_t steps;
    uint64_t elected;
    uint64_t defeated[16]; /* by irx_reason */
    uint64_t overlaps;     /* instants with two leaders, allowed or not */
    char failure[256];     /* empty: none */
} cluster_report;

/* Runs one plan. On failure report->failure says what and when, and the trace of all members goes
 * to stderr if `verbose`. */
void cluster_run(const cluster_plan *plan, bool verbose, cluster_report *report);

#endif
