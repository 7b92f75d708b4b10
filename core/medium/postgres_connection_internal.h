/* What the three files of a connection share, and nobody else calls. */
#ifndef IRX_POSTGRES_CONNECTION_INTERNAL_H
#define IRX_POSTGRES_CONNECTION_INTERNAL_H

#include "medium/postgres_connection.h"

/* ---- postgres_connection.c: how it ends ---- */

/* Closes and tells, by way of the hook, which is the last thing it does. */
void irx__pg_fail_now(irx__pg_connection *connection, const irx_error *why);
/* Its input is looked at, or the failure that waits is told, once the loop's present round is over.
 */
void irx__pg_soon(irx__pg_connection *connection);

/* ---- postgres_open.c: from a name to a session ---- */

/* The socket that libpq waits for is ready. */
void irx__pg_advance(irx__pg_connection *connection);
/* Half, or all, of the time for the way from open to ready is over. */
void irx__pg_attempt_over(irx__pg_connection *connection);

/* ---- postgres_ask.c: statements and what comes back ---- */

/* Takes what the server sent, sends what is left to send, and tells what is complete. `readable`:
 * there may be bytes in the socket. */
void irx__pg_step(irx__pg_connection *connection, bool readable);
/* Forgets the statement under way. */
void irx__pg_drop_statement(irx__pg_connection *connection);

#endif
