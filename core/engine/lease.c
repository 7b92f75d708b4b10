/* Protocol `lease`: when a member claims, and what a leader sends.
 *
 * Only the leader writes periodically. Everybody else reads once per time-out, and claims when the
 * record is vacant, when it stayed unchanged for a hold, or when the store itself saw the holder's
 * presence end. A claim names the record it expects, so of two claimants one is refused. */
#include "engine/internal.h"

/* A way to leadership that the record leaves open. */
typedef struct opening {
    bool open;
    irx_op_kind kind;
    int64_t base_ns; /* the record must have been received as it is at this time or later */
    int64_t due_ns;  /* when to claim */
    bool by_votes;
    const char *why;
} opening;

static bool deputy(const irx_engine *e)
{
    return e->joined && e->rank == 0;
}

static bool same_epoch(const irx_engine *e)
{
    return irx_id_equal(e->record.epoch, e->epoch);
}

static bool gone_counts(const irx_engine *e)
{
    if (irx_id_none(e->gone) || !irx__held_by_other(e)) {
        return false;
    }
    assert(irx_id_equal(e->gone, e->record.process));
    if (e->options.kernel) {
        return true;
    }
    bool ours = same_epoch(e) || !IRX__RULE(QUARANTINE_GONE);
    bool seen = (e->record.takeover == IRX_TAKEOVER_FAST && e->record.presence_seen &&
                 e->options.takeover == IRX_TAKEOVER_FAST) ||
                !IRX__RULE(GONE_SEEN);
    return ours && seen && e->channel[IRX_CHANNEL_PRESENCE].up;
}

static opening after(int64_t base_ns, const char *why)
{
    return (opening){
        .open = true, .kind = IRX_OP_CLAIM, .base_ns = base_ns, .due_ns = base_ns, .why = why};
}

static opening never_held(const irx_engine *e)
{
    bool at_once = e->options.takeover == IRX_TAKEOVER_FAST || e->options.kernel;
    if (at_once && (!e->life_seen || !IRX__RULE(LIFE_SEEN))) {
        return after(e->sight_ns, "never held");
    }
    if (!IRX__RULE(NEVER_HELD_WAIT)) {
        return after(e->sight_ns, "never held");
    }
    return after(e->never_held_ns + irx__hold(e), "never held for a hold");
}

/* What the record allows, its epoch aside. */
static opening record_opening(const irx_engine *e)
{
    if (e->knowledge != IRX__PRESENT || !irx__claimable_format(e)) {
        return (opening){0};
    }
    if (e->record.term == 0) {
        return never_held(e);
    }
    if (irx_id_none(e->record.session)) {
        return after(e->sight_ns, "vacant");
    }
    if (irx__held_by_self(e)) {
        return after(e->sight_ns, "its own record");
    }
    if (gone_counts(e)) {
        opening gone = after(e->gone_ns, "its holder is gone");
        gone.kind = IRX_OP_CLAIM_IF_GONE;
        return gone;
    }
    if (e->options.kernel) {
        return (opening){0};
    }
    if (irx__quorum_won(e)) {
        opening votes = after(e->now_ns, "voted for");
        votes.base_ns = e->sight_ns; /* a beat that was missed costs a refusal, and shows itself */
        votes.by_votes = true;
        return votes;
    }
    return after(e->sight_ns + irx__hold(e), "unchanged for a hold");
}

static bool is_successor(const irx_engine *e)
{
    return irx_id_equal(e->record.successor, e->session) && IRX__RULE(SUCCESSOR_FIRST);
}

/* Who goes first: the successor a release names; else the deputy; the others by rank. */
static int64_t stagger(const irx_engine *e)
{
    bool named = e->successor_known && IRX__RULE(SUCCESSOR_FIRST);
    if (!IRX__RULE(STAGGER) || is_successor(e) || (!named && deputy(e))) {
        return 0;
    }
    return irx__stagger(e);
}

