/* From the names in a URI to a session: addresses are looked up, then libpq goes through hosts, TLS
 * and passwords while the loop waits for its sockets. Decides how long that may take and with which
 * host the next attempt begins. It must never block, nor keep a watcher on a socket that libpq may
 * have closed: libpq changes sockets between two calls, also to one of the same number. */
#include "medium/postgres_connection_internal.h"

#include "medium/medium.h"
#include "medium/postgres_error.h"
#include "runtime/error.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_S ((double)IRX_CONNECT_LIMIT_NS * 1e-9)

/* libpq drops notices, but what a server says when it ends an idle connection comes as one. */
static void take_notice(void *argument, const struct pg_result *notice)
{
    irx__pg_connection *connection = argument;
    const irx__libpq *pq = connection->pq;
    const char *severity = pq->resultErrorField(notice, IRX_PQ_SEVERITY);
    const char *state = pq->resultErrorField(notice, IRX_PQ_SQLSTATE);
    const char *message = pq->resultErrorField(notice, IRX_PQ_MESSAGE);
    bool harmless;

    if (severity != NULL && state != NULL && !connection->has_last_words &&
        (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
        connection->has_last_words = true;
        irx__pg_explain(state, message != NULL ? message : "",
                        irx__pg_place_shown(connection->place), &harmless, &connection->last_words);
    }
}

static void explain_failure(irx__pg_connection *connection, irx_error *error)
{
    const irx__libpq *pq = connection->pq;
    irx__pg_explain_attempt(pq->errorMessage(connection->pg),
                            pq->connectionNeedsPassword(connection->pg) != 0,
                            irx__pg_place_shown(connection->place), error);
}

/* Waits for the one thing that libpq asked for, on the socket that it has now. */
static void wait_for(irx__pg_connection *connection, int polled)
{
    ev_io *watcher = polled == IRX_PQ_POLL_READING ? &connection->reading : &connection->writing;

    connection->fd = connection->pq->socket(connection->pg);
    if (connection->fd < 0) {
        irx_error error;
        explain_failure(connection, &error);
        irx__pg_fail(connection, &error);
        return;
    }
    ev_io_set(watcher, connection->fd, polled == IRX_PQ_POLL_READING ? EV_READ : EV_WRITE);
    ev_io_start(connection->loop, watcher);
}

static void begin(irx__pg_connection *connection)
{
    const irx__libpq *pq = connection->pq;
    irx__pg_parameters parameters;
    irx_error error;

    connection->turn = irx__pg_place_turn(connection->place);
    if (irx__pg_place_parameters(connection->place, &parameters, &error) != 0) {
        irx__pg_fail(connection, &error);
        return;
    }
    connection->pg = pq->connectStartParams(parameters.keywords, parameters.values, 0);
    irx__pg_parameters_free(&parameters);
    if (connection->pg == NULL) {
        irx__error_set(&error, IRX_ENOMEM, "out of memory for a connection");
        irx__pg_fail(connection, &error);
        return;
    }
    /* With the SQLSTATE in its messages: during an attempt it is told nowhere else. */
    pq->setErrorVerbosity(connection->pg, IRX_PQ_ERRORS_VERBOSE);
    pq->setNoticeReceiver(connection->pg, take_notice, connection);
    if (pq->status(connection->pg) == IRX_PQ_BAD) {
        explain_failure(connection, &error);
        irx__pg_fail(connection, &error);
        return;
    }
    wait_for(connection, IRX_PQ_POLL_WRITING);
}

static void hosts_known(void *owner)
{
    begin(owner);
}

void irx__pg_open(irx__pg_connection *connection)
{
    irx__pg_hosts *hosts = irx__pg_place_hosts(connection->place);

    irx__pg_close(connection);
    connection->state = IRX_PG_CONNECTING;
    connection->prepared = 0;
    connection->half = false;
    connection->waiter.known = hosts_known;
    connection->waiter.owner = connection;
    /* The loop's time may be old, and the attempt would be over too soon. */
    ev_now_update(connection->loop);
    ev_timer_set(&connection->attempt, LIMIT_S / 2, 0.0);
    ev_timer_start(connection->loop, &connection->attempt);
    if (hosts == NULL || !irx__pg_hosts_ask(hosts, connection->loop, &connection->waiter)) {
        begin(connection);
    }
}

static void opened(irx__pg_connection *connection)
{
    const irx__libpq *pq = connection->pq;
    irx_error error;

    connection->fd = pq->socket(connection->pg);
    connection->server_version = pq->serverVersion(connection->pg);
    connection->backend = pq->backendPID(connection->pg);
    if (pq->setnonblocking(connection->pg, 1) != 0) {
        explain_failure(connection, &error);
        irx__pg_fail_now(connection, &error);
        return;
    }
    connection->state = IRX_PG_GREETING;
    ev_io_set(&connection->reading, connection->fd, EV_READ);
    ev_io_set(&connection->writing, connection->fd, EV_WRITE);
    ev_io_start(connection->loop, &connection->reading);
    /* What came with the last message of the greeting is in libpq's buffer, where no event tells
     * of it. */
    irx__pg_soon(connection);
    connection->hooks->opened(connection->owner, connection);
}

void irx__pg_advance(irx__pg_connection *connection)
{
    irx_error error;
    int polled;

    ev_io_stop(connection->loop, &connection->reading);
    ev_io_stop(connection->loop, &connection->writing);
    connection->fd = -1;
    polled = connection->pq->connectPoll(connection->pg);
    if (polled == IRX_PQ_POLL_OK) {
        opened(connection);
    } else if (polled == IRX_PQ_POLL_READING || polled == IRX_PQ_POLL_WRITING) {
        wait_for(connection, polled);
    } else {
        explain_failure(connection, &error);
        irx__pg_fail_now(connection, &error);
    }
}

/* ---- too late ---------------------------------------------------------------------------------
 */

static const char *phase_of(const irx__pg_connection *connection)
{
    if (connection->pg == NULL) {
        return "no host name was looked up";
    }
    if (connection->state == IRX_PG_CONNECTING &&
        connection->pq->status(connection->pg) == IRX_PQ_STARTED) {
        return "no connection was made";
    }
    return connection->state == IRX_PG_CONNECTING ? "the server let nobody in"
                                                  : "the server did not answer";
}

void irx__pg_attempt_over(irx__pg_connection *connection)
{
    irx__pg_hosts *hosts = irx__pg_place_hosts(connection->place);
    char where[160] = "";
    irx_error error;

    if (!connection->half) {
        connection->half = true;
        ev_timer_set(&connection->attempt, LIMIT_S / 2, 0.0);
        ev_timer_start(connection->loop, &connection->attempt);
        /* One name server that does not answer must not keep the other hosts from being tried. */
        if (connection->waiter.waiting && irx__pg_hosts_any(hosts)) {
            irx__pg_hosts_leave(hosts, &connection->waiter);
            begin(connection);
        }
        return;
    }
    if (connection->pg != NULL) {
        const char *host = connection->pq->host(connection->pg);
        const char *port = connection->pq->port(connection->pg);
        snprintf(where, sizeof where, " (host %.120s, port %.8s)", host != NULL ? host : "",
                 port != NULL ? port : "");
        irx__pg_place_blame(connection->place, connection->turn);
    }
    irx__error_set(&error, IRX_EUNREACHABLE, "%.120s: %s within %d s%s",
                   irx__pg_place_shown(connection->place), phase_of(connection),
                   (int)(IRX_CONNECT_LIMIT_NS / 1000000000), where);
    irx__pg_fail_now(connection, &error);
}

void irx__pg_ready(irx__pg_connection *connection)
{
    connection->state = IRX_PG_READY;
    ev_timer_stop(connection->loop, &connection->attempt);
}
