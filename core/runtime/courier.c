/* Carries out what the application asked of others, in the order of asking, and tells once what
 * became of each: a result, a lost connection, a stop. It must never try again, nor say of
 * something that may have arrived that it did not. */
#include "runtime/courier.h"

#include "runtime/clock.h"
#include "runtime/drive.h"
#include "runtime/election.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists ------------------------------------------------------------------------------------
 */

void irx__requests_append(irx__requests *list, irx__request *request)
{
    request->next = NULL;
    if (list->last)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
}

/* Takes out what follows `previous` (null: the first). */
static irx__request *take_out(irx__requests *list, irx__request *previous)
{
    irx__request **link = previous ? &previous->next : &list->first;
    irx__request *request = *link;
    *link = request->next;
    if (list->last == request)
        list->last = previous;
    return request;
}

static irx__request *take_number(irx__requests *list, irx__request_kind kind, uint64_t number)
{
    irx__request *previous = NULL;
    for (irx__request *at = list->first; at; previous = at, at = at->next) {
        if (at->kind == kind && at->number == number)
            return take_out(list, previous);
    }
    return NULL;
}

void irx__request_free(irx__request *request)
{
    if (request->told)
        irx_event_free(&request->told->event);
    free(request);
}

static void free_list(irx__requests *list)
{
    while (list->first)
        irx__request_free(take_out(list, NULL));
}

void irx__courier_free(irx__courier *courier)
{
    free_list(&courier->asked);
    free_list(&courier->open);
}

/* ---- settling ---------------------------------------------------------------------------------
 */

static const char *story(const irx__request *request, int code)
{
    bool publish = request->kind == IRX__REQUEST_PUBLISH;
    switch (code) {
    case IRX_ESTOPPED:
        return publish ? "the election was stopped: the value may have been written"
               : request->kind == IRX__REQUEST_META
                   ? "the election was stopped before the member's row was written"
                   : "the election was stopped before the message left";
    case IRX_ENOTLEADER: return "this member does not lead: the value was not written";
    case IRX_ENOMEMBER: return "nobody received the message: no such member is present";
    case IRX_ETIMEOUT:
        return publish ? "the medium did not answer in time: the value may have been written"
                       : "the medium did not answer in time: the message may have been lost";
    case IRX_EUNREACHABLE:
        return publish ? "the connection to the medium was lost: the value may have been written"
                       : "the medium is not connected: the message did not leave";
    default: return irx_error_text(code);
    }
}

/* Once per request; `text` null: the usual one. */
static void settle(irx_election *e, irx__request *request, int code, const char *text)
{
    irx__event_slot *told = request->told;
    request->told = NULL;
    request->settled = true;
    if (told) {
        told->event.ticket = request->number;
        if (code)
            irx__error_set(&told->event.error, code, "%s", text ? text : story(request, code));
        irx__drive_hand(e, told);
    }
    pthread_mutex_lock(&e->lock);
    e->courier.under_way--;
    pthread_mutex_unlock(&e->lock);
}

static void finish(irx_election *e, irx__request *request, int code, const char *text)
{
    if (!request->settled)
        settle(e, request, code, text);
    irx__request_free(request);
}

/* ---- meta -------------------------------------------------------------------------------------
 */

/* Whatever becomes of the row, this is what the member says of itself from here on. */
static void take_meta(irx_election *e, irx__request *request)
{
    memcpy(e->meta, request->data, request->length);
    e->seat.meta_length = request->length;
    e->courier.meta_number = request->number;
    bool over = request->life > 0 && (!e->active || request->life != e->courier.life);
    if (over || request->life == 0)
        finish(e, request, over ? IRX_ESTOPPED : 0, NULL);
    else
        irx__requests_append(&e->courier.open, request);
    if (e->active) {
        irx_input input = {.kind = IRX_IN_META};
        irx__drive_feed(e, &input);
    }
}

void irx__courier_joining(irx_election *e, const irx_op *op)
{
    e->courier.join_id = op->id;
    e->courier.join_meta = e->courier.meta_number;
}

