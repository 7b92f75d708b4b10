/* A leadership from its first moment to its last: what confirms it, what ends it, and how it is
 * given up.
 *
 * Validity counts from the sending of the confirmed request, never from the reply. At every end the
 * snapshot says no first, then the event follows, then traffic. It never decides to claim; lease.c
 * does. */
#include "engine/internal.h"

#include <string.h>

void irx__lead_sent(irx_engine *e, const irx_op *op)
{
    e->sent[e->sent_next] =
        (irx__sent_beat){.beat = op->beat, .sent_ns = e->flight.sent_ns, .process = op->process};
    e->sent_next = (e->sent_next + 1) % IRX__SENT_BEATS;
    e->beat = op->beat;
}

/* The claim is confirmed. It is no leadership if its lease has run out on the way, if the presence
 * it was recorded under is gone, or if nobody wants it any more; the record is ours all the same.
 */
void irx__lead_begin(irx_engine *e, const irx_record *record)
{
    const irx_op *op = &e->flight.op;
    bool fast = e->options.takeover == IRX_TAKEOVER_FAST && !e->options.kernel;
    int64_t sent_ns = IRX__RULE(TIME_FROM_SEND) ? e->flight.sent_ns : e->now_ns;
    int64_t valid_until_ns = e->options.kernel ? IRX_NEVER : irx__lease_end(e, sent_ns);
    assert(!irx__leads(e));
    if (e->stopping || e->stalled) {
        e->release.pending = true;
        e->release.token = (irx_token){record->term, record->incarnation};
        e->release.successor = (irx_id){0};
        return;
    }
    if (e->now_ns >= valid_until_ns) {
        irx__trace(e, "the claim was confirmed too late");
        return;
    }
    if (fast && !irx_id_none(op->process) && !irx_id_equal(op->process, e->process) &&
        IRX__RULE(PRESENCE_OF_CLAIM)) {
        irx__trace(e, "the claim was made under a presence that is gone");
        return;
    }
    irx_role previous = e->role;
    e->token = (irx_token){record->term, record->incarnation};
    e->role = IRX_ROLE_LEADER;
    e->ledger_until_ns = valid_until_ns;
    e->valid_until_ns = valid_until_ns; /* the claimant is the only voter, and need not be asked */
    irx__voters_begin(e);
    e->lead_process = op->process;
    memset(e->sent, 0, sizeof e->sent);
    irx__lead_sent(e, op);
    e->renew_at_ns = irx__next_heartbeat(e);
    e->strike_at_ns = e->now_ns; /* the dead must not keep the next deputy from watching */
    e->rest_until_ns = 0;
    e->successor = (irx_id){0};
    irx__trace(e, "leads term %llu", (unsigned long long)record->term);
    irx__publish(e);
    irx__event(e, IRX_EVENT_ELECTED);
    irx__tell_leader(e);
    irx__tell_role(e, previous);
}

static bool given_up(irx_reason reason)
{
    return reason == IRX_REASON_RESIGNED || reason == IRX_REASON_TRANSFERRED ||
           reason == IRX_REASON_STOPPED || reason == IRX_REASON_HOST_STALLED;
}

void irx__lead_end(irx_engine *e, irx_reason reason)
{
    assert(irx__leads(e));
    irx_role previous = e->role;
    irx_token token = e->token;
    irx__trace(e, "term %llu ends: %s", (unsigned long long)token.term, irx_reason_text(reason));
    e->role = IRX_ROLE_FOLLOWER;
    e->token = (irx_token){0};
    e->valid_until_ns = 0;
    e->lead_process = (irx_id){0};
    if (IRX__RULE(RELEASE_AFTER_NO)) {
        irx__publish(e);
    }
    irx_output *output = irx__event(e, IRX_EVENT_DEFEATED);
    output->event.token = token;
    output->event.reason = reason;
    if (irx__held_by_other(e)) {
        output->event.leader.session = e->record.session;
        output->event.leader.term = e->record.term;
        memcpy(output->event.leader.label, e->record.label, sizeof e->record.label);
    }
    irx__tell_leader(e);
    irx__tell_role(e, previous);
    if (given_up(reason)) {
        e->release.pending = true;
        e->release.token = token;
        e->release.successor = e->successor;
    } else {
        e->must_read = true;
    }
    if (reason == IRX_REASON_RESIGNED || reason == IRX_REASON_TRANSFERRED) {
        e->rest_until_ns = e->now_ns + irx__rest(e);
    }
}

/* After every reply: does the record still say what we believe? A beat of ours that it shows was
 * applied, so the lease counts from the sending of the request that carried it, whichever reply
 * told us. */
