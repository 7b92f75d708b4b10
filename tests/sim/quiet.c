/* The quiet time after the faults: how soon does somebody lead? Measured against the times that
 * PROTOCOLS states, each made of this run's own numbers, and again after drills: a kill, a
 * resignation, a transfer, a stop, a cut, an emptied store. */
#include "world.h"

#define MILLION INT64_C(1000000)

static int64_t longest_timeout_ns(const sim_world *w)
{
    int64_t longest_ms = 0;
    for (int i = 0; i < w->plan->members; i++)
        longest_ms = w->plan->timeout_ms[i] > longest_ms ? w->plan->timeout_ms[i] : longest_ms;
    return longest_ms * SIM_MS;
}

static int64_t hold_ns(const sim_world *w)
{
    return longest_timeout_ns(w) / MILLION * (MILLION + w->plan->drift_ppm) + MILLION;
}

/* As long as the slowest clock takes for it. */
static int64_t in_true_time(const sim_member *m, int64_t local_ns)
{
    return local_ns / (MILLION + m->rate_ppm) * MILLION + MILLION;
}

static bool stands(const sim_world *w, int who)
{
    const sim_member *m = &w->members[who];
    return m->handle && m->options.candidate && m->stopped == 0 && !sim_open(w, m, SIM_CUT);
}

static int candidates(const sim_world *w)
{
    int count = 0;
    for (int i = 0; i < w->plan->members; i++)
        count += stands(w, i) ? 1 : 0;
    return count;
}

/* Rows before it, those of the dead included: only a leader strikes them. */
static int64_t stagger_ns(const sim_world *w, int who)
{
    const sim_member *m = &w->members[who];
    int64_t round_trip_ns = SIM_MS;
    for (size_t i = 0; i < 8; i++)
        round_trip_ns = m->round_trips_ns[i] > round_trip_ns ? m->round_trips_ns[i] : round_trip_ns;
    int64_t step_ns = 2 * round_trip_ns > 5 * SIM_MS ? 2 * round_trip_ns : 5 * SIM_MS;
    return ((int64_t)w->table.count + 1) * step_ns;
}

/* The hold, the poll, the stagger and two round trips; another two where a row or a record has to
 * be made first; and the rest of who gave up just now. */
static int64_t general_bound_ns(const sim_world *w, int64_t since_ns)
{
    int64_t best_ns = IRX_NEVER;
    for (int i = 0; i < w->plan->members; i++) {
        const sim_member *m = &w->members[i];
        if (!stands(w, i))
            continue;
        int64_t poll_ns = w->plan->timeout_ms[i] * SIM_MS / 10 * 11;
        int64_t local_ns = hold_ns(w) + poll_ns + stagger_ns(w, i);
        if (w->epoch_ns + longest_timeout_ns(w) >= since_ns)
            local_ns += hold_ns(w);
        int64_t rest_ns = m->rest_until_ns - (sim_local(w, m) - (w->now_ns - since_ns));
        if (rest_ns > 0 && w->table.count > 1)
            local_ns += rest_ns;
        int64_t bound_ns = in_true_time(m, local_ns) + 4 * SIM_ROUND_TRIP_NS + 8 * SIM_LATENESS_NS;
        best_ns = bound_ns < best_ns ? bound_ns : best_ns;
    }
    return best_ns;
}

/* Nothing can be expected before the last connection is up again. */
static int64_t since_ns(const sim_world *w)
{
    int64_t at_ns = w->led_ns > w->quiet_ns ? w->led_ns : w->quiet_ns;
    for (int i = 0; i < w->plan->members; i++) {
        if (stands(w, i) && w->members[i].ready_ns > at_ns)
            at_ns = w->members[i].ready_ns;
    }
    return at_ns;
}

void sim_quiet_begin(sim_world *w)
{
    sim_say(w, "quiet");
    w->calm = true;
    w->calm_ns = w->now_ns;
    w->down_until_ns = w->refuse_until_ns = w->hush_until_ns = 0;
    for (int i = 0; i < w->plan->members; i++) {
        sim_member *m = &w->members[i];
        for (int kind = 0; kind < SIM_KINDS; kind++)
            m->until_ns[kind] = 0;
        m->stall_armed = m->race = false;
        sim_send(w, POST_START, i, w->now_ns + SIM_MS);
    }
    /* After-effects: late letters, an operation given up, a connection tried again at most a
     * time-out later, or five seconds. */
    int64_t timeout_ns = longest_timeout_ns(w);
    w->quiet_ns = w->now_ns + 5000 * SIM_MS + 2 * timeout_ns;
    w->led_ns = w->now_ns;
    w->leader = -1;
    w->drills_left = 2 + (int)sim_draw(&w->drill_random, 3);
}

/* ---- drills ------------------------------------------------------------------------------------
 */

