/* What each fault of a plan does. Those that make no sense at the moment (stopping what is stopped)
 * do nothing, and are not counted. */
#include "world.h"

#include <string.h>

/* ---- guests ------------------------------------------------------------------------------------
 */

static bool freeze(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (m->frozen)
        return false;
    sim_member_stop(w, who);
    sim_clock_rebase(w, m);
    m->frozen = true;
    sim_clock_changed(w, m);
    return true;
}

/* The wall clock is right again at once, the boot-time clock goes on where it stood. Until its next
 * step nobody has told the member; what it believes till then is outside of the promise. */
static void jump(sim_world *w, sim_member *m, int64_t passed_ns)
{
    m->frozen = false;
    m->true_base_ns = w->now_ns;
    m->wall_ahead_ns += passed_ns;
    m->jump_unseen = true;
    m->excused_ns = INT64_MAX;
    sim_clock_changed(w, m);
}

static void unfreeze(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (!m->frozen)
        return;
    jump(w, m, w->now_ns - m->true_base_ns);
    sim_member_resume(w, who);
}

static bool take_copy(sim_world *w, int who, int to)
{
    sim_member *m = &w->members[who];
    if (w->clone.on || to == who || to >= w->plan->members || !m->handle || m->stopped > 0)
        return false;
    sim_member *copy = &w->clone.member;
    irx_engine *engine = copy->engine;
    irx_member *rows = copy->rows;
    irx_outputs *held = copy->held;
    memcpy(engine, m->engine, irx_engine_size());
    memcpy(rows, m->rows, m->row_count * sizeof *rows);
    *copy = *m;
    copy->engine = engine;
    copy->rows = rows;
    copy->held = held;
    copy->local_base_ns = sim_local(w, m);
    w->clone.on = true;
    w->clone.to = to;
    w->clone.taken_ns = w->now_ns;
    return true;
}

/* The copy wakes in another guest: the same memory, a dead network, a wall clock that has moved. */
static void wake_copy(sim_world *w)
{
    int to = w->clone.to;
    w->clone.on = false;
    sim_member_die(w, to, SIM_MS);
    sim_member *m = &w->members[to];
    sim_member old = *m;
    *m = w->clone.member;
    m->engine = old.engine;
    m->rows = old.rows;
    m->held = old.held;
    m->life = old.life;
    m->rate_ppm = old.rate_ppm; /* the clock is the host's */
    memcpy(m->engine, w->clone.member.engine, irx_engine_size());
    memcpy(m->rows, w->clone.member.rows, m->row_count * sizeof *m->rows);
    memset(m->until_ns, 0, sizeof m->until_ns);
    m->process = (irx_id){0};
    m->watched = (irx_id){0};
    m->waiting_count = 0;
    m->work = 0;
    m->publish = (irx_token){0};
    m->stall_armed = m->race = m->silent = false;
    jump(w, m, w->now_ns - w->clone.taken_ns);
    for (int i = 0; i < 2; i++) {
        if (m->opening[i]) {
            m->up[i] = true; /* what it waits for will not come either */
            m->opening[i] = false;
        }
        sim_member_drop(w, to, (irx_channel)i, w->now_ns + SIM_MS);
    }
    if (m->due_ns < w->now_ns)
        m->due_ns = w->now_ns;
}

/* ---- clocks, stores, applications ---------------------------------------------------------------
 */

static bool change_rate(sim_world *w, int who, int64_t by_ppm)
{
    sim_member *m = &w->members[who];
    if (m->frozen || sim_open(w, m, SIM_RATE))
        return false;
    sim_clock_rebase(w, m);
    m->rate_ppm = w->plan->rate_ppm[who] + by_ppm;
    w->beyond_drift = true;
    sim_clock_changed(w, m);
    return true;
}

static void restore_rate(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    sim_clock_rebase(w, m);
    m->rate_ppm = w->plan->rate_ppm[who];
    sim_clock_changed(w, m);
}

