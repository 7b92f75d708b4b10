/* See proxy.h. One thread, poll, and pairs of sockets. */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 64 };

struct proxy {
    pthread_t thread;
    int listener;
    int stop[2]; /* a pipe: closing the second end ends the thread */
    int port;
    int to_port;
    atomic_bool silent;
    atomic_uint connections;
    atomic_uint pieces;
    struct {
        int client;
        int server; /* -1: accepted in silence */
        bool ended; /* one side did, in silence: the other is not to know, until the silence is over
                     */
    } pairs[PAIRS_MAX];
    size_t count;
};

static struct sockaddr_in local(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void give_up(const char *what)
{
    perror(what);
    abort();
}

static void accept_one(proxy *p)
{
    const struct sockaddr_in to = local(p->to_port);
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = -1;
    if (client < 0)
        return;
    if (!atomic_load(&p->silent)) {
        server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(server, (const struct sockaddr *)&to, sizeof to) != 0) {
            close(server);
            close(client);
            return;
        }
    }
    if (p->count == PAIRS_MAX)
        give_up("too many connections for the proxy");
    p->pairs[p->count].client = client;
    p->pairs[p->count].server = server;
    p->pairs[p->count].ended = false;
    p->count++;
    atomic_fetch_add(&p->connections, 1);
}

/* False when that side ended. */
static bool forward(proxy *p, int from, int to, bool of_client)
{
    char bytes[65536];
    ssize_t length = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR;
    if (length == 0)
        return false;
    if (of_client)
        atomic_fetch_add(&p->pieces, 1);
    if (atomic_load(&p->silent) || to < 0)
        return true;
    for (ssize_t sent = 0; sent < length;) {
        ssize_t more = send(to, bytes + sent, (size_t)(length - sent), MSG_NOSIGNAL);
        if (more <= 0)
            return false;
        sent += more;
    }
    return true;
}

static void drop(proxy *p, size_t i)
{
    close(p->pairs[i].client);
    if (p->pairs[i].server >= 0)
        close(p->pairs[i].server);
    p->pairs[i] = p->pairs[--p->count];
}

static void *run(void *argument)
{
    proxy *p = argument;
    struct pollfd fds[2 + 2 * PAIRS_MAX];
    for (;;) {
        size_t count = p->count;
        fds[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = p->stop[0], .events = POLLIN};
        for (size_t i = 0; i < count; i++) {
            bool ended = p->pairs[i].ended;
            fds[2 + 2 * i] = (struct pollfd){ended ? -1 : p->pairs[i].client, POLLIN, 0};
            fds[3 + 2 * i] = (struct pollfd){ended ? -1 : p->pairs[i].server, POLLIN, 0};
        }
        if (poll(fds, 2 + 2 * count, 100) < 0 && errno != EINTR)
            give_up("poll");
        if (fds[1].revents != 0)
            return NULL;
        for (size_t i = count; i-- > 0;) {
            int client = p->pairs[i].client;
            int server = p->pairs[i].server;
            bool alive = !p->pairs[i].ended;
            if (fds[2 + 2 * i].revents != 0)
                alive = forward(p, client, server, true);
            if (alive && fds[3 + 2 * i].revents != 0)
                alive = forward(p, server, client, false);
            p->pairs[i].ended = !alive;
            if (!alive && !atomic_load(&p->silent))
                drop(p, i);
        }
        if (fds[0].revents != 0)
            accept_one(p);
    }
}

proxy *proxy_start(int to_port)
{
    proxy *p = calloc(1, sizeof *p);
    struct sockaddr_in address = local(0);
    socklen_t length = sizeof address;
    if (p == NULL)
        give_up("out of memory");
    p->to_port = to_port;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&address, length) != 0 ||
        listen(p->listener, 64) != 0 ||
        getsockname(p->listener, (struct sockaddr *)&address, &length) != 0 ||
        pipe2(p->stop, O_CLOEXEC) != 0)
        give_up("proxy");
    p->port = ntohs(address.sin_port);
    if (pthread_create(&p->thread, NULL, run, p) != 0)
        give_up("proxy thread");
    return p;
}

int proxy_port(const proxy *p)
{
    return p->port;
}

void proxy_silence(proxy *p, bool silent)
{
    atomic_store(&p->silent, silent);
}

unsigned proxy_connections(const proxy *p)
{
    return atomic_load(&p->connections);
}

unsigned proxy_pieces(const proxy *p)
{
    return atomic_load(&p->pieces);
}

void proxy_stop(proxy *p)
{
    close(p->stop[1]);
    pthread_join(p->thread, NULL);
    while (p->count > 0)
        drop(p, 0);
    close(p->stop[0]);
    close(p->listener);
    free(p);
}
