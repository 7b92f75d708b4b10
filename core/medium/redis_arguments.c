/* Writes an operation as the arguments of its script, in the order that the script's head names. It
 * decides nothing, and must never read a reply: what the sender knows already comes in. */
#include "medium/redis_arguments.h"

#include "runtime/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_bytes(irx__redis_arguments *to, const void *bytes, size_t length)
{
    assert(to->count < IRX_REDIS_ARGUMENTS_MAX);
    to->list[to->count] = length > 0 ? bytes : "";
    to->lengths[to->count] = length;
    to->count++;
}

static void add_text(irx__redis_arguments *to, const char *text)
{
    add_bytes(to, text, strlen(text));
}

/* None is the empty text. */
static void add_id(irx__redis_arguments *to, irx_id id)
{
    assert(to->id_count < IRX_REDIS_IDS_MAX);
    char *digits = to->ids[to->id_count++];
    digits[0] = '\0';
    if (!irx_id_none(id)) {
        irx_id_print(id, digits);
    }
    add_text(to, digits);
}

static void add_number(irx__redis_arguments *to, uint64_t number)
{
    assert(to->number_count < IRX_REDIS_NUMBERS_MAX);
    char *digits = to->numbers[to->number_count++];
    snprintf(digits, sizeof to->numbers[0], "%" PRIu64, number);
    add_text(to, digits);
}

static void add_flag(irx__redis_arguments *to, bool flag)
{
    add_text(to, flag ? "1" : "0");
}

static void add_settings(irx__redis_arguments *to, const irx_op *op)
{
    add_text(to, op->protocol == IRX_PROTOCOL_QUORUM ? "quorum" : "lease");
    add_text(to, op->takeover == IRX_TAKEOVER_FAST ? "fast" : "safe");
}

/* Their sessions, one after another. */
static void add_voters(irx__redis_arguments *to, const irx_op *op)
{
    assert(op->voter_count <= IRX_VOTERS_MAX);
    to->voters[0] = '\0';
    for (uint32_t i = 0; i < op->voter_count; i++) {
        irx_id_print(op->voters[i], to->voters + (size_t)32 * i);
    }
    add_text(to, to->voters);
}

static void add_version(irx__redis_arguments *to, irx_version version)
{
    snprintf(to->version, sizeof to->version, "%" PRIu64 "/%" PRIu64, version.term, version.index);
    add_text(to, to->version);
}

static void add_claim(irx__redis_arguments *to, const irx_op *op, const char *label)
{
    add_id(to, irx__random_id());
    add_id(to, op->incarnation);
    add_number(to, op->term);
    add_flag(to, op->first_term);
    add_id(to, op->session);
    add_id(to, op->process);
    add_text(to, label);
    add_number(to, op->beat);
    add_number(to, (uint64_t)op->hold_ns);
    add_settings(to, op);
    add_id(to, op->expected.incarnation);
    add_number(to, op->expected.term);
    add_id(to, op->expected.session);
    add_number(to, op->expected.beat);
    if (op->by_votes) {
        add_voters(to, op);
    }
}

/* As redis/copy.lua compares it: key, beat. */
static void add_copy(irx__redis_arguments *to, const irx_record *copy)
{
    to->copy[0] = '\0';
    if (copy != NULL) {
        char incarnation[33];
        char session[33] = "";
        char process[33] = "";
        irx_id_print(copy->incarnation, incarnation);
        if (!irx_id_none(copy->session)) {
            irx_id_print(copy->session, session);
        }
        if (!irx_id_none(copy->process)) {
            irx_id_print(copy->process, process);
        }
        snprintf(to->copy, sizeof to->copy,
                 "%s/%" PRIu64 "/%s/%s/%" PRId64 "/%d/%" PRIu64 "/%" PRIu64 "/%" PRIu64,
                 incarnation, copy->term, session, process, copy->hold_ns, copy->presence_seen,
                 copy->list, copy->value.term, copy->value.index);
    }
    add_text(to, to->copy);
    add_number(to, copy != NULL ? copy->beat : 0);
}

