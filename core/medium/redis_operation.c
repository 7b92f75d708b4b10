/* Turns the engine's operations into calls of the scripts, and their answers into results. Decides
 * only what an answer says: FAILED where surely nothing was applied, UNKNOWN where it may have
 * been. It never sends an operation twice, but for the one case where the server says that it had
 * no script to run and so ran none. */
#include "medium/redis_arguments.h"
#include "medium/redis_error.h"
#include "medium/redis_value.h"
#include "medium/seat.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

/* The engine counts an operation as unknown by itself at its deadline, and then gives the
 * connection up. So that it comes first, we say so a little later. */
#define DEADLINE_GRACE_NS (10 * INT64_C(1000000))

typedef struct op_request {
    irx__redis_request base;
    irx__redis_seat *seat; /* null: detached */
    irx_op op;
    bool reloaded;
    bool refused;  /* too much of the application's waits already */
    bool has_copy; /* `copy` is what the answer may leave out, as it was when this was sent */
    irx_record copy;
} op_request;

/* ---- questions --------------------------------------------------------------------------------
 */

/* READ, STRIKE: all that the seat has is as the copy says, the bytes of the value too. */
static bool may_leave_out(const irx__redis_seat *place, const irx_op *op)
{
    const irx_record *record = &place->record;
    switch (op->kind) {
    case IRX_OP_READ:
    case IRX_OP_STRIKE:
        return place->known && !irx__version_is_newer(record->value, place->seat->value_version);
    case IRX_OP_RENEW:
        return place->known && irx_id_equal(record->incarnation, op->incarnation) &&
               record->term == op->term && irx_id_equal(record->session, op->session);
    default: return false;
    }
}

static void send_operation(irx_medium *medium, op_request *request)
{
    irx__redis_arguments to;
    request->has_copy = may_leave_out(request->seat, &request->op);
    if (request->has_copy) {
        request->copy = request->seat->record;
    }
    irx__redis_arguments_of(&to, medium, request->seat, &request->op,
                            request->has_copy ? &request->copy : NULL);
    irx__redis_send(irx__redis_command(medium), &request->base, to.count, to.list, to.lengths);
}

/* ---- results ----------------------------------------------------------------------------------
 */

static void tell(irx_medium *medium, const op_request *request, irx_result *result,
                 const irx_error *why)
{
    result->id = request->op.id;
    result->generation = request->op.generation;
    result->error_code = why == NULL ? 0 : why->code;
    medium->config.sink.result(medium->config.sink.owner, request->seat->seat, result, why);
}

static void tell_failure(irx_medium *medium, const op_request *request, irx_status_kind status,
                         const irx_error *why)
{
    irx_result result;
    memset(&result, 0, sizeof result);
    result.status = status;
    tell(medium, request, &result, why);
}

static void expire(void *owner, irx__redis_request *base)
{
    irx_medium *medium = owner;
    op_request *request = (op_request *)base;
    irx_error why;

    if (request->seat != NULL) {
        irx__error_set(&why, IRX_ETIMEOUT, "%.160s did not answer in time",
                       medium->config.url->shown);
        tell_failure(medium, request, IRX_RESULT_UNKNOWN, &why);
    }
}

/* A renewal that holds: the record is what it said, and otherwise the copy, whose value and list
 * the script has found to be the stored ones. */
static void record_renewed(const op_request *request, bool presence_seen, irx_record *record)
{
    const irx_op *op = &request->op;
    *record = request->copy;
    record->presence_seen = presence_seen;
    record->process = op->process;
    record->beat = op->beat;
    record->hold_ns = op->hold_ns;
    if (record->protocol == IRX_PROTOCOL_QUORUM) {
        record->list = op->list;
        record->voter_count = op->voter_count;
        memcpy(record->voters, op->voters, sizeof record->voters);
    }
}

/* Completes the short answers, which leave out what was sent along. */
static bool complete(const op_request *request, irx__redis_answer *answer)
{
    if (answer->brief == IRX_REDIS_WHOLE) {
        return true;
    }
    if (!request->has_copy) {
        return false;
    }
    answer->record = request->copy;
    if (answer->brief == IRX_REDIS_ADVANCED) {
        answer->record.beat = answer->beat;
    } else if (answer->brief == IRX_REDIS_RENEWED) {
        record_renewed(request, answer->presence_seen, &answer->record);
    }
    answer->epoch = request->op.epoch;
    answer->has_record = true;
    return true;
}

/* Is anything missing that this operation's answer must have? */
static int check(const irx_medium *medium, const op_request *request,
                 const irx__redis_answer *answer, irx_error *why)
{
    const irx_seat *seat = request->seat->seat;
    bool ours = answer->has_record && answer->record.format <= IRX_FORMAT;

    if (answer->status == IRX_RESULT_OK && !answer->has_record &&
        irx__op_needs_record(request->op.kind)) {
        return irx__error_set(why, IRX_EPROTOCOL,
                              "%.160s gave an answer that belongs to another operation",
                              medium->config.url->shown);
    }
    if (ours && answer->brief == IRX_REDIS_WHOLE && !answer->has_value &&
        irx__op_brings_value(request->op.kind, answer->status) &&
        irx__version_is_newer(answer->record.value, seat->value_version)) {
        return irx__redis_foreign(why, request->seat->key, "value", NULL);
    }
    return 0;
}

