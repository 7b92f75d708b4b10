/* The pipeline over an open socket: writes what was queued in one piece, reads replies and hands
 * each to the request it answers, in order, and tells a request that its deadline passed. Decides
 * how much may be queued, awaited or sent by the server; it must never know a command or look into
 * a reply. hiredis does the protocol and the buffers; its asynchronous layer is not used, since
 * that ends the process by an assertion when a server says something unexpected, and one late reply
 * kills the whole context. */
#include "medium/redis_connection_internal.h"

#include "medium/medium.h"
#include "runtime/clock.h"
#include "runtime/error.h"

#include <errno.h>
#include <hiredis/sds.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    UNREAD_MAX = 8 << 20,  /* bytes of a reply that is not complete */
    UNSENT_MAX = 16 << 20, /* bytes that the server does not take */
    TALK_MAX = 8 << 20,    /* of these, the most that an application may queue */
    AWAITED_MAX = 1 << 16, /* requests without a reply */
    ELEMENTS_MAX = 2 << 16 /* of one list */
};

/* As hiredis writes, but a closed socket is an error and not a signal to the application. */
static ssize_t write_quietly(redisContext *context)
{
    ssize_t written = send(context->fd, context->obuf, sdslen(context->obuf), MSG_NOSIGNAL);
    if (written >= 0) {
        return written;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return 0;
    }
    context->err = REDIS_ERR_IO;
    snprintf(context->errstr, sizeof context->errstr, "%s", strerror(errno));
    return -1;
}

bool irx__redis_take_socket(irx__redis_connection *connection)
{
    redisOptions options;
    memset(&options, 0, sizeof options);
    options.type = REDIS_CONN_USERFD;
    options.options = REDIS_OPT_NONBLOCK;
    options.endpoint.fd = connection->fd;
    connection->context = redisConnectWithOptions(&options);
    if (connection->context == NULL) {
        return false;
    }
    connection->fd = -1;
    connection->context->flags &= ~REDIS_BLOCK;
    connection->context->reader->maxelements = ELEMENTS_MAX;
    connection->funcs = *connection->context->funcs;
    connection->funcs.write = write_quietly;
    connection->context->funcs = &connection->funcs;
    return true;
}

