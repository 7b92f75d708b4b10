/* From a list of addresses to an open socket: one address after the other, the last one's error
 * told. Decides the socket's options and how long the way to an answering server may take. It must
 * never block, look a name up, or say a word to the server. */
#include "medium/redis_connection_internal.h"

#include "medium/medium.h"
#include "runtime/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static void set_option(int fd, int level, int option, int value)
{
    /* Each only makes a dead peer known sooner; without it the deadlines remain. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void set_tcp_options(const irx__redis_connection *connection, int fd)
{
    int seconds = (int)(connection->user_timeout_ms + 999) / 1000;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
#endif
#ifdef TCP_USER_TIMEOUT
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)connection->user_timeout_ms);
#endif
}

/* Makes a socket for the present address and begins to connect; 0 or an errno. */
static int begin_address(irx__redis_connection *connection)
{
    const struct sockaddr *address =
        (const struct sockaddr *)&connection->addresses.list[connection->address].address;
    socklen_t length = connection->addresses.list[connection->address].length;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return errno;
    }
    if (address->sa_family != AF_UNIX) {
        set_tcp_options(connection, fd);
    }
    if (connect(fd, address, length) != 0 && errno != EINPROGRESS) {
        int status = errno;
        close(fd);
        return status;
    }
    connection->fd = fd;
    ev_io_set(&connection->writing, fd, EV_WRITE);
    ev_io_start(connection->loop, &connection->writing);
    return 0;
}

/* Tries the addresses from the present one on; the last one's error is told, soon. */
static void try_addresses(irx__redis_connection *connection, int status)
{
    irx_error error;
    for (; connection->address < connection->addresses.count; connection->address++) {
        status = begin_address(connection);
        if (status == 0) {
            return;
        }
    }
    irx__error_set(&error, IRX_EUNREACHABLE, "%.160s: %s", connection->shown, strerror(status));
    irx__redis_fail(connection, &error);
}

void irx__redis_connected(irx__redis_connection *connection)
{
    int status = 0;
    socklen_t length = sizeof status;

    ev_io_stop(connection->loop, &connection->writing);
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &status, &length) != 0) {
        status = errno;
    }
    if (status != 0) {
        close(connection->fd);
        connection->fd = -1;
        connection->address++;
        try_addresses(connection, status);
        return;
    }
    if (!irx__redis_take_socket(connection)) {
        irx__redis_fail_with(connection, IRX_ENOMEM, "out of memory");
        return;
    }
    connection->state = IRX_REDIS_GREETING;
    ev_io_set(&connection->reading, connection->context->fd, EV_READ);
    ev_io_set(&connection->writing, connection->context->fd, EV_WRITE);
    ev_io_start(connection->loop, &connection->reading);
    connection->hooks->opened(connection->owner, connection);
}

void irx__redis_attempt_over(irx__redis_connection *connection)
{
    irx_error error;
    irx__error_set(&error, IRX_EUNREACHABLE, "%.160s: %s within %d s", connection->shown,
                   connection->state == IRX_REDIS_RESOLVING    ? "the host name was not looked up"
                   : connection->state == IRX_REDIS_CONNECTING ? "no connection was made"
                                                               : "the server did not answer",
                   (int)(IRX_CONNECT_LIMIT_NS / 1000000000));
    irx__redis_fail_now(connection, &error);
}

void irx__redis_open(irx__redis_connection *connection)
{
    connection->state = IRX_REDIS_RESOLVING;
    connection->serial++;
    ev_timer_set(&connection->attempt, (double)IRX_CONNECT_LIMIT_NS * 1e-9, 0.0);
    ev_now_update(connection->loop);
    ev_timer_start(connection->loop, &connection->attempt);
}

void irx__redis_connect(irx__redis_connection *connection, const irx__addresses *addresses)
{
    connection->state = IRX_REDIS_CONNECTING;
    connection->addresses = *addresses;
    connection->address = 0;
    try_addresses(connection, EADDRNOTAVAIL);
}

void irx__redis_ready(irx__redis_connection *connection)
{
    connection->state = IRX_REDIS_READY;
    ev_timer_stop(connection->loop, &connection->attempt);
}
