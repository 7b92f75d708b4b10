/* Protocol `quorum`, the leader's side: who votes about this leadership, and until when their
 * acknowledgements carry it.
 *
 * The list lives in the record: a rival needs more than half of it, a leader the acknowledgements
 * of half, itself counted. A change travels in a renewal; until the store has shown it both lists
 * count, and there is one change at a time. Only who acknowledged this term is ever added. It
 * decides nothing about claims. */
#include "engine/internal.h"

#include <string.h>

static bool leads_quorum(const irx_engine *e)
{
    return irx__quorum(e) && irx__leads(e);
}

/* CLAIM has written the claimant alone. */
void irx__voters_begin(irx_engine *e)
{
    memset(e->voters, 0, sizeof e->voters);
    e->list = 1;
    e->proposing = false;
}

static irx__voter *find(irx_engine *e, irx_id session)
{
    for (size_t i = 0; i < IRX__VOTERS; i++) {
        if (irx_id_equal(e->voters[i].session, session)) {
            return &e->voters[i];
        }
    }
    return NULL;
}

/* A place for somebody new, or null. */
static irx__voter *place(irx_engine *e, irx_id session)
{
    irx__voter *voter = find(e, session);
    if (voter == NULL) {
        voter = find(e, (irx_id){0, 0});
        if (voter != NULL) {
            *voter = (irx__voter){.session = session};
        }
    }
    return voter;
}

/* ---- until when ------------------------------------------------------------------------------ */

/* Half of a list of n and the leader, rounded up, the leader counted, are n / 2 others; a rival's
 * majority can't do without one of any such group. */
static int64_t list_deadline(const irx_engine *e, bool proposed)
{
    int64_t newest[IRX__VOTERS]; /* in falling order */
    size_t count = 0;
    for (size_t i = 0; i < IRX__VOTERS; i++) {
        const irx__voter *voter = &e->voters[i];
        if (irx_id_none(voter->session) || !(proposed ? voter->proposed : voter->listed)) {
            continue;
        }
        size_t at = count++;
        while (at > 0 && newest[at - 1] < voter->acked_ns) {
            newest[at] = newest[at - 1];
            at--;
        }
        newest[at] = voter->acked_ns;
    }
    return count < 2 ? IRX_NEVER : irx__lease_end(e, newest[count / 2 - 1]);
}

/* The earliest over every list that the store may hold; IRX_NEVER where none is needed. */
int64_t irx__voters_deadline(const irx_engine *e)
{
    if (!irx__quorum(e) || !IRX__RULE(ACK_DEADLINE)) {
        return IRX_NEVER;
    }
    int64_t until_ns = list_deadline(e, false);
    if (e->proposing && IRX__RULE(ACK_EVERY_LIST)) {
        int64_t proposed_ns = list_deadline(e, true);
        until_ns = proposed_ns < until_ns ? proposed_ns : until_ns;
    }
    return until_ns;
}

static const irx_member *row_of(const irx_engine *e, irx_id session)
{
    for (size_t i = 0; i < e->input->member_count; i++) {
        if (irx_id_equal(e->input->members[i].session, session)) {
            return &e->input->members[i];
        }
    }
    return NULL;
}

void irx__voters_acknowledged(irx_engine *e, const irx_message *ack)
{
    bool ours = leads_quorum(e) && ack->token.term == e->token.term &&
                irx_id_equal(ack->token.incarnation, e->token.incarnation);
    if (!ours || row_of(e, ack->from) == NULL) {
        return;
    }
    for (size_t i = 0; i < IRX__SENT_BEATS; i++) {
        if (e->sent[i].beat != ack->beat) {
            continue;
        }
        irx__voter *voter = place(e, ack->from);
        if (voter == NULL) {
            return;
        }
        int64_t sent_ns = IRX__RULE(ACK_FROM_SEND) ? e->sent[i].sent_ns : e->now_ns;
        voter->acked_ns = sent_ns > voter->acked_ns ? sent_ns : voter->acked_ns;
        voter->heard_ns = e->now_ns;
        irx__lead_validate(e);
        return;
    }
}