static bool lose_server(sim_world *w, const sim_fault *fault)
{
    if (w->now_ns < w->down_until_ns)
        return false;
    w->down_until_ns = w->now_ns + fault->for_ms * SIM_MS;
    sim_store_restart(w, fault->kind == SIM_BACK ? fault->by : 0, fault->kind == SIM_WIPE, false);
    return true;
}

static bool store_fault(sim_world *w, const sim_fault *fault)
{
    switch (fault->kind) {
    case SIM_DOWN:
    case SIM_WIPE:
    case SIM_BACK: return lose_server(w, fault);
    case SIM_FAILOVER: sim_store_restart(w, fault->by, false, true); return true;
    case SIM_REFUSE: w->refuse_until_ns = w->now_ns + fault->for_ms * SIM_MS; return true;
    case SIM_HUSH:
        w->hush_until_ns = w->now_ns + fault->for_ms * SIM_MS;
        w->hush_percent = fault->by;
        return true;
    case SIM_EVICT: sim_store_evict(w, false); return true;
    case SIM_FLUSH: sim_store_evict(w, true); return true;
    case SIM_CLOCKBACK: w->clock_back_ms += fault->by; return true;
    default: return false;
    }
}

static bool ask(sim_world *w, int who, irx_input_kind kind, int successor)
{
    sim_member *m = &w->members[who];
    irx_input input = {.kind = kind};
    if (!m->handle || m->stopped > 0)
        return false;
    if (kind != IRX_IN_STOP && m->role != IRX_ROLE_LEADER)
        return false;
    if (kind == IRX_IN_TRANSFER) {
        if (successor == who || successor >= w->plan->members || !w->members[successor].handle)
            return false;
        input.transfer.successor = irx_engine_session(w->members[successor].engine);
    }
    sim_member_ask(w, who, &input);
    return true;
}

static bool work(sim_world *w, int who, int64_t for_ns)
{
    sim_member *m = &w->members[who];
    uint32_t before = m->work;
    if (m->stopped == 0)
        sim_member_begin_work(w, who, for_ns);
    return m->work > before;
}

static void silence(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (!m->silent)
        m->pulse_ns = sim_local(w, m);
    m->silent = true;
}

static bool unseat(sim_world *w, int who, int64_t heard_ms)
{
    sim_member *m = &w->members[who];
    if (!m->up[IRX_CHANNEL_PRESENCE])
        return false;
    sim_store_presence_end(w, m->process);
    sim_member_drop(w, who, IRX_CHANNEL_PRESENCE, w->now_ns + heard_ms * SIM_MS);
    return true;
}

static bool member_fault(sim_world *w, int who, const sim_fault *fault, size_t index)
{
    sim_member *m = &w->members[who];
    int64_t for_ns = fault->for_ms * SIM_MS;
    switch (fault->kind) {
    case SIM_CRASH:
        sim_member_die(w, who, SIM_MS + (int64_t)sim_draw(&w->random, 30) * SIM_MS);
        return true;
    case SIM_VANISH: sim_member_die(w, who, fault->by * SIM_MS); return true;
    case SIM_PAUSE:
    case SIM_SUSPEND: sim_member_stop(w, who); return true;
    case SIM_STALL:
        m->stall_armed = true;
        m->stall_after = (size_t)fault->by;
        m->stall_fault = index;
        return true;
    case SIM_DROP: sim_member_drop(w, who, IRX_CHANNEL_COMMAND, w->now_ns + SIM_MS); return true;
    case SIM_UNSEAT: return unseat(w, who, fault->by);
    case SIM_FREEZE: return freeze(w, who);
    case SIM_CLONE: return take_copy(w, who, (int)fault->by);
    case SIM_RATE: return change_rate(w, who, fault->by);
    case SIM_STOP: return ask(w, who, IRX_IN_STOP, 0);
    case SIM_RESIGN: return ask(w, who, IRX_IN_RESIGN, 0);
    case SIM_TRANSFER: return ask(w, who, IRX_IN_TRANSFER, (int)fault->by);
    case SIM_WORK: return work(w, who, for_ns);
    case SIM_RACE:
        m->race = true;
        m->race_for_ns = for_ns;
        return true;
    case SIM_SILENCE: silence(w, who); return true;
    case SIM_PUBLISH: return sim_register_publish(w, who);
    case SIM_STRAY: return sim_bus_stray(w, who, fault->by);
    default: return true; /* a window, and nothing else */
    }
}

