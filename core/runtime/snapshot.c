/* Publishes a leadership and reads it back without locks, by a sequence lock over atomics. It must
 * never show a token with another leadership's deadline, nor a deadline after the application gave
 * it up.
 *
 * Deadlines are stored and loaded sequentially consistent: work_begin counts itself and then looks,
 * the loop publishes a draining snapshot and then counts, and one of the two sees the other
 * (Dekker). */
#include "runtime/snapshot.h"

#include <sched.h>
#include <string.h>

int irx__snapshot_init(irx__snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
    return pthread_mutex_init(&snapshot->lock, NULL) ? IRX_ENOMEM : 0;
}

void irx__snapshot_free(irx__snapshot *snapshot)
{
    pthread_mutex_destroy(&snapshot->lock);
}

/* Under the lock. Each store is a release at least, so that a reader who sees one sees the odd
 * sequence too. */
static void write_fields(irx__snapshot *snapshot)
{
    const irx_snapshot *last = &snapshot->last;
    uint32_t sequence = atomic_load(&snapshot->sequence);
    atomic_store(&snapshot->sequence, sequence + 1);
    atomic_store(&snapshot->leader_until_ns, snapshot->withheld ? 0 : last->leader_until_ns);
    atomic_store(&snapshot->role, (int)last->role);
    atomic_store(&snapshot->valid_until_ns, last->valid_until_ns);
    atomic_store(&snapshot->term, last->token.term);
    atomic_store(&snapshot->incarnation_hi, last->token.incarnation.hi);
    atomic_store(&snapshot->incarnation_lo, last->token.incarnation.lo);
    atomic_store(&snapshot->stalled, last->stalled);
    atomic_store(&snapshot->sequence, sequence + 2);
}

void irx__snapshot_publish(irx__snapshot *snapshot, const irx_snapshot *what)
{
    pthread_mutex_lock(&snapshot->lock);
    snapshot->last = *what;
    write_fields(snapshot);
    pthread_mutex_unlock(&snapshot->lock);
}

static void set_withheld(irx__snapshot *snapshot, bool withheld)
{
    pthread_mutex_lock(&snapshot->lock);
    snapshot->withheld = withheld;
    write_fields(snapshot);
    pthread_mutex_unlock(&snapshot->lock);
}

void irx__snapshot_withhold(irx__snapshot *snapshot)
{
    set_withheld(snapshot, true);
}

void irx__snapshot_settle(irx__snapshot *snapshot)
{
    set_withheld(snapshot, false);
}

void irx__snapshot_forked(irx__snapshot *snapshot)
{
    memset(&snapshot->last, 0, sizeof snapshot->last);
    atomic_store(&snapshot->sequence, 0);
    write_fields(snapshot);
}

irx__view irx__snapshot_read(const irx__snapshot *snapshot)
{
    for (;;) {
        uint32_t before = atomic_load(&snapshot->sequence);
        irx__view view = {
            .leader_until_ns = atomic_load(&snapshot->leader_until_ns),
            .role = (irx_role)atomic_load(&snapshot->role),
            .valid_until_ns = atomic_load(&snapshot->valid_until_ns),
            .token.term = atomic_load(&snapshot->term),
            .token.incarnation.hi = atomic_load(&snapshot->incarnation_hi),
            .token.incarnation.lo = atomic_load(&snapshot->incarnation_lo),
        };
        if (!(before & 1) && before == atomic_load(&snapshot->sequence))
            return view;
        sched_yield();
    }
}
