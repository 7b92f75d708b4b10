/* What the three files of a connection share, and nobody else calls. */
#ifndef IRX_REDIS_CONNECTION_INTERNAL_H
#define IRX_REDIS_CONNECTION_INTERNAL_H

#include "medium/redis_connection.h"

/* ---- redis_connection.c: how it ends ---- */

/* Both close and tell, by way of the hook, which is the last thing they do. */
void irx__redis_fail_now(irx__redis_connection *connection, const irx_error *why);
void irx__redis_fail_with(irx__redis_connection *connection, int code, const char *what);
/* What is queued leaves, or the failure that waits is told, once the loop's present round is over.
 */
void irx__redis_flush_soon(irx__redis_connection *connection);

/* ---- redis_open.c: from addresses to a socket ---- */

/* The socket is connected, or could not be. */
void irx__redis_connected(irx__redis_connection *connection);
/* The way from open to ready took too long. */
void irx__redis_attempt_over(irx__redis_connection *connection);

/* ---- redis_pipeline.c: requests and replies ---- */

/* Begins the pipeline on the connected socket; false without memory. */
bool irx__redis_take_socket(irx__redis_connection *connection);
void irx__redis_write_out(irx__redis_connection *connection);
void irx__redis_read_in(irx__redis_connection *connection);
void irx__redis_expire_requests(irx__redis_connection *connection);
/* Frees those that are awaited and tells them nothing. */
void irx__redis_drop_requests(irx__redis_connection *connection);

#endif
