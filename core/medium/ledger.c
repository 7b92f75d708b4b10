/* Decides whether a ledger operation applies, and writes the record that follows from it. Pure: it
 * must never look at a clock, a file or a connection; what the store knows comes in as facts. Used
 * by every store that is not a server. */
#include "medium/ledger.h"

#include "engine/rules.h"

#include <stdio.h>
#include <string.h>

static bool is_held(const irx_record *record)
{
    return !irx_id_none(record->session);
}

/* A record of a newer format is read-only to this library. */
static bool is_writable(const irx_record *record)
{
    return record->format <= IRX_FORMAT;
}

static bool is_expected(const irx_record *record, const irx_op *op)
{
    return irx_id_equal(record->incarnation, op->expected.incarnation) &&
           record->term == op->expected.term &&
           irx_id_equal(record->session, op->expected.session) && record->beat == op->expected.beat;
}

/* The sender leads this very term. */
static bool is_own(const irx_record *record, const irx_op *op)
{
    return is_writable(record) && is_held(record) &&
           irx_id_equal(record->incarnation, op->incarnation) &&
           irx_id_equal(record->session, op->session) && record->term == op->term;
}

static bool may_be_taken(const irx_record *record, const irx__ledger_facts *facts)
{
    if (!is_held(record) || !facts->holder_gone)
        return false;
    return facts->kernel || (record->takeover == IRX_TAKEOVER_FAST && record->presence_seen);
}

static void write_create(irx__ledger *ledger, const irx_op *op, const irx__ledger_facts *facts)
{
    ledger->has_record = true;
    ledger->record = (irx_record){
        .format = IRX_FORMAT,
        .protocol = op->protocol,
        .takeover = op->takeover,
        .incarnation = op->incarnation,
        .epoch = facts->epoch,
    };
}

/* What CLAIM and RENEW both write about the sender. A presence that this record has seen stays
 * seen: a renewal may land after the death of who sent it, and must not hide that death. */
static void write_holder(irx_record *record, const irx_op *op, const irx__ledger_facts *facts)
{
    bool was_seen = record->presence_seen && irx_id_equal(record->process, facts->process) &&
                    IRX__RULE(SEEN_STAYS);
    record->process = facts->process;
    record->presence_seen = was_seen || (facts->sender_present && !irx_id_none(facts->process));
    record->beat = op->beat;
    record->hold_ns = op->hold_ns;
    snprintf(record->label, sizeof record->label, "%s", facts->label);
}

/* Votes count against the list that the record carries, whatever the claimant believes it is. */
static bool is_voted(const irx_record *record, const irx_op *op)
{
    uint32_t votes = 0;
    for (uint32_t i = 0; i < record->voter_count; i++) {
        for (uint32_t k = 0; k < op->voter_count; k++) {
            if (irx_id_equal(record->voters[i], op->voters[k])) {
                votes++;
                break;
            }
        }
    }
    return votes * 2 > record->voter_count || !IRX__RULE(VOTES_COUNTED);
}

/* Only an acknowledgement of this very term makes anyone else a voter. */
static void write_first_list(irx_record *record, const irx_record *before)
{
    if (!IRX__RULE(CLAIM_ALONE)) {
        record->list = before->list;
        record->voter_count = before->voter_count;
        memcpy(record->voters, before->voters, sizeof record->voters);
    } else if (record->protocol == IRX_PROTOCOL_QUORUM) {
        record->list = 1;
        record->voter_count = 1;
        record->voters[0] = record->session;
    }
}

static void write_list(irx_record *record, const irx_op *op)
{
    if (record->protocol != IRX_PROTOCOL_QUORUM || !op->list_changed)
        return;
    record->list = op->list;
    record->voter_count = op->voter_count;
    memcpy(record->voters, op->voters, sizeof record->voters);
}

static void write_claim(irx_record *record, const irx_op *op, const irx__ledger_facts *facts)
{
    const irx_record before = *record;
    uint64_t unix_ms = facts->unix_ms > 0 ? (uint64_t)facts->unix_ms : 0;
    *record = (irx_record){
        .format = IRX_FORMAT,
        .protocol = op->protocol,
        .takeover = op->takeover,
        .incarnation = op->incarnation,
        .term = op->first_term && unix_ms > op->term ? unix_ms : op->term,
        .session = op->session,
        .epoch = facts->epoch,
        .value = IRX__RULE(VALUE_INHERITED) ? before.value : (irx_version){0, 0},
    };
    write_holder(record, op, facts);
    write_first_list(record, &before);
}

