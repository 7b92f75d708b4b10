/* Leadership as a fact that any thread may read: written by the loop thread, read without a lock.
 */
#ifndef IRX_SNAPSHOT_H
#define IRX_SNAPSHOT_H

#include "interrex_engine.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct irx__snapshot {
    _Atomic int64_t leader_until_ns; /* is_leader needs nothing else */
    _Atomic uint32_t sequence;       /* odd while the fields below are being written */
    _Atomic int role;
    _Atomic int64_t valid_until_ns;
    _Atomic uint64_t term;
    _Atomic uint64_t incarnation_hi;
    _Atomic uint64_t incarnation_lo;
    _Atomic bool stalled;

    pthread_mutex_t lock; /* of the writers */
    irx_snapshot last;    /* as the engine said it */
    bool withheld;        /* the application gave the leadership up; the engine has not heard yet */
} irx__snapshot;

/* A consistent view, for readers who need more than is_leader. */
typedef struct irx__view {
    irx_role role;
    irx_token token;
    int64_t valid_until_ns;
    int64_t leader_until_ns;
} irx__view;

int irx__snapshot_init(irx__snapshot *snapshot);
void irx__snapshot_free(irx__snapshot *snapshot);

void irx__snapshot_publish(irx__snapshot *snapshot, const irx_snapshot *what);

/* From here on is_leader is false, until `settle` says that the engine has heard of it. */
void irx__snapshot_withhold(irx__snapshot *snapshot);
void irx__snapshot_settle(irx__snapshot *snapshot);

/* In a forked child: leads nothing, whatever a writer was in the middle of. Takes no lock. */
void irx__snapshot_forked(irx__snapshot *snapshot);

/* Waits for a writer's few stores at most. */
irx__view irx__snapshot_read(const irx__snapshot *snapshot);

#endif
