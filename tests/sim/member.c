/* A member: the engine, and what the runtime and a medium would do around it. It carries outputs
 * out in their order, and decides nothing. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_LIMIT_NS (2000 * SIM_MS)
#define KEEPALIVE_NS (3000 * SIM_MS)

/* ---- connections -------------------------------------------------------------------------------
 */

static void connect(sim_world *w, int who, irx_channel channel)
{
    sim_member *m = &w->members[who];
    if (m->up[channel] || m->opening[channel])
        return;
    m->opening[channel] = true;
    m->generation[channel]++;
    sim_post_kind kind = POST_UP;
    int64_t delay_ns = sim_latency(w, who) + sim_latency(w, who);
    if (w->now_ns < w->down_until_ns) {
        kind = POST_DOWN;
    } else if (sim_request_lost(w, who) || sim_reply_lost(w, who) || delay_ns > CONNECT_LIMIT_NS) {
        kind = POST_DOWN;
        delay_ns = CONNECT_LIMIT_NS;
    }
    sim_post *p = sim_send(w, kind, who, w->now_ns + delay_ns);
    p->channel = channel;
    p->generation = m->generation[channel];
}

static void presence_ends(sim_world *w, int who, int64_t after_ns)
{
    sim_member *m = &w->members[who];
    if (irx_id_none(m->process))
        return;
    sim_send(w, POST_PRESENCE_END, who, w->now_ns + after_ns)->id = m->process;
    m->process = (irx_id){0};
}

/* From this side. The store hears of it, unless nothing gets through. */
static void disconnect(sim_world *w, int who, irx_channel channel, uint64_t generation)
{
    sim_member *m = &w->members[who];
    if (!m->up[channel] || m->generation[channel] != generation)
        return;
    m->up[channel] = false;
    m->dead[channel] = false;
    if (channel == IRX_CHANNEL_PRESENCE)
        presence_ends(w, who, sim_open(w, m, SIM_CUT) ? KEEPALIVE_NS : sim_latency(w, who));
    sim_post *p = sim_send(w, POST_DOWN, who, w->now_ns + 1);
    p->channel = channel;
    p->generation = generation;
    p->number = 1; /* the echo */
}

/* From the other side, or in between. */
void sim_member_drop(sim_world *w, int who, irx_channel channel, int64_t heard_ns)
{
    sim_member *m = &w->members[who];
    if (!m->up[channel] || m->dead[channel])
        return;
    m->dead[channel] = true;
    if (heard_ns < m->until_ns[SIM_CUT])
        heard_ns = m->until_ns[SIM_CUT] + SIM_LATENCY_NS;
    sim_post *p = sim_send(w, POST_DOWN, who, heard_ns);
    p->channel = channel;
    p->generation = m->generation[channel];
}

void sim_member_submit(sim_world *w, int who, const irx_op *op)
{
    sim_member *m = &w->members[who];
    bool alive = m->up[IRX_CHANNEL_COMMAND] && !m->dead[IRX_CHANNEL_COMMAND];
    if (!alive || op->generation != m->generation[IRX_CHANNEL_COMMAND])
        return;
    if (sim_request_lost(w, who))
        return;
    sim_send(w, POST_REQUEST, who, w->now_ns + sim_latency(w, who))->op = *op;
    if (sim_open(w, m, SIM_REPEAT) && sim_draw(&w->random, 2) == 0) {
        int64_t late_ns =
            (int64_t)sim_draw(&w->random, (uint64_t)m->amount[SIM_REPEAT] + 1) * SIM_MS;
        sim_send(w, POST_REQUEST, who, w->now_ns + sim_latency(w, who) + late_ns)->op = *op;
    }
}

static void watch(sim_world *w, int who, irx_id process, int64_t every_ns)
{
    sim_member *m = &w->members[who];
    m->watched = process;
    m->watch_every_ns = every_ns;
    m->watch_since_ns = w->now_ns;
    m->watch_number++;
    if (!sim_store_present(w, process))
        sim_send(w, POST_PROBE, who, w->now_ns + every_ns)->number = m->watch_number;
}

/* ---- stepping ----------------------------------------------------------------------------------
 */

/* The handle is at rest: nothing is told to it until it starts again. */
static void stopped(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    m->handle = false;
    presence_ends(w, who, sim_latency(w, who));
    for (int i = 0; i < 2; i++)
        m->up[i] = m->opening[i] = m->dead[i] = false;
}

