/* Messages between members: a PUBLISH on the connection for commands, in one pipeline with the
 * operations, and what the subscriptions bring. Decides which seats a message is for and nothing
 * about its meaning; it must never hold a message back or send it twice. */
#include "medium/redis_internal.h"

#include "medium/redis_error.h"
#include "runtime/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ENCODED_MAX = IRX_MESSAGE_HEADER_MAX + IRX_MESSAGE_MAX };

typedef struct send_request {
    irx__redis_request base;
    irx__redis_seat *seat; /* null: detached */
    uint64_t ticket;
    bool everybody;
    bool refused;
} send_request;

/* ---- out --------------------------------------------------------------------------------------
 */

/* 0, or what kept it from arriving. A broadcast reaches its sender too, so its count says nothing.
 */
static int code_of(const irx_medium *medium, const send_request *request, const redisReply *reply)
{
    irx_error why;
    bool refused;
    if (request->refused) {
        return IRX_EFULL;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        return irx__redis_explain(reply, medium->config.url->shown, &refused, &why);
    }
    if (reply->type != REDIS_REPLY_INTEGER) {
        return IRX_EPROTOCOL;
    }
    return request->everybody || reply->integer > 0 ? 0 : IRX_ENOMEMBER;
}

static bool taken(void *owner, irx__redis_request *base, const redisReply *reply)
{
    irx_medium *medium = owner;
    const send_request *request = (send_request *)base;
    if (request->seat != NULL && request->ticket != 0) {
        medium->config.sink.sent(medium->config.sink.owner, request->seat->seat, request->ticket,
                                 code_of(medium, request, reply));
    }
    return false;
}

void irx__redis_say_on(irx_medium *medium, irx__redis_request *request, const char *channel,
                       const void *bytes, size_t length)
{
    irx__redis_send(irx__redis_command(medium), request, 3,
                    (const char *const[]){"PUBLISH", channel, bytes},
                    (const size_t[]){strlen("PUBLISH"), strlen(channel), length});
}

void irx__redis_say_nothing(irx_medium *medium, irx__redis_request *request)
{
    char nobody[IRX_REDIS_KEY_MAX];
    irx__redis_presence_channel(medium, (irx_id){0, 0}, nobody);
    irx__redis_say_on(medium, request, nobody, "", 0);
}

void irx__redis_send_message(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process,
                             uint64_t ticket, const void *bytes, size_t length)
{
    irx__redis_connection *connection = irx__redis_command(medium);
    const irx__redis_seat *place = seat->data;
    char direct[IRX_REDIS_KEY_MAX];
    send_request *request;

    assert(length > 0 && length <= ENCODED_MAX);
    if (connection->state != IRX_REDIS_READY) {
        return; /* its end is told, or about to be */
    }
    request = calloc(1, sizeof *request);
    if (request == NULL) {
        irx_error error;
        irx__error_set(&error, IRX_ENOMEM, "out of memory for a message");
        irx__redis_fail(connection, &error);
        return;
    }
    request->base.reply = taken;
    request->seat = seat->data;
    request->ticket = ticket;
    request->everybody = irx_id_none(to);
    request->refused = !irx__redis_has_room(connection, length);
    if (request->refused) {
        irx__redis_say_nothing(medium, &request->base); /* told in its turn */
    } else if (request->everybody) {
        irx__redis_say_on(medium, &request->base, place->channel, bytes, length);
    } else {
        /* Nobody listens where no process is. */
        irx__redis_presence_channel(medium, process, direct);
        irx__redis_say_on(medium, &request->base, direct, bytes, length);
    }
}

void irx__redis_forget_sends(irx_medium *medium, const irx__redis_seat *seat)
{
    for (irx__redis_request *base = irx__redis_command(medium)->first; base != NULL;
         base = base->next) {
        send_request *request = (send_request *)base;
        if (base->reply == taken && request->seat == seat) {
            request->seat = NULL;
        }
    }
}

/* ---- in ---------------------------------------------------------------------------------------
 */

static bool is(const redisReply *text, const char *channel)
{
    return text->len == strlen(channel) && memcmp(text->str, channel, text->len) == 0;
}

/* Nothing said is a hint: look. */
static void tell_seat(const irx_medium *medium, irx_seat *seat, const char *bytes, size_t length)
{
    const irx_sink *sink = &medium->config.sink;
    if (length == 0) {
        sink->hint(sink->owner, seat);
    } else {
        sink->message(sink->owner, seat, bytes, length);
    }
}

void irx__redis_tell_seats(irx_medium *medium, const redisReply *channel, const char *bytes,
                           size_t length)
{
    uint64_t serial = irx__redis_presence(medium)->serial;
    for (irx__redis_seat *seat = medium->seats; seat != NULL; seat = medium->cursor) {
        medium->cursor = seat->next;
        if (is(channel, seat->channel)) {
            tell_seat(medium, seat->seat, bytes, length);
            if (irx__redis_presence(medium)->serial != serial) {
                return;
            }
        }
    }
}

void irx__redis_heard(irx_medium *medium, const irx__redis_push *push)
{
    const irx_sink *sink = &medium->config.sink;
    char own[IRX_REDIS_KEY_MAX];

    if (push->length > ENCODED_MAX) {
        return; /* nobody of ours says so much */
    }
    irx__redis_presence_channel(medium, medium->process, own);
    if (!is(push->channel, own)) {
        irx__redis_tell_seats(medium, push->channel, push->bytes, push->length);
    } else if (push->length > 0) {
        sink->message(sink->owner, NULL, push->bytes, push->length);
    }
}
