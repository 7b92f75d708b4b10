/* What is said first on a new connection: what is there and what we may, the table where it is
 * missing, how the session behaves; then, for presence, the lock and the subscriptions. Decides
 * when a channel is up, and which servers are refused: standbys, those that lack the table or a
 * right a claim will need, and for presence those behind a pooler. */
#include "medium/postgres_internal.h"
#include "runtime/error.h"

#include <stdio.h>
#include <string.h>

/* ---- the session ------------------------------------------------------------------------------
 */

void irx__pg_settle(irx_medium *medium, irx__pg_connection *connection, int64_t lock_ms)
{
    const irx__pg_statement settings = irx__pg_statement_of(medium, IRX_PG_SETTINGS);
    int64_t silent_ms = medium->config.heartbeat_ns / 1000000 * 5;
    char lock[24];
    char silent[24];

    snprintf(lock, sizeof lock, "%lld", (long long)lock_ms);
    snprintf(silent, sizeof silent, "%lld", (long long)(silent_ms < 1000 ? 1000 : silent_ms));
    irx__pg_ask(connection, &settings, 2, (const char *const[]){lock, silent});
}

/* While one election's row is waited for, no other of the process is asked for: several such waits
 * must fit in an operation's limit, which is at least one heartbeat. */
static int64_t lock_ms(const irx_medium *medium)
{
    int64_t part_ms = medium->config.heartbeat_ns / 6000000;
    return part_ms > 0 ? part_ms : 1;
}

/* ---- what is there ----------------------------------------------------------------------------
 */

void irx__pg_pooler_error(const irx_medium *medium, irx_error *error)
{
    irx__error_set(error, IRX_EUNSUPPORTED,
                   "%.120s: this is a pooler: leaders are elected through it, but one that dies is "
                   "missed only when its lease runs out, and no message arrives; for that name the "
                   "server itself in the URL",
                   medium->config.url->shown);
}

void irx__pg_greet(irx_medium *medium, irx_channel channel)
{
    irx__pg_connection *connection = &medium->connections[channel];
    const irx__pg_statement look = irx__pg_statement_of(medium, IRX_PG_CONNECT);
    medium->steps[channel] = IRX_PG_STEP_LOOK;
    irx__pg_ask(connection, &look, 0, NULL);
}

static int refuse(const irx_medium *medium, const irx__pg_greeting *greeting, irx_error *error)
{
    const char *shown = medium->config.url->shown;
    const char *ledger = medium->texts.ledger;
    if (greeting->standby) {
        return irx__error_set(error, IRX_EUNAVAILABLE,
                              "%.120s: this server is a standby (pg_is_in_recovery): name the "
                              "primary, or several hosts with target_session_attrs=read-write",
                              shown);
    }
    if (greeting->ledger_oid == 0) {
        return irx__error_set(error, IRX_EFOREIGN,
                              "%.100s: there is no table %.130s%s: have its owner run what "
                              "irx_schema() prints for that schema and namespace",
                              shown, ledger,
                              medium->config.create_table ? "" : ", and create_table is false");
    }
    if (strncmp(greeting->missing, "column ", strlen("column ")) == 0) {
        return irx__error_set(error, IRX_EFOREIGN,
                              "%.120s: the table %.80s is not one of ours: it has no %.70s of our "
                              "type; use another namespace or schema, or drop the table",
                              shown, ledger, greeting->missing);
    }
    if (greeting->missing[0] != '\0') {
        return irx__error_set(
            error, IRX_EAUTH,
            "%.100s: the role lacks the right %.10s: have the owner of %.60s run %.190s", shown,
            greeting->missing, ledger, greeting->remedy);
    }
    return 0;
}

/* The table is missing, and the server does not let us make it. */
static void refuse_creation(const irx_medium *medium, const irx__pg_greeting *greeting,
                            irx_error *error)
{
    irx__error_set(error, IRX_EAUTH,
                   "%.80s: there is no table %.50s, and the role may not make it: run %.120s, or "
                   "have its owner run what irx_schema() prints",
                   medium->config.url->shown, medium->texts.ledger, greeting->remedy);
}

static void command_ready(irx_medium *medium)
{
    const irx_sink *sink = &medium->config.sink;
    medium->steps[IRX_CHANNEL_COMMAND] = IRX_PG_STEP_DONE;
    medium->planned = 0;
    irx__pg_ready(irx__pg_command(medium));
    irx__pg_later(medium);
    sink->up(sink->owner, IRX_CHANNEL_COMMAND, medium->generation[IRX_CHANNEL_COMMAND],
             medium->epoch);
}

