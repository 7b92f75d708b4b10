/* One socket to a Redis server: opens it, writes what was queued in one piece, reads replies and
 * hands each to the request it answers, in order, and tells a request that its deadline passed. It
 * knows no command and decides nothing. hiredis does the protocol and the buffers; its asynchronous
 * layer is not used, since that ends the process by an assertion when a server says something
 * unexpected, and one late reply kills the whole context. Any callback may close the connection:
 * nothing here may use it afterwards without comparing `serial`. */
#include "medium/redis_connection.h"

#include "medium/medium.h"
#include "runtime/clock.h"
#include "runtime/error.h"

#include <errno.h>
#include <hiredis/sds.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    UNREAD_MAX = 8 << 20,  /* bytes of a reply that is not complete */
    UNSENT_MAX = 8 << 20,  /* bytes that the server does not take */
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

static double seconds_until(int64_t when_ns)
{
    int64_t left_ns = when_ns - irx__clock_boot_ns();
    return left_ns <= 0 ? 0.0 : (double)left_ns * 1e-9;
}

static void feed_flush(irx__redis_connection *connection)
{
    if (!connection->flushing) {
        connection->flushing = true;
        ev_feed_event(connection->loop, &connection->flush, EV_CUSTOM);
    }
}

/* Closes and tells. The hook is the last thing done. */
static void fail_now(irx__redis_connection *connection, const irx_error *why)
{
    irx_error copy = *why;
    irx__redis_close(connection);
    connection->hooks->failed(connection->owner, connection, &copy);
}

static void fail_with(irx__redis_connection *connection, int code, const char *what)
{
    irx_error error;
    irx__error_set(&error, code, "%.160s: %s", connection->shown, what);
    fail_now(connection, &error);
}

/* What hiredis found wrong with the socket or with the bytes. */
static void fail_context(irx__redis_connection *connection)
{
    const redisContext *context = connection->context;
    fail_with(connection,
              context->err == REDIS_ERR_PROTOCOL ? IRX_EPROTOCOL
              : context->err == REDIS_ERR_OOM    ? IRX_ENOMEM
                                                 : IRX_EUNREACHABLE,
              context->errstr);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static void set_option(int fd, int level, int option, int value)
{
    /* Each only makes a dead peer known sooner; without it the deadlines remain. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void set_tcp_options(const irx__redis_connection *connection, int fd)
{
    int seconds = (int)(connection->user_timeout_ms + 999) / 1000;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
#endif
#ifdef TCP_USER_TIMEOUT
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)connection->user_timeout_ms);
#endif
}

/* Makes a socket for the present address and begins to connect; 0 or an errno. */
static int begin_address(irx__redis_connection *connection)
{
    const struct sockaddr *address =
        (const struct sockaddr *)&connection->addresses.list[connection->address].address;
    socklen_t length = connection->addresses.list[connection->address].length;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return errno;
    }
    if (address->sa_family != AF_UNIX) {
        set_tcp_options(connection, fd);
    }
    if (connect(fd, address, length) != 0 && errno != EINPROGRESS) {
        int status = errno;
        close(fd);
        return status;
    }
    connection->fd = fd;
    ev_io_set(&connection->writing, fd, EV_WRITE);
    ev_io_start(connection->loop, &connection->writing);
    return 0;
}

/* Tries the addresses from the present one on; the last one's error is told, soon. */
static void try_addresses(irx__redis_connection *connection, int status)
{
    irx_error error;
    for (; connection->address < connection->addresses.count; connection->address++) {
        status = begin_address(connection);
        if (status == 0) {
            return;
        }
    }
    irx__error_set(&error, IRX_EUNREACHABLE, "%.160s: %s", connection->shown, strerror(status));
    irx__redis_fail(connection, &error);
}

static bool take_socket(irx__redis_connection *connection)
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

static void connected(irx__redis_connection *connection)
{
    int status = 0;
    socklen_t length = sizeof status;

    ev_io_stop(connection->loop, &connection->writing);
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &status, &length) != 0) {
        status = errno;
    }
    if (status != 0) {
        close(connection->fd);
        connection->fd = -1;
        connection->address++;
        try_addresses(connection, status);
        return;
    }
    if (!take_socket(connection)) {
        fail_with(connection, IRX_ENOMEM, "out of memory");
        return;
    }
    connection->state = IRX_REDIS_GREETING;
    ev_io_set(&connection->reading, connection->context->fd, EV_READ);
    ev_io_set(&connection->writing, connection->context->fd, EV_WRITE);
    ev_io_start(connection->loop, &connection->reading);
    connection->hooks->opened(connection->owner, connection);
}

static void attempt_over(irx__redis_connection *connection)
{
    irx_error error;
    irx__error_set(&error, IRX_EUNREACHABLE, "%.160s: %s within %d s", connection->shown,
                   connection->state == IRX_REDIS_RESOLVING    ? "the host name was not looked up"
                   : connection->state == IRX_REDIS_CONNECTING ? "no connection was made"
                                                               : "the server did not answer",
                   (int)(IRX_CONNECT_LIMIT_NS / 1000000000));
    fail_now(connection, &error);
}