/* What hiredis found wrong with the socket or with the bytes. */
static void fail_context(irx__redis_connection *connection)
{
    const redisContext *context = connection->context;
    irx__redis_fail_with(connection,
                         context->err == REDIS_ERR_PROTOCOL ? IRX_EPROTOCOL
                         : context->err == REDIS_ERR_OOM    ? IRX_ENOMEM
                                                            : IRX_EUNREACHABLE,
                         context->errstr);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static double seconds_until(int64_t when_ns)
{
    int64_t left_ns = when_ns - irx__clock_boot_ns();
    return left_ns <= 0 ? 0.0 : (double)left_ns * 1e-9;
}

static void arm_deadline(irx__redis_connection *connection)
{
    ev_timer_stop(connection->loop, &connection->deadline);
    if (connection->earliest_ns != IRX_NEVER) {
        ev_now_update(connection->loop);
        ev_timer_set(&connection->deadline, seconds_until(connection->earliest_ns), 0.0);
        ev_timer_start(connection->loop, &connection->deadline);
    }
}

void irx__redis_expire_requests(irx__redis_connection *connection)
{
    uint64_t serial = connection->serial;
    int64_t now_ns = irx__clock_boot_ns();
    irx__redis_request *next;

    /* New requests go to the end; their deadlines are looked at too, which does no harm. */
    for (irx__redis_request *request = connection->first; request != NULL; request = next) {
        if (request->expire != NULL && !request->expired && request->deadline_ns <= now_ns) {
            request->expired = true;
            request->expire(connection->owner, request);
            if (connection->serial != serial) {
                return;
            }
        }
        next = request->next;
    }
    connection->earliest_ns = IRX_NEVER;
    for (irx__redis_request *request = connection->first; request != NULL;
         request = request->next) {
        if (request->expire != NULL && !request->expired &&
            request->deadline_ns < connection->earliest_ns) {
            connection->earliest_ns = request->deadline_ns;
        }
    }
    arm_deadline(connection);
}

static void await_reply(irx__redis_connection *connection, irx__redis_request *request)
{
    request->next = NULL;
    if (connection->last != NULL) {
        connection->last->next = request;
    } else {
        connection->first = request;
    }
    connection->last = request;
    connection->awaited++;
    if (request->expire != NULL && request->deadline_ns < connection->earliest_ns) {
        connection->earliest_ns = request->deadline_ns;
        arm_deadline(connection);
    }
}

void irx__redis_send(irx__redis_connection *connection, irx__redis_request *request, int argc,
                     const char *const *argv, const size_t *lengths)
{
    irx_error error;

    if (request != NULL) {
        await_reply(connection, request);
    }
    if (connection->awaited > AWAITED_MAX || sdslen(connection->context->obuf) > UNSENT_MAX) {
        irx__error_set(&error, IRX_EUNREACHABLE, "%.160s: the server takes or answers no commands",
                       connection->shown);
        irx__redis_fail(connection, &error);
        return;
    }
    if (redisAppendCommandArgv(connection->context, argc, (const char **)(uintptr_t)argv,
                               lengths) != REDIS_OK) {
        irx__error_set(&error, IRX_ENOMEM, "%.160s: out of memory for a command",
                       connection->shown);
        irx__redis_fail(connection, &error);
        return;
    }
    irx__redis_flush_soon(connection);
}

bool irx__redis_has_room(const irx__redis_connection *connection, size_t bytes)
{
    return connection->awaited < AWAITED_MAX / 2 &&
           sdslen(connection->context->obuf) + bytes <= TALK_MAX;
}

void irx__redis_drop_requests(irx__redis_connection *connection)
{
    while (connection->first != NULL) {
        irx__redis_request *next = connection->first->next;
        free(connection->first);
        connection->first = next;
    }
    connection->last = NULL;
    connection->awaited = 0;
}

/* ---- input and output -------------------------------------------------------------------------
 */

void irx__redis_write_out(irx__redis_connection *connection)
{
    int done = 0;
    if (redisBufferWrite(connection->context, &done) != REDIS_OK) {
        fail_context(connection);
    } else if (done) {
        ev_io_stop(connection->loop, &connection->writing);
    } else {
        ev_io_start(connection->loop, &connection->writing);
    }
}

/* Hands one reply out; false if the connection was closed by that. */
static bool hand_out(irx__redis_connection *connection, redisReply *reply)
{
    uint64_t serial = connection->serial;
    irx__redis_request *request = connection->first;

    if (request == NULL) {
        connection->hooks->unasked(connection->owner, connection, reply);
    } else {
        connection->first = request->next;
        if (connection->first == NULL) {
            connection->last = NULL;
        }
        connection->awaited--;
        if (!request->reply(connection->owner, request, reply)) {
            free(request);
        }
    }
    freeReplyObject(reply);
    return connection->serial == serial;
}

void irx__redis_read_in(irx__redis_connection *connection)
{
    void *reply = NULL;

    if (redisBufferRead(connection->context) != REDIS_OK) {
        fail_context(connection);
        return;
    }
    for (;;) {
        if (redisGetReplyFromReader(connection->context, &reply) != REDIS_OK) {
            fail_context(connection);
            return;
        }
        if (reply == NULL) {
            break;
        }
        if (!hand_out(connection, reply)) {
            return;
        }
    }
    if (connection->context->reader->len > UNREAD_MAX) {
        irx_error error;
        irx__error_set(&error, IRX_EPROTOCOL, "%.160s: an answer is larger than %d bytes",
                       connection->shown, UNREAD_MAX);
        irx__redis_fail_now(connection, &error);
    }
}
