/* How long a message takes and whether it comes at all. Outside of a plan's faults: up to 2 ms, and
 * always. */
#include "world.h"

bool sim_open(const sim_world *w, const sim_member *m, sim_kind window)
{
    return w->now_ns < m->until_ns[window];
}

irx_id sim_draw_id(sim_world *w)
{
    return (irx_id){sim_draw(&w->random, 0), sim_draw(&w->random, 0) | 1};
}

int64_t sim_latency(sim_world *w, int who)
{
    const sim_member *m = &w->members[who];
    int64_t quick_ns = 50000 + (int64_t)sim_draw(&w->random, SIM_LATENCY_NS - 50000);
    if (sim_open(w, m, SIM_SLOW) && sim_draw(&w->random, 2) == 0)
        return quick_ns + (int64_t)sim_draw(&w->random, (uint64_t)m->amount[SIM_SLOW] * SIM_MS + 1);
    return quick_ns;
}

static bool chance(sim_world *w, const sim_member *m, sim_kind window)
{
    return sim_open(w, m, window) && (int64_t)sim_draw(&w->random, 100) < m->amount[window];
}

bool sim_request_lost(sim_world *w, int who)
{
    const sim_member *m = &w->members[who];
    return sim_open(w, m, SIM_CUT) || w->now_ns < w->down_until_ns || chance(w, m, SIM_MUTE);
}

bool sim_reply_lost(sim_world *w, int who)
{
    const sim_member *m = &w->members[who];
    return sim_open(w, m, SIM_CUT) || w->now_ns < w->down_until_ns || chance(w, m, SIM_DEAFEN);
}
