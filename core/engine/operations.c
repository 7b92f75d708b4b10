/* One operation in flight: sending it, and the one place where a reply is matched with it.
 *
 * A reply to anything but the operation in flight is dropped here. UNKNOWN means that it may have
 * landed: the next step is a READ. FAILED means that it surely did not: again after a back-off. */
#include "engine/internal.h"

static const char *const NAMES[] = {"READ",          "CREATE", "JOIN",    "LEAVE",  "CLAIM",
                                    "CLAIM_IF_GONE", "RENEW",  "RELEASE", "STRIKE", "PUBLISH"};

bool irx__op_idle(const irx_engine *e)
{
    return e->flight.kind == IRX__OP_NONE;
}

/* Prepares an operation with what all of them carry. What was in flight is abandoned: its reply
 * will be stale. */
irx_op *irx__op_begin(irx_engine *e, irx_op_kind kind)
{
    e->flight.kind = (int)kind;
    e->hinted = false; /* its result brings the record as it is after the hint */
    e->flight.id = ++e->last_op_id;
    e->flight.sent_ns = e->now_ns;
    e->flight.deadline_ns = e->now_ns + irx__operation_limit(e);
    e->flight.op = (irx_op){
        .kind = kind,
        .id = e->flight.id,
        .generation = e->channel[IRX_CHANNEL_COMMAND].generation,
        .deadline_ns = e->flight.deadline_ns,
        .epoch = e->epoch,
        .session = e->session,
        .process = e->process,
        .protocol = e->options.protocol,
        .takeover = e->options.takeover,
        .candidate = e->options.candidate,
    };
    return &e->flight.op;
}

void irx__op_send(irx_engine *e)
{
    irx__output(e, IRX_OUT_OP)->op = e->flight.op;
    irx__want(e, e->flight.deadline_ns);
}

/* The operation in flight will not be answered. It may have landed. */
void irx__op_lost(irx_engine *e)
{
    if (e->flight.kind == IRX__OP_NONE) {
        return;
    }
    e->flight.kind = IRX__OP_NONE;
    e->must_read = IRX__RULE(UNKNOWN_READ);
    if (e->role == IRX_ROLE_CANDIDATE) {
        irx__set_role(e, IRX_ROLE_FOLLOWER);
    }
}

/* What waited for us while we were stopped says nothing about the network. */
static void measure(irx_engine *e)
{
    if (e->now_ns >= e->flight.deadline_ns && IRX__RULE(PAUSED_REPLY)) {
        return;
    }
    e->round_trips_ns[e->round_trip_next] = e->now_ns - e->flight.sent_ns;
    e->round_trip_next = (e->round_trip_next + 1) % IRX__ROUND_TRIPS;
}

static void back_off(irx_engine *e, const char *how, int code)
{
    e->failures++;
    e->retry_at_ns = e->now_ns + irx__backoff(e, e->failures, irx__random_next(e));
    if (irx__leads(e)) {
        /* A lease is at stake: not later than the next heartbeat, and then with a renewal. */
        int64_t heartbeat_ns = e->now_ns + e->options.heartbeat_ns;
        e->retry_at_ns = e->retry_at_ns < heartbeat_ns ? e->retry_at_ns : heartbeat_ns;
        e->renew_at_ns = e->retry_at_ns;
    }
    irx__trace(e, "%s %s (%s); again in %lld ms", NAMES[e->flight.op.kind], how,
               irx_error_name(code),
               (long long)((e->retry_at_ns - e->now_ns) / IRX__MILLISECOND_NS));
    if (e->channel[IRX_CHANNEL_COMMAND].told_code != code) {
        e->channel[IRX_CHANNEL_COMMAND].told_code = code;
        irx__trouble(e, IRX_EVENT_ERROR, code);
    }
}

static void answered(irx_engine *e, const irx_result *result)
{
    e->failures = 0;
    e->retry_at_ns = 0;
    e->channel[IRX_CHANNEL_COMMAND].told_code = 0;
    if (e->flight.op.kind == IRX_OP_LEAVE) {
        return;
    }
    e->must_read = false;
    e->poll_at_ns = irx__next_poll(e);
    irx__view_epoch(e, result->epoch);
    irx__view_record(e, result->has_record ? &result->record : NULL);
}

