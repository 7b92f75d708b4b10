/* Turns the engine's operations into calls of the scripts, and their answers into results. Decides
 * only what an answer says: FAILED where surely nothing was applied, UNKNOWN where it may have
 * been. It never sends an operation twice, but for the one case where the server says that it had
 * no script to run and so ran none. */
#include "medium/redis_internal.h"

#include "medium/redis_error.h"
#include "runtime/error.h"

#include <inttypes.h>
#include <stdio.h>
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
    struct { /* READ: the copy that was compared, if any */
        bool known;
        irx_id incarnation;
        uint64_t term;
        irx_id session;
        uint64_t beat;
    } copy;
} op_request;

/* ---- arguments --------------------------------------------------------------------------------
 */

enum { ARGUMENTS_MAX = 24, IDS_MAX = 8, NUMBERS_MAX = 8 };

typedef struct arguments {
    int count;
    const char *list[ARGUMENTS_MAX];
    size_t lengths[ARGUMENTS_MAX];
    char ids[IDS_MAX][33];
    int id_count;
    char numbers[NUMBERS_MAX][24];
    int number_count;
    char copy[33 + 33 + 2 * 24];
} arguments;

static void add_text(arguments *to, const char *text)
{
    to->list[to->count] = text;
    to->lengths[to->count] = strlen(text);
    to->count++;
}

/* None is the empty text. */
static void add_id(arguments *to, irx_id id)
{
    char *digits = to->ids[to->id_count++];
    digits[0] = '\0';
    if (!irx_id_none(id)) {
        irx_id_print(id, digits);
    }
    add_text(to, digits);
}

static void add_number(arguments *to, uint64_t number)
{
    char *digits = to->numbers[to->number_count++];
    snprintf(digits, sizeof to->numbers[0], "%" PRIu64, number);
    add_text(to, digits);
}

static void add_flag(arguments *to, bool flag)
{
    add_text(to, flag ? "1" : "0");
}

static void add_claim(arguments *to, const irx_op *op, const char *label)
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
    add_text(to, "lease");
    add_text(to, op->takeover == IRX_TAKEOVER_FAST ? "fast" : "safe");
    add_id(to, op->expected.incarnation);
    add_number(to, op->expected.term);
    add_id(to, op->expected.session);
    add_number(to, op->expected.beat);
}

/* READ: what the seat knows already, so that nothing of it needs to be sent back. */
static void add_copy(arguments *to, op_request *request)
{
    const irx_record *record = &request->seat->record;
    char incarnation[33];
    char session[33] = "";

    request->copy.known = request->seat->known;
    if (request->copy.known) {
        request->copy.incarnation = record->incarnation;
        request->copy.term = record->term;
        request->copy.session = record->session;
        request->copy.beat = record->beat;
        irx_id_print(record->incarnation, incarnation);
        if (!irx_id_none(record->session)) {
            irx_id_print(record->session, session);
        }
        snprintf(to->copy, sizeof to->copy, "%s/%" PRIu64 "/%s/%" PRIu64, incarnation, record->term,
                 session, record->beat);
    }
    add_text(to, to->copy);
}

static void add_operation(arguments *to, irx_medium *medium, op_request *request)
{
    const irx_op *op = &request->op;
    const irx_seat *seat = request->seat->seat;
    const char *version = request->seat->version;

    switch (op->kind) {
    case IRX_OP_READ:
        add_copy(to, request);
        add_text(to, version);
        break;
    case IRX_OP_CREATE:
        add_id(to, irx__random_id());
        add_id(to, op->incarnation);
        add_text(to, "lease");
        add_text(to, op->takeover == IRX_TAKEOVER_FAST ? "fast" : "safe");
        break;
    case IRX_OP_JOIN:
        add_text(to, version);
        add_id(to, op->session);
        add_number(to, op->join);
        add_id(to, op->process);
        add_flag(to, op->candidate);
        add_text(to, seat->label);
        add_number(to, medium->config.max_members);
        break;
    case IRX_OP_LEAVE:
        add_text(to, version);
        add_id(to, op->session);
        break;
    case IRX_OP_CLAIM:
    case IRX_OP_CLAIM_IF_GONE: add_claim(to, op, seat->label); break;
    case IRX_OP_RENEW:
        add_id(to, op->incarnation);
        add_number(to, op->term);
        add_id(to, op->session);
        add_number(to, op->beat);
        add_number(to, (uint64_t)op->hold_ns);
        add_id(to, op->process);
        break;
    case IRX_OP_RELEASE:
        add_id(to, op->incarnation);
        add_number(to, op->term);
        add_id(to, op->session);
        add_id(to, op->successor);
        add_flag(to, op->leave);
        break;
    case IRX_OP_STRIKE: add_text(to, version); break;
    case IRX_OP_PUBLISH: break;
    }
}

