/* The watch: who holds the advisory lock of a process is alive. A connection of its own waits for
 * each watched process, shared, so that the server itself wakes us when the process ends; whoever
 * is beyond the fourth is asked for every so often, all in one statement; so is everybody where the
 * server lacks the language in which a wait can end without an error. A wait is cut into rounds of
 * half a second: an endless one would hold VACUUM and CREATE INDEX CONCURRENTLY back. Decides
 * nothing: a lock that could be had is GONE, and CLAIM_IF_GONE looks again in the store. It must
 * never tell GONE for want of an answer. */
#include "medium/postgres_internal.h"

#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_S 5.0  /* how long a connection without work is kept for the next leader */
#define PAUSE_S 0.5 /* after a failure */

static irx__pg_line *asker(irx_medium *medium)
{
    return &medium->lines[IRX_PG_LINES];
}

static bool is_asker(const irx__pg_line *line)
{
    return line == asker(line->medium);
}

/* ---- who is watched ---------------------------------------------------------------------------
 */

static irx__pg_watched *find_watched(irx_medium *medium, irx_id process)
{
    for (size_t i = 0; i < medium->watched_count; i++) {
        if (irx_id_equal(medium->watched[i].process, process)) {
            return &medium->watched[i];
        }
    }
    return NULL;
}

static irx__pg_line *line_of(irx_medium *medium, irx_id process)
{
    for (int i = 0; i < IRX_PG_LINES; i++) {
        if (irx_id_equal(medium->lines[i].process, process)) {
            return &medium->lines[i];
        }
    }
    return NULL;
}

static size_t count_without_line(const irx_medium *medium)
{
    size_t count = 0;
    for (size_t i = 0; i < medium->watched_count; i++) {
        count += !medium->watched[i].has_line;
    }
    return count;
}