void irx__redis_open(irx__redis_connection *connection)
{
    connection->state = IRX_REDIS_RESOLVING;
    connection->serial++;
    ev_timer_set(&connection->attempt, (double)IRX_CONNECT_LIMIT_NS * 1e-9, 0.0);
    ev_now_update(connection->loop);
    ev_timer_start(connection->loop, &connection->attempt);
}

void irx__redis_connect(irx__redis_connection *connection, const irx__redis_addresses *addresses)
{
    connection->state = IRX_REDIS_CONNECTING;
    connection->addresses = *addresses;
    connection->address = 0;
    try_addresses(connection, EADDRNOTAVAIL);
}

void irx__redis_ready(irx__redis_connection *connection)
{
    connection->state = IRX_REDIS_READY;
    ev_timer_stop(connection->loop, &connection->attempt);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static void arm_deadline(irx__redis_connection *connection)
{
    ev_timer_stop(connection->loop, &connection->deadline);
    if (connection->earliest_ns != IRX_NEVER) {
        ev_now_update(connection->loop);
        ev_timer_set(&connection->deadline, seconds_until(connection->earliest_ns), 0.0);
        ev_timer_start(connection->loop, &connection->deadline);
    }
}

static void expire_requests(irx__redis_connection *connection)
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
    feed_flush(connection);
}

void irx__redis_fail(irx__redis_connection *connection, const irx_error *why)
{
    if (!connection->has_failed) {
        connection->has_failed = true;
        connection->failure = *why;
    }
    feed_flush(connection);
}

/* ---- input and output -------------------------------------------------------------------------
 */

static void write_out(irx__redis_connection *connection)
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

static void read_in(irx__redis_connection *connection)
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
        fail_now(connection, &error);
    }
}

/* ---- events of the loop -----------------------------------------------------------------------
 */

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    irx__redis_connection *connection = watcher->data;
    void *owner = connection->owner;
    const irx__redis_hooks *hooks = connection->hooks;
    (void)loop;
    (void)events;

    hooks->enter(owner);
    if (watcher == &connection->reading) {
        read_in(connection);
    } else if (connection->state == IRX_REDIS_CONNECTING) {
        connected(connection);
    } else {
        write_out(connection);
    }
    hooks->leave(owner);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    irx__redis_connection *connection = watcher->data;
    void *owner = connection->owner;
    const irx__redis_hooks *hooks = connection->hooks;
    (void)loop;
    (void)events;

    hooks->enter(owner);
    if (watcher == &connection->attempt) {
        attempt_over(connection);
    } else if (watcher == &connection->deadline) {
        expire_requests(connection);
    } else {
        connection->flushing = false;
        if (connection->has_failed) {
            fail_now(connection, &connection->failure);
        } else if (connection->context != NULL) {
            write_out(connection);
        }
    }
    hooks->leave(owner);
}

/* ---- life -------------------------------------------------------------------------------------
 */

void irx__redis_connection_init(irx__redis_connection *connection, struct ev_loop *loop,
                                const irx__redis_hooks *hooks, void *owner, const char *shown,
                                unsigned user_timeout_ms)
{
    memset(connection, 0, sizeof *connection);
    connection->loop = loop;
    connection->hooks = hooks;
    connection->owner = owner;
    connection->shown = shown;
    connection->user_timeout_ms = user_timeout_ms;
    connection->fd = -1;
    connection->earliest_ns = IRX_NEVER;
    ev_init(&connection->reading, on_io);
    ev_init(&connection->writing, on_io);
    ev_init(&connection->attempt, on_timer);
    ev_init(&connection->deadline, on_timer);
    ev_init(&connection->flush, on_timer);
    /* After everything else that the round brought, so that its whole output is one write. */
    ev_set_priority(&connection->flush, EV_MINPRI);
    /* After the reply that came in the same round, and after the engine's own timer. */
    ev_set_priority(&connection->deadline, EV_MINPRI);
    connection->reading.data = connection->writing.data = connection;
    connection->attempt.data = connection->deadline.data = connection->flush.data = connection;
}

void irx__redis_close(irx__redis_connection *connection)
{
    struct ev_loop *loop = connection->loop;

    connection->serial++;
    connection->state = IRX_REDIS_CLOSED;
    connection->flushing = false;
    connection->has_failed = false;
    connection->earliest_ns = IRX_NEVER;
    ev_io_stop(loop, &connection->reading);
    ev_io_stop(loop, &connection->writing);
    ev_timer_stop(loop, &connection->attempt);
    ev_timer_stop(loop, &connection->deadline);
    ev_clear_pending(loop, &connection->flush);
    if (connection->fd >= 0) {
        close(connection->fd);
        connection->fd = -1;
    }
    if (connection->context != NULL) {
        redisFree(connection->context);
        connection->context = NULL;
    }
    while (connection->first != NULL) {
        irx__redis_request *next = connection->first->next;
        free(connection->first);
        connection->first = next;
    }
    connection->last = NULL;
    connection->awaited = 0;
}

void irx__redis_forked(irx__redis_connection *connection)
{
    if (connection->context != NULL && connection->context->fd >= 0) {
        close(connection->context->fd);
        connection->context->fd = -1;
    }
    if (connection->fd >= 0) {
        close(connection->fd);
        connection->fd = -1;
    }
}