/* Under `fast` the deputy watches, the one behind it at leisure, and nobody else. */
static void check_watchers(sim_world *w, int leader)
{
    int watchers = 0, deputies = 0;
    for (int i = 0; i < w->plan->members; i++) {
        const sim_member *m = &w->members[i];
        bool watches = !irx_id_none(m->watched);
        watchers += watches ? 1 : 0;
        deputies += watches && m->watch_every_ns <= m->options.probe_ns ? 1 : 0;
    }
    int wanted = w->plan->takeover == IRX_TAKEOVER_FAST && candidates(w) > 1 ? 1 : 0;
    if (deputies < wanted)
        sim_fail(w, SIM_INV_LIVENESS, "nobody watches member %d", leader + 1);
    if (deputies > wanted || watchers > 2 * wanted)
        sim_fail(w, SIM_INV_BOUNDS, "%d members watch member %d", watchers, leader + 1);
}

static int another(sim_world *w, int who)
{
    int pick = (int)sim_draw(&w->drill_random, SIM_MEMBERS_MAX);
    for (int i = 0; i < w->plan->members; i++) {
        int candidate = (pick + i) % w->plan->members;
        if (candidate != who && stands(w, candidate))
            return candidate;
    }
    return -1;
}

static int64_t probe_bound_ns(const sim_world *w)
{
    int64_t probe_ns = 25 * SIM_MS;
    return probe_ns / (MILLION - w->plan->drift_ppm) * MILLION + MILLION + 3 * SIM_ROUND_TRIP_NS +
           4 * SIM_LATENESS_NS;
}

/* A release that is pushed: the drain's second step, RELEASE, the push, a READ, a CLAIM, and the
 * end of what may be in flight just then. */
static const int64_t RELEASE_BOUND_NS = 4 * SIM_ROUND_TRIP_NS + 8 * SIM_LATENESS_NS;

/* Who resigned keeps its row, and its rank: where it joined first, the others let it go first. */
static int64_t shortest_stagger_ns(const sim_world *w, int but)
{
    int64_t best_ns = IRX_NEVER;
    for (int i = 0; i < w->plan->members; i++) {
        if (i == but || !stands(w, i))
            continue;
        int64_t its_ns = in_true_time(&w->members[i], stagger_ns(w, i));
        best_ns = its_ns < best_ns ? its_ns : best_ns;
    }
    return best_ns == IRX_NEVER ? 0 : best_ns;
}

/* All others leave, or die, at once. The leader is not to notice but for their absence. */
static void scale_down(sim_world *w, int leader, int64_t away_ns)
{
    bool die = sim_draw(&w->drill_random, 2) == 0;
    for (int i = 0; i < w->plan->members; i++) {
        irx_input input = {.kind = IRX_IN_STOP};
        if (i == leader || !w->members[i].handle)
            continue;
        if (die)
            sim_member_die(w, i, SIM_LATENCY_NS);
        else
            sim_step(w, i, &input);
        sim_send(w, POST_START, i, w->now_ns + away_ns);
    }
}

static void begin(sim_world *w, sim_drill kind, int leader)
{
    irx_input input = {.kind = IRX_IN_RESIGN};
    int64_t away_ns = 4 * longest_timeout_ns(w);
    int other = another(w, leader);
    w->drill.on = true;
    w->drill.kind = kind;
    w->drill.from_ns = w->now_ns;
    w->drill.successor = -1;
    w->drill.bound_ns = 0;
    w->settled_ns = w->now_ns;
    sim_say(w, "drill %s %d", sim_drill_word(kind), leader + 1);
    w->report->drills[kind]++;
    switch (kind) {
    case SIM_DRILL_KILL:
        /* What it sent before may land before its end is seen or after. */
        sim_member_die(w, leader, sim_latency(w, leader));
        w->drill.from_ns += SIM_LATENCY_NS;
        if (w->plan->takeover == IRX_TAKEOVER_FAST)
            w->drill.bound_ns = probe_bound_ns(w);
        sim_send(w, POST_START, leader, w->now_ns + away_ns);
        break;
    case SIM_DRILL_RESIGN:
        /* Alone but for a row that was joined without presence, by who died before it had any:
         * nothing strikes it, and it is taken for another candidate. */
        if (other >= 0 || w->table.count <= 1)
            w->drill.bound_ns = RELEASE_BOUND_NS + shortest_stagger_ns(w, leader);
        sim_step(w, leader, &input);
        break;
    case SIM_DRILL_TRANSFER:
        input.kind = IRX_IN_TRANSFER;
        input.transfer.successor = irx_engine_session(w->members[other].engine);
        w->drill.successor = other;
        w->drill.bound_ns = RELEASE_BOUND_NS;
        sim_step(w, leader, &input);
        break;
    case SIM_DRILL_STOP:
        input.kind = IRX_IN_STOP;
        w->drill.bound_ns = RELEASE_BOUND_NS;
        sim_step(w, leader, &input);
        sim_send(w, POST_START, leader, w->now_ns + away_ns);
        break;
    case SIM_DRILL_CUT: w->members[leader].until_ns[SIM_CUT] = w->now_ns + away_ns; break;
    case SIM_DRILL_WIPE: sim_store_restart(w, 0, true, false); break;
    case SIM_DRILL_EVICT: sim_store_evict(w, false); break;
    case SIM_DRILL_SCALE: scale_down(w, leader, away_ns); break;
    case SIM_DRILLS: break;
    }
}

