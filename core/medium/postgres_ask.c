/* Statements on an open connection, one at a time, and what the server sends: rows, refusals,
 * notifications, its last words. Decides when a statement is prepared and how large an answer may
 * be; it must never know what a statement means. libpq may read while it writes, and keeps what it
 * read: whatever touched the socket, its buffer is looked at afterwards, since no event of the loop
 * tells of it. */
#include "medium/postgres_connection_internal.h"

#include "medium/postgres_error.h"
#include "runtime/error.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/tcp.h>
#endif

#define ANSWER_MAX (UINT64_C(16) << 20) /* bytes of one answer */

/* ---- sending ----------------------------------------------------------------------------------
 */

/* How many bytes the socket has received so far; 0 where the system does not say, as for a Unix
 * socket, behind which is a server of this machine. */
static uint64_t received_by(int fd)
{
#ifdef __linux__
    struct tcp_info info;
    socklen_t length = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
        return info.tcpi_bytes_received;
    }
#else
    (void)fd;
#endif
    return 0;
}

/* libpq adds to what it said of an earlier statement. */
static const char *last_line(const char *message)
{
    const char *last = message;
    for (const char *at = strchr(message, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        if (at[1] != '\t' && at[1] != '\0') {
            last = at + 1;
        }
    }
    return last;
}

/* Why libpq could not do what it was told, once a session was there. */
static void explain_loss(const irx__pg_connection *connection, irx_error *error)
{
    char said[IRX_PG_SAID_MAX];

    if (connection->has_last_words) {
        *error = connection->last_words;
        return;
    }
    irx__pg_said(said, last_line(connection->pq->errorMessage(connection->pg)));
    irx__error_set(error, IRX_EUNREACHABLE, "%.120s: the connection was lost: %s",
                   irx__pg_place_shown(connection->place), said);
}

/* Sends what libpq holds back; false, with the reason, if it can't any more. */
static bool flush_out(irx__pg_connection *connection, irx_error *error)
{
    int left = connection->pq->flush(connection->pg);

    if (left < 0) {
        explain_loss(connection, error);
        return false;
    }
    if (left > 0) {
        ev_io_start(connection->loop, &connection->writing);
    } else {
        ev_io_stop(connection->loop, &connection->writing);
    }
    return true;
}

void irx__pg_prepared_name(const irx__pg_connection *connection, unsigned number, char name[])
{
    snprintf(name, IRX_PG_PREPARED_MAX, "interrex_%u_%u", number, connection->generation);
}

bool irx__pg_is_prepared(const irx__pg_connection *connection, unsigned number)
{
    return (connection->prepared >> number & 1) != 0;
}

/* After one of libpq's functions that send. */
static void sent(irx__pg_connection *connection, int status)
{
    irx_error error;

    if (status == 0) {
        explain_loss(connection, &error);
        irx__pg_fail(connection, &error);
    } else if (!flush_out(connection, &error)) {
        irx__pg_fail(connection, &error);
    } else {
        irx__pg_soon(connection);
    }
}

static void send_prepared(irx__pg_connection *connection, int count, const char *const *values)
{
    char name[IRX_PG_PREPARED_MAX];
    irx__pg_prepared_name(connection, connection->number, name);
    sent(connection,
         connection->pq->sendQueryPrepared(connection->pg, name, count, values, NULL, NULL, 0));
}

/* Pointers and texts in one piece; false without memory. */
static bool keep_values(irx__pg_connection *connection, int count, const char *const *values)
{
    size_t size = (size_t)(count + 1) * sizeof(char *);
    char *text;

    for (int i = 0; i < count; i++) {
        size += values[i] != NULL ? strlen(values[i]) + 1 : 0;
    }
    connection->values = malloc(size);
    if (connection->values == NULL) {
        return false;
    }
    text = (char *)(connection->values + count + 1);
    for (int i = 0; i < count; i++) {
        connection->values[i] = NULL;
        if (values[i] != NULL) {
            size_t length = strlen(values[i]) + 1;
            connection->values[i] = memcpy(text, values[i], length);
            text += length;
        }
    }
    connection->value_count = count;
    return true;
}

static void send_prepare(irx__pg_connection *connection, const char *text)
{
    char name[IRX_PG_PREPARED_MAX];
    connection->preparing = true;
    irx__pg_prepared_name(connection, connection->number, name);
    sent(connection, connection->pq->sendPrepare(connection->pg, name, text, 0, NULL));
}

static void begin_statement(irx__pg_connection *connection, unsigned number)
{
    connection->busy = true;
    connection->number = number;
    connection->received = received_by(connection->fd);
}

void irx__pg_ask(irx__pg_connection *connection, const irx__pg_statement *statement, int count,
                 const char *const *values)
{
    begin_statement(connection, statement->number);
    if (connection->has_failed) {
        return;
    }
    /* Before the greeting has ended nobody knows whether a pooler answers. */
    if (connection->pooled || connection->state == IRX_PG_GREETING) {
        sent(connection, connection->pq->sendQueryParams(connection->pg, statement->text, count,
                                                         NULL, values, NULL, NULL, 0));
    } else if (irx__pg_is_prepared(connection, statement->number)) {
        send_prepared(connection, count, values);
    } else if (keep_values(connection, count, values)) {
        send_prepare(connection, statement->text);
    } else {
        irx_error error;
        irx__error_set(&error, IRX_ENOMEM, "out of memory for a statement");
        irx__pg_fail(connection, &error);
    }
}

void irx__pg_prepare(irx__pg_connection *connection, const irx__pg_statement *statement)
{
    begin_statement(connection, statement->number);
    if (!connection->has_failed) {
        send_prepare(connection, statement->text);
    }
}

void irx__pg_say(irx__pg_connection *connection, const char *text)
{
    begin_statement(connection, IRX_PG_STATEMENTS_MAX);
    if (!connection->has_failed) {
        sent(connection, connection->pq->sendQuery(connection->pg, text));
    }
}

void irx__pg_say_many(irx__pg_connection *connection, const char *text, int count)
{
    connection->results = calloc((size_t)count, sizeof(struct pg_result *));
    if (connection->results == NULL) {
        irx_error error;
        begin_statement(connection, IRX_PG_STATEMENTS_MAX);
        irx__error_set(&error, IRX_ENOMEM, "out of memory for a statement");
        irx__pg_fail(connection, &error);
        return;
    }
    connection->many = count;
    irx__pg_say(connection, text);
}

static void free_results(const irx__libpq *pq, struct pg_result **results, int count)
{
    for (int i = 0; i < count; i++) {
        pq->clear(results[i]);
    }
    free(results);
}

void irx__pg_drop_statement(irx__pg_connection *connection)
{
    if (connection->results != NULL) {
        free_results(connection->pq, connection->results, connection->taken);
    }
    connection->results = NULL;
    connection->many = connection->taken = 0;
    connection->busy = connection->preparing = false;
    connection->number = IRX_PG_STATEMENTS_MAX;
    free(connection->values);
    connection->values = NULL;
    connection->pq->clear(connection->result);
    connection->result = NULL;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

typedef struct row_source {
    const irx__libpq *pq;
    const struct pg_result *result;
    struct pg_result *const *results; /* of many statements, one row each; else null */
} row_source;

static const char *cell(const void *source, int row, int column, size_t *length)
{
    const row_source *from = source;
    const struct pg_result *result = from->results != NULL ? from->results[row] : from->result;
    row = from->results != NULL ? 0 : row;
    *length = 0;
    if (from->pq->getisnull(result, row, column)) {
        return NULL;
    }
    *length = (size_t)from->pq->getlength(result, row, column);
    return from->pq->getvalue(result, row, column);
}

static bool is_rows(int status)
{
    return status == IRX_PQ_TUPLES_OK || status == IRX_PQ_COMMAND_OK ||
           status == IRX_PQ_EMPTY_QUERY;
}

/* What a refusal says; false if the server ends the connection by it. */
static bool read_refusal(irx__pg_connection *connection, const struct pg_result *result,
                         irx__pg_outcome *outcome)
{
    const irx__libpq *pq = connection->pq;
    const char *severity = pq->resultErrorField(result, IRX_PQ_SEVERITY);
    const char *state = pq->resultErrorField(result, IRX_PQ_SQLSTATE);
    const char *message = pq->resultErrorField(result, IRX_PQ_MESSAGE);

    snprintf(outcome->sqlstate, sizeof outcome->sqlstate, "%s", state != NULL ? state : "");
    irx__pg_explain(outcome->sqlstate, message != NULL ? message : pq->resultErrorMessage(result),
                    irx__pg_place_shown(connection->place), &outcome->harmless, &outcome->why);
    if (severity == NULL || (strcmp(severity, "FATAL") != 0 && strcmp(severity, "PANIC") != 0)) {
        return pq->status(connection->pg) != IRX_PQ_BAD;
    }
    connection->has_last_words = true;
    connection->last_words = outcome->why;
    return false;
}

/* A statement that the server lost, or whose table changed under it, is prepared anew when it is
 * next asked. Under another name: in the second case the old one is still taken. */
static void forget_if_lost(irx__pg_connection *connection, const char *sqlstate)
{
    if (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0 ||
        strcmp(sqlstate, "42P05") == 0) {
        connection->prepared = 0;
        connection->generation++;
    }
}

static bool fail_protocol(irx__pg_connection *connection, const char *what)
{
    irx_error error;
    irx__error_set(&error, IRX_EPROTOCOL, "%.160s: %s", irx__pg_place_shown(connection->place),
                   what);
    irx__pg_fail_now(connection, &error);
    return false;
}

/* The last result of the statement is here, and the server waits for the next one. False if the
 * connection was closed. */
static bool finish_statement(irx__pg_connection *connection)
{
    const irx__libpq *pq = connection->pq;
    uint64_t serial = connection->serial;
    struct pg_result *result = connection->result;
    irx__pg_outcome outcome;
    irx_error error;

    memset(&outcome, 0, sizeof outcome);
    if (result == NULL ||
        (!is_rows(pq->resultStatus(result)) && !read_refusal(connection, result, &outcome))) {
        explain_loss(connection, &error);
        irx__pg_fail_now(connection, &error);
        return false;
    }
    connection->result = NULL;
    if (is_rows(pq->resultStatus(result)) && connection->preparing) {
        connection->preparing = false;
        connection->prepared |= UINT32_C(1) << connection->number;
    }
    if (is_rows(pq->resultStatus(result)) && connection->values != NULL) {
        pq->clear(result);
        send_prepared(connection, connection->value_count, (const char *const *)connection->values);
        free(connection->values);
        connection->values = NULL;
        return true;
    }
    struct pg_result **results = connection->results;
    int count = connection->many;
    row_source source = {pq, result, results};
    irx__pg_rows rows = {&source, results != NULL ? count : pq->ntuples(result),
                         pq->nfields(result), cell};
    if (is_rows(pq->resultStatus(result)) && results != NULL && connection->taken + 1 != count) {
        pq->clear(result);
        return fail_protocol(connection, "it answered fewer statements than it was sent");
    }
    if (is_rows(pq->resultStatus(result))) {
        if (results != NULL) {
            results[connection->taken] = result; /* and ours to clear, with the others */
        }
        outcome.rows = &rows;
    } else {
        outcome.harmless = outcome.harmless || connection->preparing; /* it did not even begin */
        forget_if_lost(connection, outcome.sqlstate);
    }
    bool owned = outcome.rows != NULL && results != NULL;
    if (owned) {
        connection->results = NULL;
    }
    irx__pg_drop_statement(connection);
    connection->hooks->answered(connection->owner, connection, &outcome);
    if (owned) {
        free_results(pq, results, count);
    } else {
        pq->clear(result);
    }
    return connection->serial == serial;
}

/* Keeps the last result, or the first refusal; false if there can be no such result. */
static bool keep_result(irx__pg_connection *connection, struct pg_result *result)
{
    const irx__libpq *pq = connection->pq;
    int status = pq->resultStatus(result);

    if (!is_rows(status) && status != IRX_PQ_FATAL_ERROR) {
        pq->clear(result);
        return false;
    }
    if (connection->result != NULL && !is_rows(pq->resultStatus(connection->result))) {
        pq->clear(result);
        return true;
    }
    if (connection->results != NULL && is_rows(status)) {
        bool fits = connection->taken + (connection->result != NULL) < connection->many;
        if (!fits || pq->ntuples(result) != 1) {
            pq->clear(result);
            return false;
        }
        if (connection->result != NULL) {
            connection->results[connection->taken++] = connection->result;
        }
    } else {
        pq->clear(connection->result);
    }
    connection->result = result;
    return true;
}

/* Takes the results that are complete; false if the connection was closed. */
static bool take_results(irx__pg_connection *connection)
{
    const irx__libpq *pq = connection->pq;

    while (connection->busy && !connection->has_failed && !pq->isBusy(connection->pg)) {
        struct pg_result *result = pq->getResult(connection->pg);
        if (result == NULL) {
            if (!finish_statement(connection)) {
                return false;
            }
        } else if (!keep_result(connection, result)) {
            return fail_protocol(connection, "the answer is of a kind that was not asked for");
        }
    }
    return true;
}

static bool take_notifications(irx__pg_connection *connection)
{
    const irx__libpq *pq = connection->pq;
    uint64_t serial = connection->serial;
    irx__pq_notify *notify;

    while ((notify = pq->notifies(connection->pg)) != NULL) {
        connection->hooks->notified(connection->owner, connection, notify->relname, notify->extra);
        pq->freemem(notify);
        if (connection->serial != serial) {
            return false;
        }
    }
    return true;
}

/* OpenSSL decrypts a record at a time and libpq takes as much of it as its buffer has room for; the
 * rest is in neither the socket nor that buffer. */
static bool has_hidden_bytes(const irx__pg_connection *connection)
{
    const irx__libpq *pq = connection->pq;
    const void *ssl = pq->ssl_pending != NULL ? pq->sslStruct(connection->pg, "OpenSSL") : NULL;
    return ssl != NULL && pq->ssl_pending(ssl) > 0;
}

void irx__pg_step(irx__pg_connection *connection, bool readable)
{
    const irx__libpq *pq = connection->pq;
    irx_error error;
    bool whole = true;

    if (readable) {
        whole = pq->consumeInput(connection->pg) != 0;
        connection->unread = whole && has_hidden_bytes(connection);
        if (connection->unread) {
            irx__pg_soon(connection);
        }
    }
    whole = whole && flush_out(connection, &error);
    /* Also of a connection that has just ended: the answer may have come before the end. */
    if (!take_results(connection) || !take_notifications(connection) || connection->has_failed) {
        return;
    }
    if (!whole || pq->status(connection->pg) == IRX_PQ_BAD) {
        explain_loss(connection, &error);
        irx__pg_fail_now(connection, &error);
    } else if (connection->busy &&
               received_by(connection->fd) > connection->received + ANSWER_MAX) {
        irx__error_set(&error, IRX_ETOOLARGE,
                       "%.160s: an answer is larger than 16 MiB: values and members' metadata of "
                       "many elections; less is asked at once from now on",
                       irx__pg_place_shown(connection->place));
        irx__pg_fail_now(connection, &error);
    }
}