void irx__lead_verify(irx_engine *e)
{
    if (!irx__leads(e)) {
        return;
    }
    if (e->knowledge == IRX__ABSENT || e->record.term == 0) {
        irx__lead_end(e, IRX_REASON_RECORD_LOST);
        return;
    }
    if (!irx__held_by_self(e) || e->record.term != e->token.term ||
        !irx_id_equal(e->record.incarnation, e->token.incarnation)) {
        irx__lead_end(e, IRX_REASON_SUPERSEDED);
        return;
    }
    if (e->options.kernel || (e->flight.op.kind != IRX_OP_RENEW && !IRX__RULE(READ_CONFIRMS))) {
        return;
    }
    for (size_t i = 0; i < IRX__SENT_BEATS; i++) {
        if (e->sent[i].beat == e->record.beat && e->sent[i].beat != 0) {
            int64_t sent_ns = IRX__RULE(TIME_FROM_SEND) ? e->sent[i].sent_ns : e->now_ns;
            int64_t until_ns = irx__lease_end(e, sent_ns);
            if (until_ns > e->ledger_until_ns) {
                e->ledger_until_ns = until_ns;
                e->lead_process = e->sent[i].process;
            }
        }
    }
    irx__voters_confirm(e);
    irx__lead_validate(e);
}

/* The earlier of what renewals and what acknowledgements carry. A list that grew can shorten it. */
void irx__lead_validate(irx_engine *e)
{
    int64_t voted_ns = irx__voters_deadline(e);
    int64_t until_ns = voted_ns < e->ledger_until_ns ? voted_ns : e->ledger_until_ns;
    if (until_ns > e->valid_until_ns || IRX__RULE(ACK_SHRINKS)) {
        e->valid_until_ns = until_ns;
    }
}

/* May the record name this process? A renewal without an answer may have landed. */
bool irx__lead_recorded(const irx_engine *e, irx_id process)
{
    if (irx_id_none(process)) {
        return false;
    }
    bool recorded = irx_id_equal(e->lead_process, process);
    for (size_t i = 0; i < IRX__SENT_BEATS && IRX__RULE(PRESENCE_SENT); i++) {
        bool unanswered = e->sent[i].beat > e->record.beat;
        recorded = recorded || (unanswered && irx_id_equal(e->sent[i].process, process));
    }
    return recorded;
}

void irx__lead_deadline(irx_engine *e)
{
    if (irx__leads(e) && e->now_ns >= e->valid_until_ns) {
        bool unheard = e->valid_until_ns < e->ledger_until_ns; /* for want of acknowledgements */
        bool up = e->channel[IRX_CHANNEL_COMMAND].up;
        irx__lead_end(e, up && !unheard ? IRX_REASON_EXPIRED : IRX_REASON_CUT_OFF);
    }
}

/* The first end of two: take nothing new, finish what runs. Renewals go on. */
void irx__drain_begin(irx_engine *e, irx_reason reason, irx_id successor)
{
    if (e->role == IRX_ROLE_DRAINING && reason == IRX_REASON_STOPPED) {
        e->drain_reason = reason;
        return;
    }
    if (e->role != IRX_ROLE_LEADER) {
        return;
    }
    e->drain_reason = reason;
    e->successor = successor;
    e->drain_until_ns = e->now_ns + e->options.drain_limit_ns;
    e->drain_published = false;
    irx__trace(e, "gives term %llu up (%s)", (unsigned long long)e->token.term,
               irx_reason_text(reason));
    e->role = IRX_ROLE_DRAINING;
    irx__publish(e);
    irx__event(e, IRX_EVENT_DRAINING)->event.reason = reason;
    irx__tell_role(e, IRX_ROLE_LEADER);
}

/* Work counts only as read after the draining snapshot was published, that is, in a later step: who
 * begins work either sees the snapshot say no, or is counted here. */
void irx__drain_advance(irx_engine *e)
{
    if (e->role != IRX_ROLE_DRAINING) {
        return;
    }
    bool counted = e->drain_published || !IRX__RULE(DRAIN_SEES_WORK);
    e->drain_published = true;
    if (counted && e->input->work == 0) {
        irx__lead_end(e, e->drain_reason);
        return;
    }
    if (e->now_ns >= e->drain_until_ns && counted && IRX__RULE(DRAIN_LIMIT)) {
        irx__trace(e, "work still runs at the drain limit");
        irx__lead_end(e, e->drain_reason);
        return;
    }
    irx__want(e, counted ? e->drain_until_ns : e->now_ns);
}

void irx__release_send(irx_engine *e)
{
    irx_op *op = irx__op_begin(e, IRX_OP_RELEASE);
    op->incarnation = e->release.token.incarnation;
    op->term = e->release.token.term;
    op->successor = e->release.successor;
    op->leave = e->stopping;
    irx__op_send(e);
}
