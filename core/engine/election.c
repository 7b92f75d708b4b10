/* The step: one input in, a bounded list of outputs out.
 *
 * The order within a step is fixed: the deadline, the doubts about ourselves, the input, then
 * whatever is due. It reads no clock, opens no socket and allocates nothing; all it knows of time
 * came with an input. */
#include "engine/internal.h"

#include <string.h>

size_t irx_engine_size(void)
{
    return sizeof(irx_engine);
}

irx_engine *irx_engine_init(void *memory, const irx_engine_options *options, const uint64_t seed[4])
{
    irx_engine *e = memory;
    assert(memory != NULL);
    assert(irx_engine_options_check(options, NULL) == 0);
    memset(e, 0, sizeof *e);
    e->options = *options;
    memcpy(e->random, seed, sizeof e->random);
    e->random[0] |= 1; /* the generator's one forbidden state is all zero */
    for (int i = 0; i < 16; i++) {
        irx__random_next(e); /* spreads the bits of a seed like {1, 2, 3, 4} */
    }
    e->deadline_ns = IRX_NEVER;
    e->flight.kind = IRX__OP_NONE;
    return e;
}

int64_t irx_engine_deadline(const irx_engine *e)
{
    return e->deadline_ns;
}

irx_id irx_engine_session(const irx_engine *e)
{
    return e->session;
}

void irx__want(irx_engine *e, int64_t at_ns)
{
    if (at_ns < e->deadline_ns) {
        e->deadline_ns = at_ns;
    }
}

/* Somebody new: a new row at the end of the table. Only what was seen of life stays known. */
void irx__new_session(irx_engine *e)
{
    char text[9];
    irx__op_lost(e);
    e->session = irx__random_session(e);
    e->joined = false;
    e->listed = false;
    e->join = 0;
    e->release.pending = false;
    irx__trace(e, "is session %s", irx__short(e->session, text));
}

static void start(irx_engine *e)
{
    if (e->running) {
        return;
    }
    irx_engine_options options = e->options;
    uint64_t random[4];
    memcpy(random, e->random, sizeof random);
    const irx_input *input = e->input;
    irx_outputs *outputs = e->outputs;
    uint64_t last_op_id = e->last_op_id;
    memset(e, 0, sizeof *e);
    e->options = options;
    memcpy(e->random, random, sizeof random);
    e->input = input;
    e->outputs = outputs;
    e->last_op_id = last_op_id; /* replies to an earlier life stay stale */
    e->flight.kind = IRX__OP_NONE;
    e->now_ns = input->now_ns;
    e->start_ns = input->now_ns;
    e->wall_ns = input->wall_ns;
    e->running = true;
    irx__new_session(e);
    irx__connections_start(e);
    irx__set_role(e, IRX_ROLE_FOLLOWER);
}

void irx__stop_finish(irx_engine *e)
{
    assert(!irx__leads(e));
    irx__trace(e, "stopped");
    e->running = false;
    irx__op_lost(e);
    irx__tell_leader(e);
    irx__set_role(e, IRX_ROLE_STOPPED);
    irx__event(e, IRX_EVENT_STOPPED);
}

static void gone(irx_engine *e)
{
    char text[9];
    irx__trace(e, "process %s is gone", irx__short(e->input->gone.process, text));
    e->watched = (irx_id){0}; /* it is told once; a new watch is a new question */
    e->watch_every_ns = 0;
    bool named = irx_id_equal(e->input->gone.process, e->record.process);
    if (named || !IRX__RULE(GONE_MATCH)) {
        e->gone = e->record.process;
        e->gone_ns = e->now_ns;
    }
}