static bool possible(const sim_world *w, sim_drill kind)
{
    bool needs_other = kind == SIM_DRILL_KILL || kind == SIM_DRILL_TRANSFER ||
                       kind == SIM_DRILL_STOP || kind == SIM_DRILL_CUT || kind == SIM_DRILL_SCALE;
    return !needs_other || candidates(w) > 1;
}

static void drill(sim_world *w, int leader)
{
    check_watchers(w, leader);
    sim_drill kind;
    do {
        kind = (sim_drill)sim_draw(&w->drill_random, SIM_DRILLS);
    } while (!possible(w, kind));
    w->drills_left--;
    begin(w, kind, leader);
}

/* In the quiet time nobody loses what it holds, but in a drill that takes it; or because only now
 * somebody connects and compares the store's identity. */
void sim_quiet_lost(sim_world *w, int who, irx_reason reason)
{
    if (w->now_ns < w->quiet_ns || reason == IRX_REASON_STORE_CHANGED ||
        (w->drill.on && w->drill.kind != SIM_DRILL_SCALE))
        return;
    sim_fail(w, SIM_INV_LIVENESS, "member %d loses its term (%s) though all is quiet%s", who + 1,
             irx_reason_text(reason), w->drill.on ? ", as the others are gone" : "");
}

/* Somebody was elected. */
void sim_quiet_led(sim_world *w, int who)
{
    if (w->now_ns < w->quiet_ns)
        return;
    int64_t from_ns = since_ns(w);
    int64_t took_ns = w->now_ns - from_ns;
    int64_t bound_ns = general_bound_ns(w, from_ns);
    bool new_epoch = w->epoch_ns >= w->drill.from_ns; /* known only now: costs a hold */
    if (w->drill.on && w->drill.bound_ns > 0 && !new_epoch) {
        took_ns = w->now_ns - w->drill.from_ns;
        bound_ns = w->drill.bound_ns;
    }
    if (took_ns > bound_ns)
        sim_fail(w, SIM_INV_LIVENESS, "member %d leads after %lld ms, %lld are allowed", who + 1,
                 (long long)(took_ns / SIM_MS), (long long)(bound_ns / SIM_MS));
    if (bound_ns > 0 && took_ns * 1000 / bound_ns > w->report->slowest_permille)
        w->report->slowest_permille = took_ns * 1000 / bound_ns;
    if (!w->drill.on)
        return;
    w->drill.on = false;
    if (new_epoch)
        return; /* each waits from its own sight */
    /* Others give the successor 5 ms by their own clocks; it may be slower than that. */
    bool at_once = w->now_ns - w->members[who].vacant_ns < 47 * SIM_MS / 10;
    if (w->drill.successor >= 0 && who != w->drill.successor && at_once)
        sim_fail(w, SIM_INV_HANDOVER, "member %d leads, not member %d, to whom it was transferred",
                 who + 1, w->drill.successor + 1);
}

/* After every event. */
void sim_quiet_watch(sim_world *w)
{
    int leader = -1;
    for (int i = 0; i < w->plan->members; i++) {
        if (w->now_ns < w->members[i].valid_true_ns && !w->members[i].frozen)
            leader = i;
    }
    if (leader >= 0)
        w->led_ns = w->now_ns;
    if (leader != w->leader) {
        w->settled_ns = w->now_ns;
        w->leader = leader;
    }
    if (w->now_ns < w->quiet_ns)
        return;
    if (leader < 0) {
        int64_t from_ns = since_ns(w);
        if (candidates(w) > 0 && w->now_ns - from_ns > general_bound_ns(w, from_ns))
            sim_fail(w, SIM_INV_LIVENESS, "nobody leads for %lld ms, %lld are allowed",
                     (long long)((w->now_ns - from_ns) / SIM_MS),
                     (long long)(general_bound_ns(w, from_ns) / SIM_MS));
        return;
    }
    /* Rows of the dead are struck, rests are over, the deputy watches, who was away is back. */
    int64_t settled_ns = w->settled_ns + 6 * longest_timeout_ns(w);
    if (w->now_ns < settled_ns || w->now_ns < w->quiet_ns + 2 * longest_timeout_ns(w))
        return;
    if (w->drill.on && (w->drill.kind == SIM_DRILL_WIPE || w->drill.kind == SIM_DRILL_EVICT ||
                        w->drill.kind == SIM_DRILL_CUT || w->drill.kind == SIM_DRILL_SCALE))
        w->drill.on = false; /* the same one leads on */
    if (w->drills_left == 0 || w->drill.on)
        w->end_ns = w->now_ns;
    else
        drill(w, leader);
}