/* What was found will do. */
static void go_on(irx_medium *medium, irx_channel channel)
{
    const irx__pg_greeting *greeting = &medium->greetings[channel];
    const irx_sink *sink = &medium->config.sink;

    if (greeting->ledger_oid != medium->ledger_oid) {
        medium->ledger_oid = greeting->ledger_oid;
        irx__pg_ears_rename(medium);
    }
    if (channel == IRX_CHANNEL_PRESENCE) {
        medium->steps[channel] = IRX_PG_STEP_PRESENCE;
        irx__pg_listen_all(medium);
        return;
    }
    medium->epoch = greeting->epoch;
    if (sink->promise != NULL) {
        bool whole = greeting->durable && !irx__pg_place_is_plural(medium->place);
        sink->promise(sink->owner, whole ? IRX_GUARANTEE_EXCLUSIVE : IRX_GUARANTEE_TERM);
    }
    command_ready(medium);
}

/* The session is settled, or is not ours to settle: is there all that we need? */
static void judge(irx_medium *medium, irx_channel channel, bool made)
{
    irx__pg_connection *connection = &medium->connections[channel];
    const irx__pg_greeting *greeting = &medium->greetings[channel];
    irx_error error;

    if (greeting->ledger_oid == 0 && !greeting->standby && medium->config.create_table && !made) {
        medium->steps[channel] = IRX_PG_STEP_CREATE;
        irx__pg_say(connection, medium->texts.creation);
    } else if (refuse(medium, greeting, &error) != 0) {
        irx__pg_fail(connection, &error);
    } else {
        go_on(medium, channel);
    }
}

/* The first look: a setting would stay with somebody else's session behind a pooler. */
static void recognise(irx_medium *medium, irx_channel channel)
{
    irx__pg_connection *connection = &medium->connections[channel];
    irx_error error;

    connection->pooled = medium->greetings[channel].backend != connection->backend;
    if (channel == IRX_CHANNEL_COMMAND) {
        medium->pooled = connection->pooled;
    }
    if (!connection->pooled) {
        medium->steps[channel] = IRX_PG_STEP_SETTINGS;
        irx__pg_settle(medium, connection, lock_ms(medium));
    } else if (channel == IRX_CHANNEL_PRESENCE) {
        irx__pg_pooler_error(medium, &error);
        irx__pg_fail(connection, &error);
    } else {
        judge(medium, channel, false);
    }
}

static void looked(irx_medium *medium, irx_channel channel, const irx__pg_rows *rows)
{
    irx_error error;
    if (irx__pg_read_greeting(rows, &medium->greetings[channel], &error) != 0) {
        irx__pg_fail(&medium->connections[channel], &error);
    } else if (medium->steps[channel] == IRX_PG_STEP_LOOK_AGAIN) {
        judge(medium, channel, true);
    } else {
        recognise(medium, channel);
    }
}

void irx__pg_greeted(irx_medium *medium, irx_channel channel, const irx__pg_outcome *outcome)
{
    irx__pg_connection *connection = &medium->connections[channel];
    const irx__pg_statement look = irx__pg_statement_of(medium, IRX_PG_CONNECT);
    const irx_sink *sink = &medium->config.sink;

    if (outcome->rows == NULL) {
        irx_error why = outcome->why;
        bool forbidden = why.code == IRX_EAUTH || strcmp(outcome->sqlstate, "3F000") == 0;
        if (medium->steps[channel] == IRX_PG_STEP_CREATE && forbidden) {
            refuse_creation(medium, &medium->greetings[channel], &why);
        }
        irx__pg_fail(connection, &why);
        return;
    }
    switch (medium->steps[channel]) {
    case IRX_PG_STEP_LOOK:
    case IRX_PG_STEP_LOOK_AGAIN: looked(medium, channel, outcome->rows); return;
    case IRX_PG_STEP_CREATE:
        medium->steps[channel] = IRX_PG_STEP_LOOK_AGAIN;
        irx__pg_ask(connection, &look, 0, NULL);
        return;
    case IRX_PG_STEP_SETTINGS: judge(medium, channel, false); return;
    case IRX_PG_STEP_PRESENCE:
        medium->steps[channel] = IRX_PG_STEP_DONE;
        irx__pg_ready(connection);
        irx__pg_listening(medium, true);
        sink->up(sink->owner, channel, medium->generation[channel], medium->process);
        return;
    case IRX_PG_STEP_DONE: return;
    }
}
