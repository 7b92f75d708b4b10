/* All arithmetic on time: how long a lease is valid, how long others wait, when things fall due.
 *
 * Deadlines of one's own leadership round down, waits on another's round up. It never reads a
 * clock. */
#include "engine/internal.h"

enum { MILLION = 1000000 };

/* A leader's clock may run slow by the drift: it counts a shorter lease than it promised. The
 * quotient is rounded down. */
int64_t irx__lease_end(const irx_engine *e, int64_t sent_ns)
{
    int64_t drift = IRX__RULE(LEASE_DRIFT) ? e->options.drift_ppm : 0;
    int64_t whole = e->options.timeout_ns / MILLION * (MILLION - drift);
    int64_t rest = e->options.timeout_ns % MILLION * (MILLION - drift) / MILLION;
    return sent_ns + whole + rest;
}

/* A waiting member's clock may run fast by the drift: it waits longer than the lease. Rounded up.
 */
int64_t irx__own_hold(const irx_engine *e)
{
    int64_t drift = IRX__RULE(HOLD_DRIFT) ? e->options.drift_ppm : 0;
    int64_t whole = e->options.timeout_ns / MILLION * (MILLION + drift);
    int64_t rest = (e->options.timeout_ns % MILLION * (MILLION + drift) + MILLION - 1) / MILLION;
    return whole + rest;
}

/* The hold to wait: the largest seen in this election since the start, one's own included. */
int64_t irx__hold(const irx_engine *e)
{
    int64_t own = irx__own_hold(e);
    return IRX__RULE(LARGEST_HOLD) && e->largest_hold_ns > own ? e->largest_hold_ns : own;
}

/* The last moment not after `at_ns` on a grid, but always later than now: elections of one process
 * that are due within one step of the grid travel together. */
static int64_t on_grid(const irx_engine *e, int64_t at_ns, int64_t step_ns, int64_t phase_ns)
{
    int64_t since = (at_ns - phase_ns) % step_ns;
    int64_t grid_ns = at_ns - (since < 0 ? since + step_ns : since);
    return grid_ns > e->now_ns ? grid_ns : at_ns;
}

int64_t irx__next_heartbeat(const irx_engine *e)
{
    return on_grid(e, e->now_ns + e->options.heartbeat_ns, e->options.heartbeat_ns,
                   e->options.phase_ns);
}

/* Once per time-out, give or take 10%, so that members do not march in step. */
int64_t irx__next_poll(irx_engine *e)
{
    int64_t spread = e->options.timeout_ns / 5;
    int64_t draw = (int64_t)(irx__random_next(e) % (uint64_t)(spread + 1));
    int64_t at_ns = e->now_ns + e->options.timeout_ns - spread / 2 + draw;
    return on_grid(e, at_ns, IRX__COALESCE_NS, 0);
}

/* Who gave up lets everybody go first, also those who find it out only by their next poll: where no
 * push comes through, a pause of one time-out would be a race with them. */
int64_t irx__rest(const irx_engine *e)
{
    return e->options.timeout_ns / 2 * 3;
}

/* An operation that takes a third of the time-out is lost: it leaves room for a new connection and
 * two more attempts before the lease ends. */
int64_t irx__operation_limit(const irx_engine *e)
{
    return e->options.timeout_ns / 3;
}

/* The largest of the last operations' times, at least 1 ms. */
int64_t irx__round_trip(const irx_engine *e)
{
    int64_t largest = IRX__MILLISECOND_NS;
    for (size_t i = 0; i < IRX__ROUND_TRIPS; i++) {
        if (e->round_trips_ns[i] > largest) {
            largest = e->round_trips_ns[i];
        }
    }
    return largest;
}

/* How long a member of this rank lets others go first. */
int64_t irx__stagger(const irx_engine *e)
{
    int64_t step = 2 * irx__round_trip(e);
    if (step < 5 * IRX__MILLISECOND_NS) {
        step = 5 * IRX__MILLISECOND_NS;
    }
    return ((int64_t)e->rank + 1) * step;
}
