/* A session of a test's own at a PostgreSQL server, which asks the medium's statements one at a
 * time and blocks, or leaves one waiting: so that a test decides who comes when. */
#ifndef POSTGRES_SESSION_H
#define POSTGRES_SESSION_H

#include "medium/postgres_connection.h"

typedef struct postgres_session postgres_session;

/* Any failure ends the test program. `user` null: postgres. */
postgres_session *postgres_session_open(int port, const char *user);
void postgres_session_close(postgres_session *session);

int postgres_session_pid(const postgres_session *session); /* of the server's process */

void postgres_session_send(postgres_session *session, const char *text, int count,
                           const char *const *values);
/* Null where it was refused. Valid until the next one. */
const irx__pg_rows *postgres_session_receive(postgres_session *session);
/* Both. */
const irx__pg_rows *postgres_session_ask(postgres_session *session, const char *text, int count,
                                         const char *const *values);
/* Sends one or more statements without parameters; then receive. */
void postgres_session_begin(postgres_session *session, const char *text);
/* One or more statements; the last one's first cell, or an error with a minus before it. Valid
 * until the next one. */
const char *postgres_session_say(postgres_session *session, const char *text);
/* Why the last one was refused: "42501: permission denied ...". */
const char *postgres_session_error(const postgres_session *session);

/* Waits until `other` waits for a lock. */
void postgres_session_await_lock(postgres_session *session, const postgres_session *other);
/* How many notifications came on this channel since the last call, whose text is then the last
 * one's; asks the server first, so that none is under way. */
int postgres_session_heard(postgres_session *session, const char *channel);

#endif