/* What the store tells everybody when it has taken this renewal. */
static void add_beat(irx__redis_arguments *to, const irx_op *op)
{
    const irx_message beat = {
        .kind = IRX_MESSAGE_BEAT,
        .from = op->session,
        .presence = irx_presence_digest(op->process),
        .token = {.term = op->term, .incarnation = op->incarnation},
        .beat = op->beat,
        .hold_ns = op->hold_ns,
    };
    size_t length = irx_message_encode(&beat, to->beat, sizeof to->beat);
    assert(length > 0);
    add_bytes(to, to->beat, length);
}

static void add_renew(irx__redis_arguments *to, const irx_op *op, const irx_record *copy)
{
    add_id(to, op->incarnation);
    add_number(to, op->term);
    add_id(to, op->session);
    add_number(to, op->beat);
    add_number(to, (uint64_t)op->hold_ns);
    add_id(to, op->process);
    if (copy != NULL) {
        add_version(to, copy->value);
    } else {
        add_text(to, "");
    }
    if (op->protocol == IRX_PROTOCOL_QUORUM) {
        add_beat(to, op);
        add_number(to, op->list);
        if (op->list_changed) {
            add_voters(to, op);
        }
    }
}

static void add_join(irx__redis_arguments *to, const irx_medium *medium,
                     const irx__redis_seat *place, const irx_op *op)
{
    const irx_seat *seat = place->seat;
    add_text(to, place->version);
    add_version(to, seat->value_version);
    add_id(to, op->session);
    add_number(to, op->join);
    add_id(to, op->process);
    add_flag(to, op->candidate);
    add_text(to, seat->label);
    add_bytes(to, seat->meta, seat->meta_length);
    add_flag(to, op->push);
    add_number(to, medium->config.max_members);
}

static void add_operation(irx__redis_arguments *to, const irx_medium *medium,
                          const irx__redis_seat *place, const irx_op *op, const irx_record *copy)
{
    const irx_seat *seat = place->seat;

    switch (op->kind) {
    case IRX_OP_READ:
    case IRX_OP_STRIKE:
        add_copy(to, copy);
        add_text(to, place->version);
        add_version(to, seat->value_version);
        break;
    case IRX_OP_CREATE:
        add_id(to, irx__random_id());
        add_id(to, op->incarnation);
        add_settings(to, op);
        break;
    case IRX_OP_JOIN: add_join(to, medium, place, op); break;
    case IRX_OP_LEAVE:
        add_text(to, place->version);
        add_id(to, op->session);
        break;
    case IRX_OP_CLAIM:
    case IRX_OP_CLAIM_IF_GONE: add_claim(to, op, seat->label); break;
    case IRX_OP_RENEW: add_renew(to, op, copy); break;
    case IRX_OP_RELEASE:
        add_id(to, op->incarnation);
        add_number(to, op->term);
        add_id(to, op->session);
        add_id(to, op->successor);
        add_flag(to, op->leave);
        break;
    case IRX_OP_PUBLISH:
        add_id(to, op->incarnation);
        add_number(to, op->term);
        add_id(to, op->session);
        add_bytes(to, op->data, op->length);
        add_version(to, seat->value_version);
        break;
    }
}

void irx__redis_arguments_of(irx__redis_arguments *to, const irx_medium *medium,
                             const irx__redis_seat *seat, const irx_op *op, const irx_record *copy)
{
    to->count = to->id_count = to->number_count = 0;
    add_text(to, "EVALSHA");
    add_text(to, medium->shas[op->kind]);
    add_text(to, "1");
    add_text(to, seat->key);
    add_text(to, medium->config.namespace_name);
    add_id(to, op->epoch);
    add_operation(to, medium, seat, op, copy);
}
