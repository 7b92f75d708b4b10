/* The statements that a take-over waits for are planned before they are needed: to parse and plan a
 * claim takes the server longer than to carry it out, and who claims has never claimed before.
 * Decides which statements these are. It must never run one of them, nor keep an operation waiting
 * for more than the one that is being planned. */
#include "medium/postgres_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned early[] = {IRX_OP_CLAIM_IF_GONE, IRX_OP_CLAIM, IRX_OP_RELEASE};

enum { EARLY = sizeof early / sizeof early[0], TEXT_MAX = 512 };

/* The highest $n. */
static int count_parameters(const char *text)
{
    long most = 0;
    for (const char *at = strchr(text, '$'); at != NULL; at = strchr(at + 1, '$')) {
        long number = strtol(at + 1, NULL, 10);
        most = number > most ? number : most;
    }
    return (int)most;
}

/* EXPLAIN makes the plan that the session keeps, and carries nothing out. */
static void ask_plan(irx__pg_connection *connection, const irx__pg_statement *statement)
{
    char name[IRX_PG_PREPARED_MAX];
    char text[TEXT_MAX];
    int count = count_parameters(statement->text);
    int used;

    irx__pg_prepared_name(connection, statement->number, name);
    used = snprintf(text, sizeof text, "EXPLAIN EXECUTE %s (NULL", name);
    for (int i = 1; i < count && used < TEXT_MAX - 8; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, ", NULL");
    }
    snprintf(text + used, sizeof text - (size_t)used, ")");
    irx__pg_say(connection, text);
}

void irx__pg_plan_ahead(irx_medium *medium)
{
    irx__pg_connection *connection = irx__pg_command(medium);

    while (connection->state == IRX_PG_READY && !connection->pooled && !connection->busy &&
           medium->planned < 2 * EARLY) {
        const irx__pg_statement statement =
            irx__pg_statement_of(medium, early[medium->planned / 2]);
        bool known = irx__pg_is_prepared(connection, statement.number);
        bool to_plan = medium->planned % 2 != 0;
        medium->planned++;
        if (!to_plan && known) {
            medium->planned++; /* it was asked meanwhile, and so is planned */
        } else if (!to_plan) {
            irx__pg_prepare(connection, &statement);
        } else if (known) {
            ask_plan(connection, &statement);
        }
    }
}