static void send_operation(irx_medium *medium, op_request *request)
{
    arguments to;
    to.count = to.id_count = to.number_count = 0;
    to.copy[0] = '\0';
    add_text(&to, "EVALSHA");
    add_text(&to, medium->shas[request->op.kind]);
    add_text(&to, "1");
    add_text(&to, request->seat->key);
    add_text(&to, medium->config.namespace_name);
    add_id(&to, request->op.epoch);
    add_operation(&to, medium, request);
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

/* A renewal that holds: the record is what it said. Everything else in it this session wrote with
 * its claim, and nobody else may have. */
static void record_renewed(const op_request *request, bool presence_seen, irx_record *record)
{
    const irx_op *op = &request->op;
    memset(record, 0, sizeof *record);
    record->format = IRX_FORMAT;
    record->protocol = op->protocol;
    record->takeover = op->takeover;
    record->presence_seen = presence_seen;
    record->incarnation = op->incarnation;
    record->term = op->term;
    record->session = op->session;
    record->process = op->process;
    record->beat = op->beat;
    record->hold_ns = op->hold_ns;
    record->epoch = op->epoch;
    memcpy(record->label, request->seat->seat->label, sizeof record->label);
}

static bool copy_is_current(const op_request *request)
{
    const irx_record *record = &request->seat->record;
    return request->op.kind == IRX_OP_READ && request->copy.known && request->seat->known &&
           irx_id_equal(record->incarnation, request->copy.incarnation) &&
           record->term == request->copy.term &&
           irx_id_equal(record->session, request->copy.session) &&
           record->beat == request->copy.beat;
}

/* Keeps what was told, for the next READ and for the runtime. */
static void keep(irx__redis_seat *seat, irx__redis_answer *answer)
{
    seat->known = answer->has_record && answer->record.format == IRX_FORMAT;
    seat->record = answer->record;
    if (answer->has_members) {
        free(seat->seat->members);
        seat->seat->members = answer->members;
        seat->seat->member_count = answer->member_count;
        seat->seat->members_changed = true;
        memcpy(seat->version, answer->version, sizeof seat->version);
    }
}

/* JOIN, LEAVE and STRIKE are about the member table: they are OK without a record too. */
static bool needs_record(irx_op_kind kind)
{
    return kind != IRX_OP_JOIN && kind != IRX_OP_LEAVE && kind != IRX_OP_STRIKE;
}

/* Completes the short answers; false for one that this operation can not have. */
static bool complete(const op_request *request, irx__redis_answer *answer)
{
    if (answer->same) {
        if (!copy_is_current(request)) {
            return false;
        }
        answer->record = request->seat->record;
    } else if (answer->renewed) {
        if (request->op.kind != IRX_OP_RENEW) {
            return false;
        }
        record_renewed(request, answer->presence_seen, &answer->record);
    } else {
        return answer->has_record || answer->status != IRX_RESULT_OK ||
               !needs_record(request->op.kind);
    }
    answer->epoch = request->op.epoch;
    answer->has_record = true;
    return true;
}

static void tell_answer(irx_medium *medium, op_request *request, const redisReply *reply)
{
    irx__redis_answer answer;
    irx_result result;
    irx_error why;
    int code = irx__redis_read_answer(reply, request->seat->key, &answer, &why);

    if (code == 0 && !complete(request, &answer)) {
        free(answer.members);
        code = irx__error_set(&why, IRX_EPROTOCOL,
                              "%.160s gave an answer that belongs to another operation",
                              medium->config.url->shown);
        answer.status = IRX_RESULT_UNKNOWN;
    }
    if (code != 0) {
        bool applied = request->op.kind != IRX_OP_READ &&
                       (answer.status == IRX_RESULT_OK || answer.status == IRX_RESULT_UNKNOWN);
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
    send_operation(medium, request);
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