static opening lease_opening(const irx_engine *e)
{
    opening way = record_opening(e);
    if (!way.open) {
        return way;
    }
    /* Under another epoch a living leader may be recorded elsewhere: nobody claims before its hold
     * has passed. */
    int64_t quarantine_ns = e->sight_ns + irx__hold(e);
    bool waived = way.kind == IRX_OP_CLAIM_IF_GONE && !IRX__RULE(QUARANTINE_GONE);
    if (!same_epoch(e) && IRX__RULE(QUARANTINE) && !waived && way.base_ns < quarantine_ns) {
        way.base_ns = quarantine_ns;
        way.due_ns = quarantine_ns;
        way.why = "quarantine is over";
    }
    bool alone = e->others == 0 && IRX__RULE(REST_ALONE);
    way.due_ns += way.by_votes ? 0 : stagger(e); /* votes were staggered by their calls */
    if (way.due_ns < e->rest_until_ns && IRX__RULE(REST) && !alone && !is_successor(e)) {
        way.due_ns = e->rest_until_ns;
    }
    return way;
}

static void read(irx_engine *e)
{
    irx__op_begin(e, IRX_OP_READ);
    irx__op_send(e);
}

static void create(irx_engine *e)
{
    irx_op *op = irx__op_begin(e, IRX_OP_CREATE);
    op->incarnation = irx__random_session(e);
    irx__op_send(e);
}

static void claim(irx_engine *e, const opening *way)
{
    const irx_record *r = &e->record;
    bool renew_incarnation = !same_epoch(e) && IRX__RULE(QUARANTINE_INCARNATION);
    bool first = r->term == 0 || renew_incarnation;
    uint64_t known = IRX__RULE(FIRST_TERM) ? e->largest_term : 0;
    irx__trace(e, "claims: %s", way->why);
    irx_op *op = irx__op_begin(e, way->kind);
    op->incarnation = renew_incarnation ? irx__random_session(e) : r->incarnation;
    op->first_term = first;
    op->term = (first ? known : r->term) + 1;
    op->beat = r->beat + 1;
    op->hold_ns = irx__own_hold(e);
    op->expected.incarnation = r->incarnation;
    op->expected.term = r->term;
    op->expected.session = r->session;
    op->expected.beat = IRX__RULE(EXPECTED_BEAT) ? r->beat : UINT64_MAX;
    if (way->by_votes) {
        irx__quorum_spend(e, op);
    }
    irx__op_send(e);
    irx__set_role(e, IRX_ROLE_CANDIDATE);
}

static void strike(irx_engine *e)
{
    irx__op_begin(e, IRX_OP_STRIKE);
    irx__op_send(e);
}

/* A table may be full of the dead, when nobody is left in it to lead and to strike them. */
static void join(irx_engine *e)
{
    if (e->crowded && IRX__RULE(FULL_STRIKES)) {
        e->crowded = false;
        e->struck = true;
        strike(e);
        return;
    }
    irx_op *op = irx__op_begin(e, IRX_OP_JOIN);
    op->join = e->join;
    op->push = e->joined; /* then it is the meta that is new */
    e->listed = true;
    e->meta_sent = e->meta;
    irx__op_send(e);
    e->join_at_ns = e->now_ns + e->options.heartbeat_ns;
}

static void renew(irx_engine *e)
{
    irx_op *op = irx__op_begin(e, IRX_OP_RENEW);
    op->incarnation = e->token.incarnation;
    op->term = e->token.term;
    op->beat = e->beat + (IRX__RULE(UNUSED_BEAT) ? 1 : 0);
    op->hold_ns = irx__own_hold(e);
    irx__voters_write(e, op);
    irx__lead_validate(e);
    if (IRX__RULE(SHORTER_FIRST)) {
        irx__publish(e);
    }
    e->renew_at_ns = irx__next_heartbeat(e);
    irx__lead_sent(e, op);
    irx__op_send(e);
}

/* A row is missing, or says something old. */
static bool row_is_due(irx_engine *e)
{
    if (e->joined && e->meta_told == e->meta) {
        return false;
    }
    irx__want(e, e->join_at_ns);
    return e->now_ns >= e->join_at_ns;
}

