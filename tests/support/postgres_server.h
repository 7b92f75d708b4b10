/* A PostgreSQL server of a test's own: a free port, a private directory, nothing left of it. As
 * root it runs as the user nobody. */
#ifndef POSTGRES_SERVER_H
#define POSTGRES_SERVER_H

#include <stdbool.h>

typedef struct postgres_server postgres_server;

typedef struct postgres_options {
    int max_connections;      /* 0: 50 */
    bool no_fsync;            /* fsync is on otherwise, as the guarantee asks for it */
    bool secure;              /* TCP by TLS and a scram password only; see postgres_server_url */
    const char *const *extra; /* settings as "name = 'value'", ended by null; may be null */
} postgres_options;

/* Starts one and waits until it answers; null is the default. It ends, and its directory with it,
 * when the test program ends. Any failure ends the test program, with the server's log: there is
 * nothing to test then. Its superuser is called postgres, as is its database. */
postgres_server *postgres_server_start(const postgres_options *options);

/* A standby that streams from `primary`, ready to answer. With `synchronous` commits wait for it,
 * so before it is stopped commits must be told not to: postgres_server_stop of a standby does that,
 * while the primary answers. */
postgres_server *postgres_server_standby(postgres_server *primary, bool synchronous);
/* Waits until the standby has replayed what its primary has written so far. */
void postgres_server_catch_up(postgres_server *standby);
/* Waits until it takes writes. */
void postgres_server_promote(postgres_server *standby);

int postgres_server_port(const postgres_server *server);
const char *postgres_server_directory(const postgres_server *server);
/* postgres://postgres@127.0.0.1:port/postgres, or if secure
 * postgres://postgres:secret@localhost:port/postgres?sslmode=verify-full&sslrootcert=... */
const char *postgres_server_url(const postgres_server *server);
/* By its socket, and without a password: postgres://postgres@/postgres?host=/directory&port=... */
const char *postgres_server_socket_url(const postgres_server *server);
/* Of the postmaster. */
int postgres_server_pid(const postgres_server *server);

/* One or more statements, printf-formatted, on a connection of its own by the socket; what the last
 * one answers, valid until the next call: columns separated by |, rows by a line feed, an error
 * with a minus before it. */
const char *postgres_server_say(postgres_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says that again and again until the answer is this one; after a long while the test fails. */
void postgres_server_await(postgres_server *server, const char *expected, const char *sql);

/* To the postmaster alone: a stopped one takes no new connections, the others go on. */
void postgres_server_signal(postgres_server *server, int signal);
/* SIGSTOP or SIGCONT to all of its processes: a server that is silent. */
void postgres_server_signal_all(postgres_server *server, int signal);
void postgres_server_kill(postgres_server *server); /* SIGKILL to all, and waits for their end */
/* Waits for its end. Immediate is without a checkpoint: it recovers at its next start. */
void postgres_server_shutdown(postgres_server *server, bool immediate);
/* On the same port and directory, after one of the two; waits until it answers. */
void postgres_server_restart(postgres_server *server);

/* Ends it and removes its directory. Null is fine. */
void postgres_server_stop(postgres_server *server);

#endif
