/* Does a message change nothing that should change nothing? Twins of the engine are given a bare
 * wake-up and a hint in its place, and then all that the member is given: one of them must go on
 * saying what the member says. Traces aside; they are for people. */
#include "world.h"

#include <string.h>

enum { STEPS = 12 };

static bool same_id(irx_id a, irx_id b)
{
    return irx_id_equal(a, b);
}

static bool same_token(irx_token a, irx_token b)
{
    return a.term == b.term && same_id(a.incarnation, b.incarnation);
}

static bool same_voters(const irx_op *a, const irx_op *b)
{
    bool same = a->by_votes == b->by_votes && a->list_changed == b->list_changed &&
                a->list == b->list && a->voter_count == b->voter_count;
    for (uint32_t i = 0; i < a->voter_count && same; i++)
        same = same_id(a->voters[i], b->voters[i]);
    return same;
}

static bool same_op(const irx_op *a, const irx_op *b)
{
    return a->kind == b->kind && a->id == b->id && a->generation == b->generation &&
           a->deadline_ns == b->deadline_ns && same_id(a->epoch, b->epoch) &&
           same_id(a->session, b->session) && same_id(a->process, b->process) &&
           a->join == b->join && same_id(a->incarnation, b->incarnation) && a->term == b->term &&
           a->first_term == b->first_term && a->beat == b->beat && a->hold_ns == b->hold_ns &&
           same_id(a->successor, b->successor) && a->leave == b->leave && a->push == b->push &&
           a->expected.term == b->expected.term && a->expected.beat == b->expected.beat &&
           same_voters(a, b);
}

static bool same_snapshot(const irx_snapshot *a, const irx_snapshot *b)
{
    return a->role == b->role && same_token(a->token, b->token) &&
           a->valid_until_ns == b->valid_until_ns && a->leader_until_ns == b->leader_until_ns &&
           a->stalled == b->stalled;
}

static bool same_message(const irx_message *a, const irx_message *b)
{
    return a->kind == b->kind && same_id(a->from, b->from) && same_id(a->to, b->to) &&
           a->presence == b->presence && same_token(a->token, b->token) &&
           same_id(a->holder, b->holder) && a->beat == b->beat && a->hold_ns == b->hold_ns;
}

static bool same_output(const irx_output *a, const irx_output *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case IRX_OUT_OP: return same_op(&a->op, &b->op);
    case IRX_OUT_WATCH:
        return same_id(a->watch.process, b->watch.process) &&
               a->watch.every_ns == b->watch.every_ns;
    case IRX_OUT_SNAPSHOT: return same_snapshot(&a->snapshot, &b->snapshot);
    case IRX_OUT_EVENT:
        return a->event.kind == b->event.kind && same_token(a->event.token, b->event.token) &&
               a->event.reason == b->event.reason && a->event.role == b->event.role &&
               same_id(a->event.leader.session, b->event.leader.session);
    case IRX_OUT_CONNECT:
    case IRX_OUT_DISCONNECT: return a->channel.channel == b->channel.channel;
    case IRX_OUT_SEND: return same_message(&a->message, &b->message);
    case IRX_OUT_UNWATCH:
    case IRX_OUT_TRACE: return true;
    }
    return false;
}

static const irx_output *next_said(const irx_outputs *outputs, size_t *at)
{
    while (*at < outputs->count && outputs->list[*at].kind == IRX_OUT_TRACE)
        ++*at;
    return *at < outputs->count ? &outputs->list[(*at)++] : NULL;
}

static bool same_outputs(const irx_outputs *a, const irx_outputs *b)
{
    size_t at_a = 0, at_b = 0;
    for (;;) {
        const irx_output *left = next_said(a, &at_a), *right = next_said(b, &at_b);
        if (left == NULL || right == NULL)
            return left == right;
        if (!same_output(left, right))
            return false;
    }
}

/* Before the step that takes the message. A later one replaces an earlier: the member is judged
 * anew. */
void sim_shadow_begin(sim_world *w, int who, irx_message_kind kind)
{
    const sim_member *m = &w->members[who];
    w->shadow.who = who;
    w->shadow.life = m->life;
    w->shadow.left = STEPS;
    w->shadow.kind = kind;
    for (int i = 0; i < 2; i++) {
        memcpy(w->twins[i], m->engine, irx_engine_size());
        w->shadow.same[i] = true;
    }
    w->report->strays++;
}

/* After every step. */
void sim_shadow_follow(sim_world *w, int who, const irx_input *input)
{
    const sim_member *m = &w->members[who];
    if (w->shadow.left == 0 || w->shadow.who != who || w->shadow.life != m->life)
        return;
    bool first = w->shadow.left-- == STEPS;
    for (int i = 0; i < 2; i++) {
        irx_input given = *input;
        if (first)
            given.kind = i == 0 ? IRX_IN_WAKE : IRX_IN_HINT;
        if (!w->shadow.same[i])
            continue;
        irx_engine_step(w->twins[i], &given, &w->twin_outputs);
        w->shadow.same[i] = same_outputs(&w->twin_outputs, &w->outputs) &&
                            irx_engine_deadline(w->twins[i]) == irx_engine_deadline(m->engine);
    }
    if (!w->shadow.same[0] && !w->shadow.same[1])
        sim_fail(w, SIM_INV_LATE, "a message of kind %d that says nothing changes member %d",
                 w->shadow.kind, who + 1);
}