static void take_input(irx_engine *e)
{
    switch (e->input->kind) {
    case IRX_IN_START: start(e); break;
    case IRX_IN_STOP:
        e->stopping = true;
        irx__drain_begin(e, IRX_REASON_STOPPED, (irx_id){0});
        break;
    case IRX_IN_RESIGN: irx__drain_begin(e, IRX_REASON_RESIGNED, (irx_id){0}); break;
    case IRX_IN_TRANSFER:
        irx__drain_begin(e, IRX_REASON_TRANSFERRED, e->input->transfer.successor);
        break;
    case IRX_IN_WAKE:
    case IRX_IN_TIMEOUT: break;
    case IRX_IN_MEDIUM_UP: irx__connections_up(e); break;
    case IRX_IN_MEDIUM_DOWN: irx__connections_down(e); break;
    case IRX_IN_RESULT: irx__op_result(e, &e->input->result); break;
    case IRX_IN_HINT: e->hinted = true; break;
    case IRX_IN_GONE: gone(e); break;
    case IRX_IN_MESSAGE: irx__quorum_message(e); break;
    case IRX_IN_META: e->meta++; break;
    }
}

/* May the operation in flight be abandoned for something that can not wait? */
static bool urgent(const irx_engine *e)
{
    int kind = e->flight.kind;
    if (e->release.pending && kind != IRX_OP_RELEASE) {
        return true;
    }
    bool claiming = kind == IRX_OP_CLAIM || kind == IRX_OP_CLAIM_IF_GONE;
    return e->stopping && !irx__leads(e) && !claiming && kind != IRX_OP_LEAVE &&
           kind != IRX_OP_RELEASE;
}

static void stop_advance(irx_engine *e)
{
    if (irx__held_by_self(e)) {
        e->release.pending = true; /* a claim that landed after all */
        e->release.token = (irx_token){e->record.term, e->record.incarnation};
        irx__release_send(e);
    } else if (e->listed) {
        irx__op_begin(e, IRX_OP_LEAVE);
        irx__op_send(e);
    } else {
        irx__stop_finish(e);
    }
}

static void advance(irx_engine *e)
{
    irx__drain_advance(e);
    irx__connections_advance(e);
    if (irx__leads(e)) {
        irx__want(e, e->valid_until_ns);
    }
    if (!irx__op_idle(e)) {
        irx__want(e, e->flight.deadline_ns);
        if (!urgent(e)) {
            return;
        }
    }
    if (!e->channel[IRX_CHANNEL_COMMAND].up) {
        if (e->stopping && !irx__leads(e)) {
            irx__stop_finish(e);
        }
        return;
    }
    if (e->release.pending) {
        if (e->now_ns >= e->retry_at_ns || e->stopping) {
            irx__release_send(e);
        }
        irx__want(e, e->retry_at_ns);
    } else if (e->stopping && !irx__leads(e)) {
        stop_advance(e);
    } else if (irx__leads(e)) {
        irx__lease_leader(e);
    } else {
        irx__lease_follower(e);
    }
}

void irx_engine_step(irx_engine *e, const irx_input *input, irx_outputs *outputs)
{
    outputs->count = 0;
    e->input = input;
    e->outputs = outputs;
    if (!e->running && input->kind != IRX_IN_START) {
        return;
    }
    e->deadline_ns = IRX_NEVER;
    if (e->running) {
        int64_t passed_ns = input->now_ns > e->now_ns ? input->now_ns - e->now_ns : 0;
        e->now_ns += passed_ns;
        if (IRX__RULE(DEADLINE_FIRST)) {
            irx__lead_deadline(e);
        }
        irx__guard_clock(e, passed_ns);
    }
    take_input(e);
    irx__guard_host(e);
    if (!irx__op_idle(e) && e->now_ns >= e->flight.deadline_ns) {
        irx__op_unanswered(e, IRX_ETIMEOUT);
    }
    if (e->running) {
        irx__members_look(e);
        advance(e);
        irx__tell_leader(e);
    }
    if (!IRX__RULE(DEADLINE_FIRST)) {
        irx__lead_deadline(e);
    }
    irx__lease_watch(e);
    irx__publish(e);
    if (!e->running) {
        e->deadline_ns = IRX_NEVER;
    }
    e->input = NULL;
    e->outputs = NULL;
}
