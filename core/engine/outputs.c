/* What a step says: bounded outputs, in the legal order only.
 *
 * The order is the promise: the snapshot first, then the event, then traffic. It decides nothing
 * else. */
#include "engine/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

irx_output *irx__output(irx_engine *e, irx_output_kind kind)
{
    assert(e->outputs->count < IRX_OUTPUTS_MAX);
    irx_output *output = &e->outputs->list[e->outputs->count++];
    memset(output, 0, sizeof *output);
    output->kind = kind;
    return output;
}

irx_output *irx__event(irx_engine *e, irx_event_kind kind)
{
    irx_output *output = irx__output(e, IRX_OUT_EVENT);
    output->event.kind = kind;
    output->event.role = e->role;
    output->event.token = e->token;
    return output;
}

void irx__trouble(irx_engine *e, irx_event_kind kind, int code)
{
    irx__event(e, kind)->event.error.code = code;
}

bool irx__leads(const irx_engine *e)
{
    return e->role == IRX_ROLE_LEADER || e->role == IRX_ROLE_DRAINING;
}

static bool snapshot_equal(const irx_snapshot *a, const irx_snapshot *b)
{
    return a->role == b->role && a->token.term == b->token.term &&
           irx_id_equal(a->token.incarnation, b->token.incarnation) &&
           a->valid_until_ns == b->valid_until_ns && a->leader_until_ns == b->leader_until_ns &&
           a->stalled == b->stalled;
}

void irx__publish(irx_engine *e)
{
    irx_snapshot snapshot = {
        .role = e->role,
        .token = e->token,
        .valid_until_ns = irx__leads(e) ? e->valid_until_ns : 0,
        .leader_until_ns = e->role == IRX_ROLE_LEADER ? e->valid_until_ns : 0,
        .stalled = e->stalled,
    };
    assert(irx__leads(e) == (e->token.term != 0));
    if (!snapshot_equal(&snapshot, &e->told_snapshot)) {
        e->told_snapshot = snapshot;
        irx__output(e, IRX_OUT_SNAPSHOT)->snapshot = snapshot;
    }
}

void irx__tell_role(irx_engine *e, irx_role previous)
{
    if (e->role == previous) {
        return;
    }
    irx_output *output = irx__event(e, IRX_EVENT_ROLE);
    output->event.role = e->role;
    output->event.previous = previous;
}

void irx__set_role(irx_engine *e, irx_role role)
{
    irx_role previous = e->role;
    e->role = role;
    irx__publish(e);
    irx__tell_role(e, previous);
}

void irx__tell_leader(irx_engine *e)
{
    irx_leader leader = {0};
    if (irx__leads(e)) {
        leader.session = e->session;
        leader.term = e->token.term;
    } else if (e->running && irx__held_by_other(e)) {
        leader.session = e->record.session;
        leader.term = e->record.term;
    }
    if (leader.term == e->told_leader.term &&
        irx_id_equal(leader.session, e->told_leader.session)) {
        return;
    }
    if (!irx_id_none(leader.session) && irx_id_equal(leader.session, e->record.session)) {
        memcpy(leader.label, e->record.label, sizeof leader.label);
    }
    e->told_leader = leader;
    irx__event(e, IRX_EVENT_LEADER)->event.leader = leader;
}

/* "   1234 ms follower: text", milliseconds since the start. */
void irx__trace(irx_engine *e, const char *format, ...)
{
    char *text = irx__output(e, IRX_OUT_TRACE)->trace;
    long long since_ms = (e->now_ns - e->start_ns) / IRX__MILLISECOND_NS;
    int used = snprintf(text, IRX_TRACE_MAX, "%7lld ms %s: ", since_ms, irx_role_text(e->role));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, IRX_TRACE_MAX - (size_t)used, format, arguments);
    va_end(arguments);
}

/* The first eight digits, enough for people. */
const char *irx__short(irx_id id, char text[9])
{
    if (irx_id_none(id)) {
        return "nobody";
    }
    snprintf(text, 9, "%08llx", (unsigned long long)(id.hi >> 32));
    return text;
}