/* The record stays, with its term and its beat, so that no token is handed out twice. */
static void write_release(irx_record *record, const irx_op *op)
{
    record->session = (irx_id){0, 0};
    record->process = (irx_id){0, 0};
    record->presence_seen = false;
    record->successor = op->successor;
    record->label[0] = '\0';
    record->voter_count = 0;
}

static irx_status_kind apply_claim(irx__ledger *ledger, const irx_op *op,
                                   const irx__ledger_facts *facts)
{
    irx_record *record = &ledger->record;
    if (!ledger->has_record)
        return IRX_RESULT_ABSENT;
    if (!is_writable(record) || !is_expected(record, op))
        return IRX_RESULT_CONFLICT;
    if (op->kind == IRX_OP_CLAIM_IF_GONE && !may_be_taken(record, facts))
        return IRX_RESULT_CONFLICT;
    if (op->kind == IRX_OP_CLAIM && facts->kernel && is_held(record) &&
        !irx_id_equal(record->session, op->session))
        return IRX_RESULT_CONFLICT;
    if (op->by_votes && !is_voted(record, op))
        return IRX_RESULT_CONFLICT;
    write_claim(record, op, facts);
    return IRX_RESULT_OK;
}

static irx_status_kind apply_renew(irx__ledger *ledger, const irx_op *op,
                                   const irx__ledger_facts *facts)
{
    if (!ledger->has_record)
        return IRX_RESULT_ABSENT;
    if (!is_own(&ledger->record, op) || op->beat <= ledger->record.beat)
        return IRX_RESULT_STALE;
    write_holder(&ledger->record, op, facts);
    write_list(&ledger->record, op);
    return IRX_RESULT_OK;
}

static irx_status_kind apply_release(irx__ledger *ledger, const irx_op *op)
{
    if (!ledger->has_record)
        return IRX_RESULT_ABSENT;
    if (!is_own(&ledger->record, op))
        return IRX_RESULT_STALE;
    write_release(&ledger->record, op);
    return IRX_RESULT_OK;
}

/* The next version: values of a later term are later, and within a term they are counted. */
static irx_status_kind apply_publish(irx__ledger *ledger, const irx_op *op)
{
    if (!ledger->has_record)
        return IRX_RESULT_ABSENT;
    if (!is_own(&ledger->record, op) && IRX__RULE(VALUE_GUARDED))
        return IRX_RESULT_STALE;
    irx_version *value = &ledger->record.value;
    uint64_t next = value->index + (IRX__RULE(VALUE_COUNTED) ? 1 : 0);
    *value = (irx_version){op->term, value->term == op->term ? next : 1};
    return IRX_RESULT_OK;
}

irx_status_kind irx__ledger_apply(irx__ledger *ledger, const irx_op *op,
                                  const irx__ledger_facts *facts, bool *changed)
{
    irx_status_kind status = IRX_RESULT_OK;
    bool writes = false;
    *changed = false;
    if (!irx_id_equal(op->epoch, facts->epoch))
        return IRX_RESULT_EPOCH;
    switch (op->kind) {
    case IRX_OP_READ: status = ledger->has_record ? IRX_RESULT_OK : IRX_RESULT_ABSENT; break;
    case IRX_OP_JOIN:
    case IRX_OP_LEAVE:
    case IRX_OP_STRIKE: break;
    case IRX_OP_CREATE:
        status = ledger->has_record ? IRX_RESULT_CONFLICT : IRX_RESULT_OK;
        if (status == IRX_RESULT_OK)
            write_create(ledger, op, facts);
        writes = true;
        break;
    case IRX_OP_CLAIM:
    case IRX_OP_CLAIM_IF_GONE:
        status = apply_claim(ledger, op, facts);
        writes = true;
        break;
    case IRX_OP_RENEW:
        status = apply_renew(ledger, op, facts);
        writes = true;
        break;
    case IRX_OP_RELEASE:
        status = apply_release(ledger, op);
        writes = true;
        break;
    case IRX_OP_PUBLISH:
        status = apply_publish(ledger, op);
        writes = true;
        break;
    }
    *changed = writes && status == IRX_RESULT_OK;
    return status;
}

void irx__ledger_answer(const irx__ledger *ledger, const irx_op *op, irx_status_kind status,
                        irx_id epoch, irx_result *result)
{
    *result = (irx_result){
        .id = op->id,
        .generation = op->generation,
        .status = status,
        .has_record = ledger->has_record,
        .epoch = epoch,
    };
    if (ledger->has_record)
        result->record = ledger->record;
}
