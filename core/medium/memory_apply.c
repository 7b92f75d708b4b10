/* Decides nothing but what the ledger's rules say: one operation on an election in this process's
 * memory, and who has to hear of it. The store's lock is held: it must never take it, nor call
 * back. */
#include "medium/memory_store.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/error.h"

/* STRIKE: true if a row went. A row without a presence can not be seen to end. */
static bool strike(irx__memory_store *store, irx__table *table)
{
    size_t before = table->count;
    for (size_t i = table->count; i-- > 0;)
        if (!irx_id_none(table->rows[i].process) &&
            !irx__memory_is_present(store, table->rows[i].process))
            irx__table_remove(table, table->rows[i].session);
    return table->count != before;
}

static int join(irx__memory_seat *mine, const irx_op *op, uint32_t max_members, uint64_t *number,
                bool *pushes, irx_error *why)
{
    const irx_seat *seat = mine->seat;
    const irx__joiner who = {op->process, seat->label, seat->meta, seat->meta_length};
    bool changed = false;
    int code =
        irx__table_join(&mine->election->table, op, &who, max_members, number, &changed, why);
    *pushes |= changed && op->push;
    return code;
}

/* The member table's part of an operation; true in *pushes where the others should look. */
static int apply_members(irx__memory_user *user, irx__memory_seat *mine, const irx_op *op,
                         uint32_t max_members, irx_result *result, bool *pushes, irx_error *why)
{
    irx__table *table = &mine->election->table;
    switch (op->kind) {
    case IRX_OP_JOIN: return join(mine, op, max_members, &result->join, pushes, why);
    case IRX_OP_LEAVE: *pushes |= irx__table_remove(table, op->session); return 0;
    case IRX_OP_RELEASE:
        if (op->leave)
            *pushes |= irx__table_remove(table, op->session);
        return 0;
    case IRX_OP_CLAIM_IF_GONE:
        if (result->status == IRX_RESULT_OK)
            irx__table_remove(table, op->expected.session);
        return 0;
    case IRX_OP_STRIKE: *pushes |= strike(user->store, table); return 0;
    default: return 0;
    }
}

/* ---- values and beats ------------------------------------------------------------------------ */

/* Room for a value of any length: one of no bytes is a value too. */
static void *copy_value(const void *bytes, size_t length)
{
    void *copy = malloc(length + 1);
    if (copy && length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

static void keep_value(irx__memory_election *election, void *value, size_t length)
{
    free(election->value);
    election->value = value;
    election->value_length = length;
}

static bool is_newer(irx_version a, irx_version b)
{
    return a.term != b.term ? a.term > b.term : a.index > b.index;
}

/* Hands the published value to a seat that has an older one. */
static int hand_value(const irx__memory_election *election, irx_seat *seat)
{
    irx_version version = election->ledger.record.value;
    if (!election->ledger.has_record || !is_newer(version, seat->value_version))
        return 0;
    void *copy = copy_value(election->value, election->value_length);
    if (!copy)
        return IRX_ENOMEM;
    free(seat->value);
    seat->value = copy;
    seat->value_length = election->value_length;
    seat->value_version = version;
    seat->value_changed = true;
    return 0;
}

/* Under protocol quorum everybody hears of a RENEW, the holder included. */
static void push_beat(irx__memory_store *store, const irx__memory_election *election,
                      const irx_op *op)
{
    const irx_record *record = &election->ledger.record;
    unsigned char bytes[IRX_MESSAGE_HEADER_MAX];
    const irx_message beat = {
        .kind = IRX_MESSAGE_BEAT,
        .from = op->session,
        .presence = irx_presence_digest(op->process),
        .token = {record->term, record->incarnation},
        .beat = record->beat,
        .hold_ns = record->hold_ns,
    };
    if (record->protocol == IRX_PROTOCOL_QUORUM)
        irx__memory_broadcast(store, election, bytes,
                              irx_message_encode(&beat, bytes, sizeof bytes));
}

/* ---- an operation ---------------------------------------------------------------------------- */

/* By which the others see something else than before. */
static bool is_seen(irx_op_kind kind)
{
    return kind == IRX_OP_CLAIM || kind == IRX_OP_CLAIM_IF_GONE || kind == IRX_OP_RELEASE ||
           kind == IRX_OP_PUBLISH;
}

static void refuse(irx_result *result, irx_status_kind status, irx_error *why, const irx_seat *seat)
{
    result->status = status;
    result->error_code =
        irx__error_set(why, IRX_ENOMEM, "no memory for what '%s' holds", seat->name);
}

static void carry_out(irx__memory_user *user, irx__memory_seat *mine, const irx_op *op,
                      uint32_t max_members, irx_result *result, irx_error *why)
{
    irx__memory_store *store = user->store;
    irx__memory_election *election = mine->election;
    irx__ledger *ledger = &election->ledger;
    const irx__ledger_facts facts = {
        .epoch = store->epoch,
        .unix_ms = irx__clock_wall_ns() / 1000000,
        .label = mine->seat->label,
        .process = op->process,
        .sender_present = irx__memory_is_present(store, op->process),
        .holder_gone = ledger->has_record && !irx__memory_is_present(store, ledger->record.process),
    };
    bool changed = false;
    void *value = op->kind == IRX_OP_PUBLISH ? copy_value(op->data, op->length) : NULL;
    if (op->kind == IRX_OP_PUBLISH && !value) {
        irx__ledger_answer(ledger, op, IRX_RESULT_FAILED, store->epoch, result);
        refuse(result, IRX_RESULT_FAILED, why, mine->seat);
        return;
    }
    irx_status_kind status = irx__ledger_apply(ledger, op, &facts, &changed);
    if (value && changed)
        keep_value(election, value, op->length);
    else
        free(value);
    irx__ledger_answer(ledger, op, status, store->epoch, result);
    bool pushes = changed && is_seen(op->kind);
    if (status != IRX_RESULT_EPOCH &&
        (result->error_code = apply_members(user, mine, op, max_members, result, &pushes, why)))
        result->status = IRX_RESULT_FAILED;
    if (pushes)
        irx__memory_push(store, election, mine->seat);
    if (changed && op->kind == IRX_OP_RENEW)
        push_beat(store, election, op);
}

void irx__memory_operate(irx__memory_user *user, irx__memory_seat *mine, const irx_op *op,
                         uint32_t max_members, irx_result *result, irx_error *why)
{
    carry_out(user, mine, op, max_members, result, why);
    if (irx__table_hand(&mine->election->table, mine->seat) != 0 ||
        hand_value(mine->election, mine->seat) != 0)
        refuse(result, IRX_RESULT_UNKNOWN, why, mine->seat);
}