void irx__lease_leader(irx_engine *e)
{
    irx__voters_advance(e);
    if (e->now_ns < e->retry_at_ns) {
        irx__want(e, e->retry_at_ns);
        return;
    }
    if (e->must_read) {
        /* An UNKNOWN renewal: whatever the READ shows, the next beat follows at once. */
        e->renew_at_ns = e->now_ns;
        read(e);
    } else if (e->now_ns >= e->renew_at_ns && !e->options.kernel) {
        renew(e);
    } else if (e->now_ns >= e->renew_at_ns) {
        e->renew_at_ns = irx__next_heartbeat(e);
        read(e); /* is the directory still ours? */
    } else if (row_is_due(e)) {
        join(e);
    } else if (e->now_ns >= e->strike_at_ns && !e->options.kernel) {
        e->strike_at_ns = e->now_ns + e->options.timeout_ns;
        strike(e);
    } else if (e->hinted) {
        read(e);
    } else {
        irx__want(e, e->renew_at_ns);
    }
}

static bool try_to_claim(irx_engine *e)
{
    if (!e->options.candidate || e->stalled) {
        return false;
    }
    if (e->knowledge == IRX__ABSENT) {
        create(e);
        return true;
    }
    opening way = lease_opening(e);
    if (!way.open) {
        return false;
    }
    if (e->now_ns < way.due_ns) {
        irx__want(e, way.due_ns);
        return false;
    }
    if (e->received_ns < way.base_ns && IRX__RULE(FRESH_CLAIM)) {
        read(e);
    } else {
        claim(e, &way);
    }
    return true;
}

void irx__lease_follower(irx_engine *e)
{
    if (!e->channel[IRX_CHANNEL_PRESENCE].settled) {
        return;
    }
    if (e->now_ns < e->retry_at_ns) {
        irx__want(e, e->retry_at_ns);
        return;
    }
    if (row_is_due(e)) {
        join(e);
    } else if (e->must_read || e->knowledge == IRX__UNKNOWN ||
               (e->hinted && IRX__RULE(HINT_READS)) || e->now_ns >= e->poll_at_ns) {
        read(e);
    } else if (!e->joined || !try_to_claim(e)) {
        irx__want(e, e->joined ? e->poll_at_ns : e->join_at_ns);
        irx__quorum_call(e);
    }
}

/* The deputy asks for the holder's presence, and the one behind it a quarter as often, for leader
 * and deputy may die together. Where the kernel tells, asking is free and everybody does. */
void irx__lease_watch(irx_engine *e)
{
    bool near = e->rank <= 1 || e->options.kernel || !IRX__RULE(DEPUTY_WATCHES);
    bool fast =
        e->options.kernel ||
        (e->options.takeover == IRX_TAKEOVER_FAST && e->record.takeover == IRX_TAKEOVER_FAST &&
         e->record.presence_seen && e->channel[IRX_CHANNEL_PRESENCE].up);
    bool watch = e->running && !e->stopping && e->options.candidate && e->joined && near && fast &&
                 irx__held_by_other(e) && e->channel[IRX_CHANNEL_COMMAND].up &&
                 irx_id_none(e->gone) && (same_epoch(e) || e->options.kernel);
    irx_id process = watch ? e->record.process : (irx_id){0};
    bool often = e->rank == 0 || e->options.kernel;
    int64_t every_ns = irx_id_none(process) ? 0 : e->options.probe_ns * (often ? 1 : 4);
    if (irx_id_equal(process, e->watched) && every_ns == e->watch_every_ns) {
        return;
    }
    e->watched = process;
    e->watch_every_ns = every_ns;
    if (irx_id_none(process)) {
        irx__output(e, IRX_OUT_UNWATCH);
        return;
    }
    irx_output *output = irx__output(e, IRX_OUT_WATCH);
    output->watch.process = process;
    output->watch.every_ns = every_ns;
}