/* The row says what was asked for before the JOIN was sent. */
static void joined(irx_election *e)
{
    irx__requests *open = &e->courier.open;
    irx__request *previous = NULL;
    for (irx__request *at = open->first, *next; at; at = next) {
        next = at->next;
        if (at->kind == IRX__REQUEST_META && at->number <= e->courier.join_meta)
            finish(e, take_out(open, previous), 0, NULL);
        else
            previous = at;
    }
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static void take_send(irx_election *e, irx__request *request)
{
    irx_message message = {
        .kind = IRX_MESSAGE_DATA,
        .from = e->session,
        .presence = irx_presence_digest(irx__own_presence(e)),
        .to = request->to,
        .audience = request->audience,
        .from_leader = irx__holds(e, NULL),
        .data = request->data,
        .length = request->length,
    };
    int failed = irx__courier_post(e, &message, request->told ? request->number : 0);
    if (failed || !request->told)
        finish(e, request, failed, NULL);
    else
        irx__requests_append(&e->courier.open, request);
}

void irx__courier_sent(irx_election *e, uint64_t ticket, int code)
{
    irx__request *request = take_number(&e->courier.open, IRX__REQUEST_SEND, ticket);
    if (request)
        finish(e, request, code, NULL);
}

/* ---- the published value ----------------------------------------------------------------------
 */

static void take_publish(irx_election *e, irx__request *request)
{
    const irx__hub_channel *command = &e->hub->channels[IRX_CHANNEL_COMMAND];
    irx_token token;
    if (!irx__holds(e, &token) || token.term != request->token.term ||
        !irx_id_equal(token.incarnation, request->token.incarnation)) {
        finish(e, request, IRX_ENOTLEADER, NULL);
        return;
    }
    if (command->state != IRX__HUB_UP) {
        finish(e, request, IRX_EUNREACHABLE,
               "the medium is not connected: the value was not written");
        return;
    }
    irx_op op = {
        .kind = IRX_OP_PUBLISH,
        .id = IRX__ASKED | request->number,
        .generation = command->generation,
        .deadline_ns = irx__clock_boot_ns() + e->options.timeout_ns / 3, /* as the engine's */
        .epoch = e->epoch,
        .session = e->session,
        .process = irx__own_process(e),
        .protocol = e->options.protocol,
        .takeover = e->options.takeover,
        .candidate = e->options.candidate,
        .incarnation = request->token.incarnation,
        .term = request->token.term,
        .data = request->data,
        .length = request->length,
    };
    irx__requests_append(&e->courier.open, request);
    atomic_fetch_add_explicit(&e->counters.operations, 1, memory_order_relaxed);
    irx__hub_submit(e->hub, e, &op);
}

static int code_of(const irx_result *result)
{
    switch (result->status) {
    case IRX_RESULT_OK: return 0;
    case IRX_RESULT_CONFLICT:
    case IRX_RESULT_STALE:
    case IRX_RESULT_ABSENT:
    case IRX_RESULT_EPOCH: return IRX_ENOTLEADER;
    case IRX_RESULT_FAILED: return result->error_code ? result->error_code : IRX_EUNAVAILABLE;
    case IRX_RESULT_UNKNOWN: break;
    }
    return result->error_code == IRX_ETIMEOUT ? IRX_ETIMEOUT : IRX_EUNREACHABLE;
}

static void published(irx_election *e, const irx_result *result)
{
    uint64_t number = result->id & ~IRX__ASKED;
    irx__request *request = take_number(&e->courier.open, IRX__REQUEST_PUBLISH, number);
    if (!request)
        return;
    int code = code_of(result);
    if (code == 0) {
        irx__value_keep(e, result->record.value, request->data, request->length);
        irx__value_tell(e);
        if (request->told)
            request->told->event.version = result->record.value;
    }
    bool told = result->status == IRX_RESULT_FAILED && e->story.code == code;
    finish(e, request, code, told ? e->story.text : NULL);
}

/* ---- what happens -----------------------------------------------------------------------------
 */

void irx__courier_result(irx_election *e, const irx_result *result)
{
    bool done = result->status == IRX_RESULT_OK || result->status == IRX_RESULT_ABSENT;
    if (result->id & IRX__ASKED)
        published(e, result);
    else if (done && result->id == e->courier.join_id)
        joined(e);
}

/* Rows are written again by the engine over the next connection; nothing else is. */
void irx__courier_cut(irx_election *e)
{
    irx__requests *open = &e->courier.open;
    irx__request *previous = NULL;
    for (irx__request *at = open->first, *next; at; at = next) {
        next = at->next;
        if (at->kind == IRX__REQUEST_META)
            previous = at;
        else
            finish(e, take_out(open, previous), IRX_EUNREACHABLE,
                   at->kind == IRX__REQUEST_SEND
                       ? "the connection to the medium was lost: the message may have been lost"
                       : NULL);
    }
    irx__drive_ready(e);
}

/* A value that is being written is the medium's to read until its result. */
void irx__courier_stopped(irx_election *e)
{
    irx__requests *open = &e->courier.open;
    irx__request *previous = NULL;
    for (irx__request *at = open->first, *next; at; at = next) {
        next = at->next;
        if (at->kind == IRX__REQUEST_PUBLISH) {
            if (!at->settled)
                settle(e, at, IRX_ESTOPPED, NULL);
            previous = at;
        } else {
            finish(e, take_out(open, previous), IRX_ESTOPPED, NULL);
        }
    }
    irx__courier_take(e);
}

static irx__request *next_asked(irx_election *e)
{
    irx__request *request = NULL;
    pthread_mutex_lock(&e->lock);
    irx__request *first = e->courier.asked.first;
    if (first && first->life <= e->courier.life)
        request = take_out(&e->courier.asked, NULL);
    pthread_mutex_unlock(&e->lock);
    return request;
}

void irx__courier_take(irx_election *e)
{
    irx__request *request;
    while ((request = next_asked(e))) {
        bool over = !e->active || request->life != e->courier.life;
        if (request->kind == IRX__REQUEST_META)
            take_meta(e, request);
        else if (over)
            finish(e, request, request->kind == IRX__REQUEST_SEND ? IRX_ESTOPPED : IRX_ENOTLEADER,
                   NULL);
        else if (request->kind == IRX__REQUEST_SEND)
            take_send(e, request);
        else
            take_publish(e, request);
    }
    irx__drive_ready(e);
}