static void joined(irx_engine *e, uint64_t join)
{
    e->joined = true;
    e->struck = false;
    e->join = join;
    e->meta_told = e->meta_sent;
    if (!e->told_started) {
        e->told_started = true;
        irx__trace(e, "joined as member %llu", (unsigned long long)join);
        irx__event(e, IRX_EVENT_STARTED);
    }
}

static void claimed(irx_engine *e, const irx_result *result)
{
    if (result->status == IRX_RESULT_FAILED) {
        return;
    }
    if (result->status == IRX_RESULT_OK && irx__held_by_self(e) &&
        e->record.term >= e->flight.op.term) {
        irx__lead_begin(e, &e->record);
        return;
    }
    if (e->flight.op.kind == IRX_OP_CLAIM_IF_GONE) {
        /* Not gone after all, or somebody was faster: look, and watch anew. */
        e->gone = (irx_id){0};
        e->watched = (irx_id){0};
        e->watch_every_ns = 0;
    }
    irx__trace(e, "claim refused");
    if (e->sight_ns != e->now_ns) {
        /* Refused, yet the record is as expected: do not ask again at the speed of the wire. */
        e->retry_at_ns = e->now_ns + irx__backoff(e, 1, irx__random_next(e));
    }
}

/* It may have landed. A connection that swallows one request will swallow the next. A stop does not
 * wait for a second answer. */
void irx__op_unanswered(irx_engine *e, int code)
{
    bool last = e->flight.op.kind == IRX_OP_LEAVE || e->flight.op.kind == IRX_OP_RELEASE;
    irx__op_lost(e);
    if (code == IRX_ETIMEOUT) {
        irx__trace(e, "%s not answered in time", NAMES[e->flight.op.kind]);
        irx__connections_drop(e, IRX_CHANNEL_COMMAND);
    } else {
        back_off(e, "unknown", code);
    }
    if (e->stopping && last) {
        irx__stop_finish(e);
    }
}

/* A JOIN for which there is no room is no trouble yet: a STRIKE may make some. True if it comes. */
static bool note_crowd(irx_engine *e, irx_op_kind kind, int code)
{
    if (kind != IRX_OP_JOIN || code != IRX_EFULL) {
        return false;
    }
    bool first = !e->struck && IRX__RULE(FULL_STRIKES);
    e->crowded = true;
    e->struck = false;
    return first;
}

void irx__op_result(irx_engine *e, const irx_result *result)
{
    bool current = e->flight.kind != IRX__OP_NONE && result->id == e->flight.id &&
                   result->generation == e->flight.op.generation;
    if (!current && (IRX__RULE(STALE_REPLY) || e->flight.kind == IRX__OP_NONE)) {
        irx__trace(e, "a stale reply is dropped");
        return;
    }
    irx_op_kind kind = e->flight.op.kind;
    if (result->status == IRX_RESULT_UNKNOWN) {
        irx__op_unanswered(e, result->error_code);
        return;
    }
    measure(e);
    e->flight.kind = IRX__OP_NONE;
    if (result->status != IRX_RESULT_FAILED) {
        answered(e, result);
    } else if (!note_crowd(e, kind, result->error_code)) {
        back_off(e, "refused", result->error_code);
        e->hinted = e->hinted || kind == IRX_OP_READ; /* what it was to show is still unseen */
    }
    irx__lead_verify(e);
    bool done = result->status == IRX_RESULT_OK || result->status == IRX_RESULT_ABSENT;
    if (kind == IRX_OP_JOIN && done) {
        joined(e, result->join);
    } else if (kind == IRX_OP_JOIN) {
        e->join_at_ns = e->now_ns;
    } else if (kind == IRX_OP_CLAIM || kind == IRX_OP_CLAIM_IF_GONE) {
        claimed(e, result);
    } else if (kind == IRX_OP_RELEASE && (result->status != IRX_RESULT_FAILED || e->stopping)) {
        e->release.pending = false;
        e->must_read = IRX__RULE(ALONE_AFTER_READ);
    }
    if (e->role == IRX_ROLE_CANDIDATE) {
        irx__set_role(e, IRX_ROLE_FOLLOWER);
    }
    /* A RELEASE that was under way before the stop did not take the row along. */
    bool left = kind == IRX_OP_LEAVE || (kind == IRX_OP_RELEASE && e->flight.op.leave);
    if (e->stopping && left) {
        irx__stop_finish(e);
    }
}
