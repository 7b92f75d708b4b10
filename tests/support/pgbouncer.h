/* A pgbouncer before a PostgreSQL server of a test's own. As root it runs as the user nobody. */
#ifndef PGBOUNCER_H
#define PGBOUNCER_H

#include "postgres_server.h"

typedef struct pgbouncer pgbouncer;

/* `mode` is transaction, session or statement; `extra` are further settings, "name = value", ended
 * by null; may be null. It waits until a query gets through, and ends when the test program ends.
 * Any failure ends the test program, with the pooler's log. Whoever comes is postgres, at the
 * server and at the console, the database pgbouncer. */
pgbouncer *pgbouncer_start(const postgres_server *server, const char *mode,
                           const char *const extra[]);
int pgbouncer_port(const pgbouncer *pooler);
const char *
pgbouncer_url(const pgbouncer *pooler); /* postgres://postgres@127.0.0.1:port/postgres */

/* Through it to a database, or to its console; as postgres_server_say. */
const char *pgbouncer_say(pgbouncer *pooler, const char *database, const char *sql);

/* Ends it, and clients notice at once. Null is fine. */
void pgbouncer_stop(pgbouncer *pooler);

#endif
