/* One connection to a PostgreSQL server over its life: its watchers, what each event of the loop
 * means to it, and how it ends. Opening is postgres_open.c's, statements are postgres_ask.c's. It
 * knows no statement and must never try anything again: that is for its owner to say. Any callback
 * may close the connection: nothing here or there may use it afterwards without comparing
 * `serial`. */
#include "medium/postgres_connection_internal.h"

#include "runtime/error.h"

#include <string.h>
#include <unistd.h>

/* ---- failing ----------------------------------------------------------------------------------
 */

void irx__pg_soon(irx__pg_connection *connection)
{
    ev_feed_event(connection->loop, &connection->soon, EV_CUSTOM);
}

void irx__pg_fail_now(irx__pg_connection *connection, const irx_error *why)
{
    irx_error copy = *why;
    irx__pg_close(connection);
    connection->hooks->failed(connection->owner, connection, &copy);
}

void irx__pg_fail(irx__pg_connection *connection, const irx_error *why)
{
    if (connection->state == IRX_PG_CLOSED) {
        return;
    }
    if (!connection->has_failed) {
        connection->has_failed = true;
        connection->failure = *why;
    }
    irx__pg_soon(connection);
}

/* ---- events of the loop -----------------------------------------------------------------------
 */

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    irx__pg_connection *connection = watcher->data;
    void *owner = connection->owner;
    const irx__pg_hooks *hooks = connection->hooks;
    (void)loop;
    (void)events;

    hooks->enter(owner);
    if (connection->has_failed) {
        irx__pg_fail_now(connection, &connection->failure);
    } else if (connection->state == IRX_PG_CONNECTING) {
        irx__pg_advance(connection);
    } else {
        irx__pg_step(connection, watcher == &connection->reading);
    }
    hooks->leave(owner);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    irx__pg_connection *connection = watcher->data;
    void *owner = connection->owner;
    const irx__pg_hooks *hooks = connection->hooks;
    (void)loop;
    (void)events;

    hooks->enter(owner);
    if (connection->has_failed) {
        irx__pg_fail_now(connection, &connection->failure);
    } else if (watcher == &connection->attempt) {
        irx__pg_attempt_over(connection);
    } else if (connection->state >= IRX_PG_GREETING) {
        irx__pg_step(connection, connection->unread);
    }
    hooks->leave(owner);
}

/* ---- life -------------------------------------------------------------------------------------
 */

void irx__pg_connection_init(irx__pg_connection *connection, struct ev_loop *loop,
                             const irx__pg_hooks *hooks, void *owner, irx__pg_place *place)
{
    memset(connection, 0, sizeof *connection);
    connection->loop = loop;
    connection->hooks = hooks;
    connection->owner = owner;
    connection->place = place;
    connection->pq = irx__pg_place_library(place);
    connection->fd = -1;
    ev_init(&connection->reading, on_io);
    ev_init(&connection->writing, on_io);
    ev_init(&connection->attempt, on_timer);
    ev_init(&connection->soon, on_timer);
    /* After what the same round brought: an answer may have come that the time-out would drop. */
    ev_set_priority(&connection->attempt, EV_MINPRI);
    ev_set_priority(&connection->soon, EV_MINPRI);
    connection->reading.data = connection->writing.data = connection;
    connection->attempt.data = connection->soon.data = connection;
}

void irx__pg_close(irx__pg_connection *connection)
{
    struct ev_loop *loop = connection->loop;
    irx__pg_hosts *hosts = irx__pg_place_hosts(connection->place);

    connection->serial++;
    connection->state = IRX_PG_CLOSED;
    connection->pooled = connection->has_failed = connection->has_last_words = false;
    connection->unread = false;
    ev_io_stop(loop, &connection->reading);
    ev_io_stop(loop, &connection->writing);
    ev_timer_stop(loop, &connection->attempt);
    ev_clear_pending(loop, &connection->soon);
    if (hosts != NULL) {
        irx__pg_hosts_leave(hosts, &connection->waiter);
    }
    irx__pg_drop_statement(connection);
    if (connection->pg != NULL) {
        struct pg_conn *pg = connection->pg;
        connection->pg = NULL;
        connection->fd = -1;
        connection->pq->finish(pg);
    }
}

void irx__pg_forked(irx__pg_connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
        connection->fd = -1;
    }
}