/* Whoever published knows the bytes already; they are valid until the result is told. */
static int copy_published(const irx_op *op, irx__redis_answer *answer, irx_error *why)
{
    int code = irx__op_copy_value(op, &answer->value, why);
    answer->value_length = op->length;
    answer->has_value = code == 0;
    return code;
}

/* Keeps what was told, for the next question and for the runtime. */
static void keep(irx__redis_seat *place, irx__redis_answer *answer)
{
    irx_seat *seat = place->seat;
    place->known = answer->has_record && answer->record.format == IRX_FORMAT;
    place->record = answer->record;
    if (answer->has_members) {
        irx__seat_take_members(seat, answer->members, answer->member_count, answer->metas);
        memcpy(place->version, answer->version, sizeof place->version);
    }
    if (answer->has_value) {
        irx__seat_take_value(seat, answer->record.value, answer->value, answer->value_length);
    }
}

static void tell_answer(irx_medium *medium, op_request *request, const redisReply *reply)
{
    const irx_op *op = &request->op;
    irx__redis_answer answer;
    irx_result result;
    irx_error why;
    int code = irx__redis_read_answer(reply, op->kind, request->seat->key, &answer, &why);

    if (code == 0 && !complete(request, &answer)) {
        code = irx__redis_senseless(&why, "it leaves out what was not sent along");
    }
    if (code == 0) {
        code = check(medium, request, &answer, &why);
    }
    if (code == 0 && op->kind == IRX_OP_PUBLISH && answer.status == IRX_RESULT_OK) {
        code = copy_published(op, &answer, &why);
    }
    if (code != 0) {
        bool applied = op->kind != IRX_OP_READ &&
                       (answer.status == IRX_RESULT_OK || answer.status == IRX_RESULT_UNKNOWN);
        irx__redis_free_answer(&answer);
        tell_failure(medium, request, applied ? IRX_RESULT_UNKNOWN : IRX_RESULT_FAILED, &why);
        return;
    }
    keep(request->seat, &answer);
    memset(&result, 0, sizeof result);
    result.status = answer.status;
    result.has_record = answer.has_record;
    result.record = answer.record;
    result.epoch = answer.epoch;
    result.join = answer.join;
    tell(medium, request, &result, NULL);
}

static bool answered(void *owner, irx__redis_request *base, const redisReply *reply)
{
    irx_medium *medium = owner;
    op_request *request = (op_request *)base;

    if (request->seat == NULL || base->expired) {
        return false;
    }
    if (request->refused) {
        irx_error full;
        irx__error_set(&full, IRX_EFULL, "%.160s does not take what waits for it already",
                       medium->config.url->shown);
        tell_failure(medium, request, IRX_RESULT_FAILED, &full);
        return false;
    }
    if (reply->type != REDIS_REPLY_ERROR) {
        tell_answer(medium, request, reply);
        return false;
    }
    if (irx__redis_is_noscript(reply) && !request->reloaded) {
        request->reloaded = true;
        irx__redis_load(medium, request->op.kind);
        send_operation(medium, request);
        return true;
    }
    bool refused = false;
    irx_error why;
    irx__redis_explain(reply, medium->config.url->shown, &refused, &why);
    refused = refused || request->op.kind == IRX_OP_READ; /* which has nothing to apply */
    tell_failure(medium, request, refused ? IRX_RESULT_FAILED : IRX_RESULT_UNKNOWN, &why);
    return false;
}

void irx__redis_submit(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    irx__redis_connection *connection = irx__redis_command(medium);
    op_request *request;

    if (connection->state != IRX_REDIS_READY) {
        return; /* its end is told, or about to be */
    }
    request = calloc(1, sizeof *request);
    if (request == NULL) {
        irx_error error;
        irx__error_set(&error, IRX_ENOMEM, "out of memory for an operation");
        irx__redis_fail(connection, &error);
        return;
    }
    request->base.reply = answered;
    request->base.expire = expire;
    request->base.deadline_ns = op->deadline_ns + DEADLINE_GRACE_NS;
    request->seat = seat->data;
    request->op = *op;
    request->refused = op->kind == IRX_OP_PUBLISH && !irx__redis_has_room(connection, op->length);
    if (request->refused) {
        irx__redis_say_nothing(medium, &request->base); /* told in its turn */
    } else {
        send_operation(medium, request);
    }
}

void irx__redis_forget_seat(irx_medium *medium, const irx__redis_seat *seat)
{
    for (irx__redis_request *base = irx__redis_command(medium)->first; base != NULL;
         base = base->next) {
        op_request *request = (op_request *)base;
        if (base->reply == answered && request->seat == seat) {
            request->seat = NULL;
        }
    }
}