static void carry_out(sim_world *w, int who, const irx_outputs *outputs, size_t from, size_t to,
                      int64_t step_ns)
{
    sim_member *m = &w->members[who];
    for (size_t i = from; i < to; i++) {
        const irx_output *o = &outputs->list[i];
        switch (o->kind) {
        case IRX_OUT_OP:
            m->last_op = o->op.id;
            sim_member_submit(w, who, &o->op);
            break;
        case IRX_OUT_WATCH: watch(w, who, o->watch.process, o->watch.every_ns); break;
        case IRX_OUT_UNWATCH: m->watched = (irx_id){0}; break;
        case IRX_OUT_SNAPSHOT: sim_check_snapshot(w, who, &o->snapshot, step_ns); break;
        case IRX_OUT_EVENT:
            sim_check_event(w, who, o, step_ns);
            if (o->event.kind == IRX_EVENT_STOPPED)
                stopped(w, who);
            break;
        case IRX_OUT_CONNECT: connect(w, who, o->channel.channel); break;
        case IRX_OUT_DISCONNECT:
            disconnect(w, who, o->channel.channel, o->channel.generation);
            break;
        case IRX_OUT_SEND: sim_bus_send(w, who, &o->message); break;
        case IRX_OUT_TRACE:
            if (w->listener != NULL) {
                const char *text = strstr(o->trace, " ms ");
                sim_say(w, "%d %s", who + 1, text != NULL ? text + 4 : o->trace);
            }
            break;
        }
    }
}

void sim_member_begin_work(sim_world *w, int who, int64_t for_ns)
{
    sim_member *m = &w->members[who];
    if (!m->handle || m->frozen || sim_local(w, m) >= m->snapshot.leader_until_ns)
        return;
    m->work++;
    sim_send(w, POST_WORK_END, who, w->now_ns + for_ns);
}

/* An application that asks just before the answer becomes no, and is counted just after. */
static void race(sim_world *w, int who, const irx_outputs *outputs)
{
    sim_member *m = &w->members[who];
    for (size_t i = 0; i < outputs->count; i++) {
        const irx_output *o = &outputs->list[i];
        if (o->kind == IRX_OUT_SNAPSHOT && o->snapshot.leader_until_ns == 0) {
            m->race = false;
            sim_member_begin_work(w, who, m->race_for_ns);
            return;
        }
    }
}

static void set_due(sim_world *w, sim_member *m)
{
    m->due_ns = m->handle ? sim_true(m, irx_engine_deadline(m->engine)) : IRX_NEVER;
    if (m->due_ns != IRX_NEVER)
        m->due_ns += (int64_t)sim_draw(&w->random, SIM_LATENESS_NS);
}

void sim_step(sim_world *w, int who, irx_input *input)
{
    sim_member *m = &w->members[who];
    if (!m->handle)
        return;
    input->now_ns = sim_local(w, m);
    input->wall_ns = input->now_ns + m->wall_ahead_ns;
    input->pulse_ns = m->silent ? m->pulse_ns : input->now_ns;
    input->work = m->work;
    input->members = m->rows;
    input->member_count = m->row_count;
    w->report->steps++;
    irx_engine_step(m->engine, input, &w->outputs);
    sim_check_outputs(w, who, input->kind, &w->outputs);
    if (m->race)
        race(w, who, &w->outputs);
    size_t count = w->outputs.count;
    if (m->stall_armed && count > 0) {
        m->stall_armed = false;
        m->held_next = m->stall_after < count ? m->stall_after : count;
        m->held_step_ns = input->now_ns;
        *m->held = w->outputs;
        carry_out(w, who, m->held, 0, m->held_next, input->now_ns);
        set_due(w, m);
        sim_member_stop(w, who);
        const sim_fault *fault = &w->plan->faults[m->stall_fault];
        sim_send(w, POST_FAULT_END, who, w->now_ns + fault->for_ms * SIM_MS)->number =
            m->stall_fault;
        return;
    }
    carry_out(w, who, &w->outputs, 0, count, input->now_ns);
    set_due(w, m);
    sim_check_step(w, who, input, &w->outputs);
}

/* ---- life --------------------------------------------------------------------------------------
 */

void sim_member_start(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (!m->running || m->handle || m->stopped > 0)
        return;
    m->handle = true;
    m->started = false;
    m->role = IRX_ROLE_STOPPED;
    m->life_seen = false;
    m->highest_seen = m->term_seen = 0;
    m->holder = m->holder_process = (irx_id){0};
    m->incarnation_seen = (irx_id){0};
    m->rest_until_ns = 0;
    m->ready_ns = w->now_ns;
    irx_input input = {.kind = IRX_IN_START};
    sim_step(w, who, &input);
}

