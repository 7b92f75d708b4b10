/* A redis-server of a test's own: a free port, a private directory, stopped by its process id. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <stdbool.h>

typedef struct redis_server redis_server;

/* Starts one and waits until it answers. `extra` are further arguments, ended by null; may be null.
 * It dies with the test. Any failure ends the test program: there is nothing to test then. */
redis_server *redis_server_start(const char *const extra[]);

int redis_server_port(const redis_server *server);
const char *redis_server_directory(const redis_server *server);
const char *redis_server_url(const redis_server *server); /* redis://127.0.0.1:port */
const char *
redis_server_socket_url(const redis_server *server); /* redis+socket:///directory/redis.sock */

/* One command, printf-formatted as by hiredis, on a connection of its own; the reply as text (an
 * error with its minus, a list separated by blanks), valid until the next call. */
const char *redis_server_say(redis_server *server, const char *format, ...);

void redis_server_signal(redis_server *server, int signal); /* SIGSTOP, SIGCONT */
void redis_server_kill(redis_server *server);               /* SIGKILL, and waits for its end */
void redis_server_shutdown(redis_server *server);           /* SIGTERM, and waits for its end */
/* On the same port and directory, after one of the two. With `wait` false it may still be loading.
 */
void redis_server_restart(redis_server *server, bool wait);

/* Ends it and removes its directory. Null is fine. */
void redis_server_stop(redis_server *server);

#endif