/* ---- who ------------------------------------------------------------------------------------- */

/* Struck early enough that the renewal that says so is confirmed before it is missed. */
static int64_t silence_limit(const irx_engine *e)
{
    int64_t acks_ns = (irx__quorum_interval(e) + 1) * e->options.heartbeat_ns;
    int64_t half_ns = e->options.timeout_ns / 2;
    return acks_ns > half_ns ? acks_ns : half_ns;
}

static bool belongs(const irx_engine *e, const irx__voter *voter)
{
    const irx_member *row = row_of(e, voter->session);
    bool left = (row == NULL || !row->candidate) && IRX__RULE(LEAVER_STRUCK);
    bool silent = e->now_ns - voter->heard_ns >= silence_limit(e) && IRX__RULE(SILENT_STRUCK);
    return !irx_id_none(voter->session) && !left && !silent;
}

/* Somebody has to be struck: that does not wait for the next heartbeat. */
static bool must_strike(irx_engine *e)
{
    for (size_t i = 0; i < IRX__VOTERS; i++) {
        const irx__voter *voter = &e->voters[i];
        if (irx_id_none(voter->session) || !voter->listed) {
            continue;
        }
        if (!belongs(e, voter)) {
            return true;
        }
        if (IRX__RULE(SILENT_STRUCK)) {
            irx__want(e, voter->heard_ns + silence_limit(e));
        }
    }
    return false;
}

void irx__voters_advance(irx_engine *e)
{
    if (leads_quorum(e) && !e->proposing && must_strike(e)) {
        e->renew_at_ns = e->now_ns;
    }
}

/* A mutant's way to have voters that never acknowledged anything. */
static void add_all_rows(irx_engine *e)
{
    for (size_t i = 0; i < e->input->member_count; i++) {
        const irx_member *row = &e->input->members[i];
        if (row->candidate && !irx_id_equal(row->session, e->session) &&
            find(e, row->session) == NULL) {
            irx__voter *voter = place(e, row->session);
            if (voter != NULL) {
                voter->heard_ns = e->now_ns;
            }
        }
    }
}

/* The next list, where it is another one. */
static void propose(irx_engine *e)
{
    bool changes = false;
    size_t count = 1; /* the leader */
    if (!IRX__RULE(ACKED_ONLY)) {
        add_all_rows(e);
    }
    for (size_t i = 0; i < IRX__VOTERS; i++) {
        irx__voter *voter = &e->voters[i];
        voter->proposed = belongs(e, voter) && count < IRX_VOTERS_MAX;
        count += voter->proposed ? 1 : 0;
        changes = changes || voter->proposed != voter->listed;
        if (!voter->proposed && !voter->listed) {
            voter->session = (irx_id){0, 0};
        }
    }
    e->proposing = changes;
}

static void settle(irx_engine *e)
{
    e->list++;
    e->proposing = false;
    for (size_t i = 0; i < IRX__VOTERS; i++) {
        irx__voter *voter = &e->voters[i];
        voter->listed = voter->proposed;
        if (!voter->listed) {
            voter->session = (irx_id){0, 0};
        }
    }
}

/* What a renewal says of the list: the one on its way, again in each renewal until the store has
 * shown it, or the one that is there. */
void irx__voters_write(irx_engine *e, irx_op *op)
{
    if (!irx__quorum(e)) {
        return;
    }
    if (!e->proposing) {
        propose(e);
    }
    op->list = e->list + (e->proposing ? 1 : 0);
    op->list_changed = e->proposing;
    op->voters[op->voter_count++] = e->session;
    for (size_t i = 0; i < IRX__VOTERS; i++) {
        const irx__voter *voter = &e->voters[i];
        if (!irx_id_none(voter->session) && (e->proposing ? voter->proposed : voter->listed)) {
            op->voters[op->voter_count++] = voter->session;
        }
    }
    if (e->proposing && !IRX__RULE(LIST_CONFIRMED)) {
        settle(e);
    }
}

/* The record of the own term, as the store has it. */
void irx__voters_confirm(irx_engine *e)
{
    if (e->proposing && e->record.list == e->list + 1) {
        settle(e);
    }
}