/* A new process on the same machine. */
void sim_member_open(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (m->running)
        return;
    m->options = (irx_engine_options){
        .protocol = w->plan->protocol,
        .takeover = w->plan->takeover,
        .heartbeat_ns = w->plan->heartbeat_ms * SIM_MS,
        .timeout_ns = w->plan->timeout_ms[who] * SIM_MS,
        .probe_ns = 25 * SIM_MS,
        .drain_limit_ns = 1000 * SIM_MS,
        .stall_limit_ns = w->plan->stall_limit_ms * SIM_MS,
        .drift_ppm = w->plan->drift_ppm,
        .candidate = !w->plan->observer[who],
        .has_presence = true,
        .phase_ns = (int64_t)sim_draw(&w->random, (uint64_t)w->plan->heartbeat_ms) * SIM_MS,
    };
    uint64_t seed[4];
    for (int i = 0; i < 4; i++)
        seed[i] = sim_draw(&w->random, 0);
    m->engine = irx_engine_init(m->engine, &m->options, seed);
    m->running = true;
    sim_member_start(w, who);
}

void sim_member_die(sim_world *w, int who, int64_t seen_after_ns)
{
    sim_member *m = &w->members[who];
    if (!m->running)
        return;
    presence_ends(w, who, seen_after_ns);
    m->running = m->handle = false;
    m->life++;
    m->stopped = 0;
    m->stall_armed = m->race = m->silent = false;
    m->held->count = 0;
    m->held_next = 0;
    m->work = 0;
    m->watched = (irx_id){0};
    m->led = m->writes = m->publish = (irx_token){0};
    m->view = (irx_version){0};
    m->told_draining = false;
    m->acquisition = 0;
    m->jump_unseen = false;
    m->excused_ns = 0;
    m->snapshot = (irx_snapshot){0};
    m->row_count = 0;
    m->rows_version = 0;
    for (int i = 0; i < 2; i++)
        m->up[i] = m->opening[i] = m->dead[i] = false;
    sim_clock_rebase(w, m);
    m->frozen = false;
    sim_clock_changed(w, m);
}

/* The process is stopped: letters wait, callers ask nothing. */
void sim_member_stop(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (m->stopped++ > 0)
        return;
    if (!m->silent)
        m->pulse_ns = sim_local(w, m);
    m->writes = w->now_ns < m->valid_true_ns ? m->snapshot.token : (irx_token){0};
}

/* What waited arrives in no particular order; the timer may be first or last; the application's
 * write, begun before, is the first of all; the host's own loop comes to itself a little later. */
void sim_member_resume(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (m->stopped == 0 || --m->stopped > 0)
        return;
    sim_check_write(w, who, m->writes);
    m->writes = (irx_token){0};
    sim_register_resume(w, who);
    if (!m->silent) {
        m->silent = true;
        sim_send(w, POST_PULSE, who, w->now_ns + (int64_t)sim_draw(&w->random, 20) * SIM_MS);
    }
    uint64_t order = sim_draw(&w->random, 3);
    for (size_t i = 0; i < m->waiting_count; i++) {
        int64_t delay_ns = order == 0   ? (int64_t)sim_draw(&w->random, 1000)
                           : order == 1 ? (int64_t)i
                                        : (int64_t)(m->waiting_count - i);
        sim_requeue(w, m->waiting[i], w->now_ns + delay_ns);
    }
    m->waiting_count = 0;
    size_t from = m->held_next, to = m->held->count;
    m->held->count = 0;
    m->held_next = 0;
    carry_out(w, who, m->held, from, to, m->held_step_ns);
    if (!m->handle)
        m->due_ns = IRX_NEVER;
    else if (m->due_ns < w->now_ns)
        m->due_ns = w->now_ns + (int64_t)sim_draw(&w->random, 3) * 500;
}

/* ---- letters -----------------------------------------------------------------------------------
 */

static void come_up(sim_world *w, const sim_post *p)
{
    sim_member *m = &w->members[p->member];
    if (!m->opening[p->channel] || p->generation != m->generation[p->channel])
        return;
    m->opening[p->channel] = false;
    m->up[p->channel] = true;
    m->attempts[p->channel] = 0;
    m->ready_ns = w->now_ns;
    irx_input input = {.kind = IRX_IN_MEDIUM_UP};
    input.up.channel = p->channel;
    input.up.generation = p->generation;
    if (p->channel == IRX_CHANNEL_PRESENCE) {
        m->process = sim_draw_id(w);
        sim_name(w, m->process, 'p', p->member);
        sim_store_presence_begin(w, m->process);
        input.up.id = m->process;
    } else {
        input.up.id = m->epoch = sim_store_identify(w);
    }
    sim_step(w, p->member, &input);
}