/* The smallest interval that a watching seat asks for. */
static double interval_s(const irx_medium *medium)
{
    int64_t least_ns = IRX_NEVER;
    for (const irx__pg_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
        if (seat->watching && seat->watch_every_ns < least_ns) {
            least_ns = seat->watch_every_ns;
        }
    }
    return least_ns == IRX_NEVER ? PAUSE_S : (double)least_ns * 1e-9;
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static bool has_work(const irx__pg_line *line)
{
    return is_asker(line) ? count_without_line(line->medium) > 0 : !irx_id_none(line->process);
}

static void start_timer(irx__pg_line *line, double after_s)
{
    ev_timer_stop(line->medium->config.loop, &line->timer);
    ev_timer_set(&line->timer, after_s, 0.0);
    ev_now_update(line->medium->config.loop);
    ev_timer_start(line->medium->config.loop, &line->timer);
}

static void ask_wait(irx__pg_line *line)
{
    char *text = irx__pg_wait_text(&line->medium->texts, line->process);
    if (text == NULL) {
        start_timer(line, PAUSE_S);
        return;
    }
    irx__pg_say(&line->connection, text);
    free(text);
}

/* `{id,id,…}` of all who have no line. */
static void ask_gone(irx__pg_line *line)
{
    const irx_medium *medium = line->medium;
    const irx__pg_statement statement = irx__pg_statement_of(medium, IRX_PG_GONE);
    char *list = malloc(medium->watched_count * 33 + 3);
    size_t used = 0;

    if (list == NULL) {
        start_timer(line, PAUSE_S);
        return;
    }
    for (size_t i = 0; i < medium->watched_count; i++) {
        if (!medium->watched[i].has_line) {
            list[used] = used == 0 ? '{' : ',';
            irx_id_print(medium->watched[i].process, list + used + 1);
            used += 33;
        }
    }
    list[used] = '}';
    list[used + 1] = '\0';
    irx__pg_ask(&line->connection, &statement, 1, (const char *const[]){list});
    free(list);
}

/* Does what is to be done next, from any state. */
static void advance(irx__pg_line *line)
{
    irx__pg_connection *connection = &line->connection;
    if (!has_work(line)) {
        if (connection->state != IRX_PG_CLOSED) {
            start_timer(line, IDLE_S);
        }
    } else if (connection->state == IRX_PG_CLOSED) {
        if (!ev_is_active(&line->timer)) {
            irx__pg_open(connection);
        }
    } else if (connection->state == IRX_PG_READY && !connection->busy) {
        ev_timer_stop(line->medium->config.loop, &line->timer);
        if (is_asker(line)) {
            ask_gone(line);
        } else {
            ask_wait(line);
        }
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    irx__pg_line *line = watcher->data;
    (void)loop;
    (void)events;
    if (has_work(line)) {
        advance(line);
    } else {
        irx__pg_close(&line->connection);
    }
}

/* Gives a line to whoever has none. Through a pooler nobody can wait: the session is not ours. */
static void assign_lines(irx_medium *medium)
{
    if (medium->pooled) {
        return;
    }
    for (size_t i = 0; i < medium->watched_count; i++) {
        irx__pg_watched *watched = &medium->watched[i];
        bool asked = watched->has_line || medium->asks_for_all;
        irx__pg_line *line = asked ? NULL : line_of(medium, (irx_id){0, 0});
        if (line != NULL) {
            watched->has_line = true;
            line->process = watched->process;
            advance(line);
        }
    }
    if (count_without_line(medium) > 0) {
        advance(asker(medium));
    }
}

/* A wait under way can not be called off without waiting; the connection is closed instead. */
static void release_line(irx_medium *medium, irx_id process)
{
    irx__pg_line *line = line_of(medium, process);
    if (line != NULL) {
        line->process = (irx_id){0, 0};
        if (line->connection.state != IRX_PG_READY || line->connection.busy) {
            irx__pg_close(&line->connection);
            ev_timer_stop(medium->config.loop, &line->timer);
        } else {
            advance(line);
        }
    }
}

/* The database has no PL/pgSQL, or not for us: nobody waits any more, all are asked for. */
static void give_lines_up(irx_medium *medium)
{
    medium->asks_for_all = true;
    for (size_t i = 0; i < medium->watched_count; i++) {
        medium->watched[i].has_line = false;
    }
    for (int i = 0; i < IRX_PG_LINES; i++) {
        medium->lines[i].process = (irx_id){0, 0};
        irx__pg_close(&medium->lines[i].connection);
        ev_timer_stop(medium->config.loop, &medium->lines[i].timer);
    }
    assign_lines(medium);
}

/* ---- seats ------------------------------------------------------------------------------------
 */

static void stop_watching(irx_medium *medium, irx__pg_seat *seat)
{
    irx__pg_watched *watched = find_watched(medium, seat->watched);
    seat->watching = false;
    watched->seats--;
    if (watched->seats == 0) {
        irx_id process = watched->process;
        *watched = medium->watched[--medium->watched_count];
        release_line(medium, process);
    }
}

void irx__pg_unwatch(irx_medium *medium, irx_seat *of)
{
    irx__pg_seat *seat = of->data;
    if (seat->watching) {
        stop_watching(medium, seat);
        assign_lines(medium);
    }
}

static irx__pg_watched *new_watched(irx_medium *medium, irx_id process)
{
    if (medium->watched_count == medium->watched_room) {
        size_t room = medium->watched_room * 2 + 8;
        irx__pg_watched *larger = realloc(medium->watched, room * sizeof *larger);
        if (larger == NULL) {
            return NULL;
        }
        medium->watched = larger;
        medium->watched_room = room;
    }
    medium->watched[medium->watched_count] = (irx__pg_watched){.process = process};
    return &medium->watched[medium->watched_count++];
}

void irx__pg_watch(irx_medium *medium, irx_seat *of, irx_id process, int64_t every_ns)
{
    irx__pg_seat *seat = of->data;
    irx__pg_watched *watched;

    if (seat->watching && irx_id_equal(seat->watched, process)) {
        seat->watch_every_ns = every_ns;
        return;
    }
    if (seat->watching) {
        stop_watching(medium, seat);
    }
    watched = find_watched(medium, process);
    if (watched == NULL) {
        watched = new_watched(medium, process);
    }
    if (watched == NULL) {
        irx_error error;
        irx__error_set(&error, IRX_ENOMEM, "%.160s: out of memory", medium->config.url->shown);
        irx__pg_fail(irx__pg_command(medium), &error);
        return;
    }
    watched->seats++;
    seat->watching = true;
    seat->watched = process;
    seat->watch_every_ns = every_ns;
    assign_lines(medium);
}

/* ---- what the lines tell ----------------------------------------------------------------------
 */

static void tell_gone(irx_medium *medium, irx_id process)
{
    const irx_sink *sink = &medium->config.sink;
    for (irx__pg_seat *seat = medium->seats; seat != NULL; seat = medium->cursor) {
        medium->cursor = seat->next;
        if (seat->watching && irx_id_equal(seat->watched, process)) {
            stop_watching(medium, seat);
            sink->gone(sink->owner, seat->seat, process);
        }
        if (medium->closed) {
            return;
        }
    }
    assign_lines(medium);
}

static void tell_all_gone(irx_medium *medium, const irx__pg_rows *rows)
{
    for (int row = 0; row < rows->rows && !medium->closed; row++) {
        size_t length = 0;
        const char *text = rows->columns < 1 ? NULL : rows->cell(rows->source, row, 0, &length);
        irx_id process;
        if (text != NULL && irx_id_parse(text, &process)) {
            tell_gone(medium, process);
        }
    }
}

static void opened(void *owner, irx__pg_connection *connection)
{
    const irx__pg_line *line = owner;
    irx__pg_settle(line->medium, connection, IRX_PG_WAIT_MS);
}

/* A round is over: t, the lock could be had, or f, the next one begins. */
static void waited(irx__pg_line *line, const irx__pg_rows *rows)
{
    size_t length = 0;
    const char *had =
        rows->rows == 1 && rows->columns == 1 ? rows->cell(rows->source, 0, 0, &length) : NULL;
    if (had == NULL || length != 1 || (had[0] != 't' && had[0] != 'f')) {
        irx_error error;
        irx__error_set(&error, IRX_EPROTOCOL, "%.160s gave an answer that makes no sense",
                       line->medium->config.url->shown);
        irx__pg_fail(&line->connection, &error);
    } else if (had[0] == 't' && !irx_id_none(line->process)) {
        tell_gone(line->medium, line->process);
    } else {
        advance(line);
    }
}

/* PL/pgSQL may be dropped from a database, or be kept from a role. */
static bool lacks_language(const irx__pg_line *line, const irx__pg_outcome *outcome)
{
    return !is_asker(line) && line->connection.state == IRX_PG_READY && outcome->rows == NULL &&
           (strcmp(outcome->sqlstate, "42704") == 0 || strcmp(outcome->sqlstate, "42501") == 0);
}

static void answered(void *owner, irx__pg_connection *connection, const irx__pg_outcome *outcome)
{
    irx__pg_line *line = owner;
    irx_medium *medium = line->medium;

    if (lacks_language(line, outcome)) {
        give_lines_up(medium);
    } else if (outcome->rows == NULL && strcmp(outcome->sqlstate, "55P03") != 0) {
        irx__pg_fail(connection, &outcome->why);
    } else if (connection->state != IRX_PG_READY) {
        irx__pg_ready(connection);
        advance(line);
    } else if (outcome->rows == NULL) {
        advance(line); /* somebody holds what any statement needs: the next round */
    } else if (is_asker(line)) {
        start_timer(line, interval_s(medium));
        tell_all_gone(medium, outcome->rows);
    } else {
        waited(line, outcome->rows);
    }
}

static void notified(void *owner, irx__pg_connection *connection, const char *channel,
                     const char *payload)
{
    (void)owner;
    (void)connection;
    (void)channel;
    (void)payload;
}

/* Tried again, quietly: the connection for commands has its own troubles to tell, and without a
 * watch a dead leader is missed when its lease has run out. */
static void failed(void *owner, irx__pg_connection *connection, const irx_error *why)
{
    irx__pg_line *line = owner;
    (void)connection;
    (void)why;
    if (has_work(line)) {
        start_timer(line, PAUSE_S);
    } else {
        ev_timer_stop(line->medium->config.loop, &line->timer);
    }
}

static void enter(void *owner)
{
    irx__pg_enter(((irx__pg_line *)owner)->medium);
}

static void leave(void *owner)
{
    irx__pg_leave(((irx__pg_line *)owner)->medium);
}

static const irx__pg_hooks hooks = {
    .opened = opened,
    .answered = answered,
    .notified = notified,
    .failed = failed,
    .enter = enter,
    .leave = leave,
};

/* ---- life -------------------------------------------------------------------------------------
 */

void irx__pg_watch_init(irx_medium *medium)
{
    for (int i = 0; i <= IRX_PG_LINES; i++) {
        irx__pg_line *line = &medium->lines[i];
        line->medium = medium;
        ev_init(&line->timer, on_timer);
        line->timer.data = line;
        irx__pg_connection_init(&line->connection, medium->config.loop, &hooks, line,
                                medium->place);
    }
}

void irx__pg_watch_close(irx_medium *medium)
{
    for (int i = 0; i <= IRX_PG_LINES; i++) {
        irx__pg_close(&medium->lines[i].connection);
        ev_timer_stop(medium->config.loop, &medium->lines[i].timer);
    }
}

void irx__pg_watch_forked(irx_medium *medium)
{
    for (int i = 0; i <= IRX_PG_LINES; i++) {
        irx__pg_forked(&medium->lines[i].connection);
    }
}
