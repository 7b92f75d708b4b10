/* Blocking conversations with a PostgreSQL server, or with what stands before one. */
#ifndef POSTGRES_SAY_H
#define POSTGRES_SAY_H

/* Connects (conninfo as libpq takes it), sends SQL, reads what the last statement answers, and
 * hangs up. Text to be freed: columns separated by |, rows by a line feed, NULL as nothing; an
 * error with a minus before it. Null where nobody lets us in; the reason is in *why then, to be
 * freed, unless `why` is null. Ends the test program where there is no libpq. */
char *postgres_say(const char *conninfo, const char *sql, char **why);

#endif