static void go_down(sim_world *w, const sim_post *p)
{
    sim_member *m = &w->members[p->member];
    bool echo = p->number == 1;
    if (p->generation != m->generation[p->channel])
        return;
    if (!echo && !m->up[p->channel] && !m->opening[p->channel])
        return;
    m->opening[p->channel] = m->up[p->channel] = m->dead[p->channel] = false;
    if (p->channel == IRX_CHANNEL_PRESENCE) {
        sim_check_told_lost(w, p->member, m->process);
        presence_ends(w, p->member, 0);
    }
    irx_input input = {.kind = IRX_IN_MEDIUM_DOWN};
    input.down.channel = p->channel;
    input.down.generation = p->generation;
    input.down.attempt = ++m->attempts[p->channel];
    input.down.draw = sim_draw(&w->random, 0);
    input.down.error_code = IRX_EUNREACHABLE;
    sim_step(w, p->member, &input);
}

static void probe(sim_world *w, const sim_post *p)
{
    sim_member *m = &w->members[p->member];
    if (p->number != m->watch_number || irx_id_none(m->watched))
        return;
    bool alive = m->up[IRX_CHANNEL_COMMAND] && !m->dead[IRX_CHANNEL_COMMAND];
    if (!alive || sim_request_lost(w, p->member) || sim_reply_lost(w, p->member)) {
        sim_send(w, POST_PROBE, p->member, w->now_ns + m->watch_every_ns)->number = p->number;
        return;
    }
    int64_t delay_ns = sim_latency(w, p->member) + sim_latency(w, p->member);
    sim_post *told = sim_send(w, POST_GONE, p->member, w->now_ns + delay_ns);
    told->id = m->watched;
    told->number = m->watch_number;
}

static void gone(sim_world *w, const sim_post *p)
{
    sim_member *m = &w->members[p->member];
    if (p->number != m->watch_number || irx_id_none(m->watched))
        return;
    m->watched = (irx_id){0};
    irx_input input = {.kind = IRX_IN_GONE};
    input.gone.process = p->id;
    sim_step(w, p->member, &input);
}

static void take_table(sim_member *m, sim_post *p)
{
    if (p->rows_version == 0 || p->result.id != m->last_op ||
        p->generation != m->generation[IRX_CHANNEL_COMMAND])
        return;
    m->rows_version = p->rows_version;
    m->row_count = p->row_count;
    if (p->row_count > 0)
        memcpy(m->rows, p->rows, p->row_count * sizeof *m->rows);
}

static void reply(sim_world *w, sim_post *p)
{
    sim_member *m = &w->members[p->member];
    if (!m->handle)
        return;
    if (!irx_id_none(p->result.epoch) && p->generation == m->generation[IRX_CHANNEL_COMMAND])
        m->epoch = p->result.epoch;
    if (sim_register_asked(&p->result)) {
        sim_register_answer(w, p);
        return;
    }
    take_table(m, p);
    sim_register_view(w, p->member, p);
    irx_input input = {.kind = IRX_IN_RESULT};
    input.result = p->result;
    sim_check_result(w, p->member, p, true);
    sim_step(w, p->member, &input);
    sim_check_result(w, p->member, p, false);
}

/* The application's word. A stopped process has none. */
void sim_member_ask(sim_world *w, int who, irx_input *input)
{
    if (w->members[who].stopped == 0)
        sim_step(w, who, input);
}

static void wake(sim_world *w, int who)
{
    irx_input input = {.kind = IRX_IN_WAKE};
    sim_step(w, who, &input);
}

/* A letter to a member that runs. */
void sim_member_take(sim_world *w, sim_post *p)
{
    sim_member *m = &w->members[p->member];
    irx_input input = {.kind = IRX_IN_HINT};
    switch (p->kind) {
    case POST_REPLY: reply(w, p); break;
    case POST_HINT: sim_step(w, p->member, &input); break;
    case POST_MESSAGE: sim_bus_take(w, p); break;
    case POST_UP: come_up(w, p); break;
    case POST_DOWN: go_down(w, p); break;
    case POST_PROBE: probe(w, p); break;
    case POST_GONE: gone(w, p); break;
    case POST_WORK_END:
        if (m->work > 0)
            m->work--;
        if (m->role == IRX_ROLE_DRAINING)
            wake(w, p->member);
        break;
    case POST_PULSE:
        if (sim_open(w, m, SIM_SILENCE))
            break;
        m->silent = false;
        if (m->snapshot.stalled)
            wake(w, p->member);
        break;
    default: break;
    }
}