static bool needs_life(sim_kind kind)
{
    return kind != SIM_CUT && kind != SIM_MUTE && kind != SIM_DEAFEN && kind != SIM_SLOW &&
           kind != SIM_REPEAT && kind != SIM_HINTS && kind != SIM_UNSURE && kind != SIM_RATE;
}

/* Faults end with their time at the latest, so that a quiet time can follow. */
static int64_t end_ns(const sim_world *w, const sim_fault *fault)
{
    int64_t end_ms = fault->at_ms + fault->for_ms;
    return (end_ms < w->plan->length_ms ? end_ms : w->plan->length_ms) * SIM_MS;
}

static int target(const sim_world *w, const sim_fault *fault)
{
    return fault->member == -1 ? sim_store_holder(w) : fault->member;
}

void sim_fault_begin(sim_world *w, size_t index)
{
    const sim_fault *fault = &w->plan->faults[index];
    char text[SIM_TEXT_MAX];
    sim_fault_print(fault, text);
    sim_say(w, "%s", text);
    if (fault->member == -2) {
        if (store_fault(w, fault))
            w->report->faults[fault->kind]++;
        return;
    }
    /* A shorter pause of the guest would be another fault. */
    bool guest = fault->kind == SIM_FREEZE || fault->kind == SIM_CLONE;
    if (guest && fault->at_ms + fault->for_ms > w->plan->length_ms)
        return;
    int who = target(w, fault);
    if (who < 0 || who >= w->plan->members)
        return;
    sim_member *m = &w->members[who];
    if (!m->running && needs_life(fault->kind))
        return;
    if (!member_fault(w, who, fault, index))
        return;
    w->report->faults[fault->kind]++;
    m->amount[fault->kind] = fault->by;
    int64_t until_ns = end_ns(w, fault);
    if (until_ns > m->until_ns[fault->kind] && fault->for_ms > 0)
        m->until_ns[fault->kind] = until_ns;
    if (fault->kind != SIM_STALL && fault->for_ms > 0) {
        sim_post *p = sim_send(w, POST_FAULT_END, who, until_ns);
        p->number = index;
    }
}

void sim_fault_end(sim_world *w, size_t index, int who, uint32_t life)
{
    const sim_fault *fault = &w->plan->faults[index];
    sim_member *m = &w->members[who];
    bool same_life = life == m->life;
    switch (fault->kind) {
    case SIM_CRASH:
    case SIM_VANISH: sim_member_open(w, who); break;
    case SIM_PAUSE:
    case SIM_STALL:
        if (same_life)
            sim_member_resume(w, who);
        break;
    case SIM_SUSPEND:
        if (same_life) {
            for (int i = 0; i < 2; i++)
                sim_member_drop(w, who, (irx_channel)i, w->now_ns + sim_latency(w, who));
            sim_member_resume(w, who);
        }
        break;
    case SIM_FREEZE:
        if (same_life)
            unfreeze(w, who);
        break;
    case SIM_CLONE:
        if (w->clone.on)
            wake_copy(w);
        break;
    case SIM_RATE: restore_rate(w, who); break;
    case SIM_STOP: sim_member_start(w, who); break;
    case SIM_SILENCE: sim_send(w, POST_PULSE, who, w->now_ns); break;
    default: break;
    }
}
