/* Members' clocks: each runs at a rate of its own, stands while its guest is paused, and never
 * jumps. */
#include "world.h"

#define MILLION INT64_C(1000000)

int64_t sim_local(const sim_world *w, const sim_member *m)
{
    if (m->frozen)
        return m->local_base_ns;
    return m->local_base_ns + (w->now_ns - m->true_base_ns) * (MILLION + m->rate_ppm) / MILLION;
}

/* The first moment of true time at which the member's clock shows `local_ns` or more. */
int64_t sim_true(const sim_member *m, int64_t local_ns)
{
    if (local_ns == IRX_NEVER || m->frozen)
        return IRX_NEVER;
    int64_t since_ns = local_ns - m->local_base_ns;
    if (since_ns <= 0)
        return m->true_base_ns;
    int64_t rate = MILLION + m->rate_ppm;
    int64_t whole = since_ns / rate * MILLION;
    int64_t rest = (since_ns % rate * MILLION + rate - 1) / rate;
    return m->true_base_ns + whole + rest;
}

/* Before the rate changes, or the clock stops or goes on. */
void sim_clock_rebase(const sim_world *w, sim_member *m)
{
    m->local_base_ns = sim_local(w, m);
    m->true_base_ns = w->now_ns;
}

/* After that: what is kept in true time is another moment now. */
void sim_clock_changed(sim_world *w, sim_member *m)
{
    (void)w;
    int64_t until_ns = m->snapshot.valid_until_ns;
    m->valid_true_ns = until_ns == 0 ? INT64_MIN : sim_true(m, until_ns);
    m->due_ns = m->handle ? sim_true(m, irx_engine_deadline(m->engine)) : IRX_NEVER;
}
