/* One connection to a Redis server over its life: its watchers, what each event of the loop means
 * to it, and how it ends. Opening is redis_open.c's, requests and replies are redis_pipeline.c's.
 * It knows no command and must never try anything again: that is for its owner to say. Any callback
 * may close the connection: nothing here or there may use it afterwards without comparing
 * `serial`. */
#include "medium/redis_connection_internal.h"

#include "medium/medium.h"
#include "runtime/error.h"

#include <string.h>
#include <unistd.h>

/* ---- failing ----------------------------------------------------------------------------------
 */

void irx__redis_flush_soon(irx__redis_connection *connection)
{
    if (!connection->flushing) {
        connection->flushing = true;
        ev_feed_event(connection->loop, &connection->flush, EV_CUSTOM);
    }
}

void irx__redis_fail_now(irx__redis_connection *connection, const irx_error *why)
{
    irx_error copy = *why;
    irx__redis_close(connection);
    connection->hooks->failed(connection->owner, connection, &copy);
}

void irx__redis_fail_with(irx__redis_connection *connection, int code, const char *what)
{
    irx_error error;
    irx__error_set(&error, code, "%.160s: %s", connection->shown, what);
    irx__redis_fail_now(connection, &error);
}

void irx__redis_fail(irx__redis_connection *connection, const irx_error *why)
{
    if (!connection->has_failed) {
        connection->has_failed = true;
        connection->failure = *why;
    }
    irx__redis_flush_soon(connection);
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
        irx__redis_read_in(connection);
    } else if (connection->state == IRX_REDIS_CONNECTING) {
        irx__redis_connected(connection);
    } else {
        irx__redis_write_out(connection);
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
        irx__redis_attempt_over(connection);
    } else if (watcher == &connection->deadline) {
        irx__redis_expire_requests(connection);
    } else {
        connection->flushing = false;
        if (connection->has_failed) {
            irx__redis_fail_now(connection, &connection->failure);
        } else if (connection->context != NULL) {
            irx__redis_write_out(connection);
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
    irx__redis_drop_requests(connection);
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
