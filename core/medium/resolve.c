/* Looks up host names in a short-lived thread, since getaddrinfo may block for many seconds and the
 * loop renews leaderships. At most one look-up per medium is under way, however often somebody
 * asks, so a dead name server costs one waiting thread. Numeric addresses take the same way; they
 * are answered at once. Decides nothing about when to ask. It must never touch the loop from the
 * thread: a descriptor wakes it. */
#include "medium/resolve.h"

#include "runtime/error.h"

#include <errno.h>
#include <ev.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Shared by the loop and the thread; the last of the two to let go frees it. */
typedef struct lookup {
    atomic_int holders;
    atomic_bool done; /* what is below the descriptor is the loop's to read */
    pthread_mutex_t lock;
    int wake_fd; /* under the lock; the loop's own, which closes it: -1 once nobody waits */
    char host[256];
    char service[8];
    irx__addresses addresses;
    int status; /* of getaddrinfo */
} lookup;

struct irx__resolver {
    struct ev_loop *loop;
    ev_io wake;
    lookup *running;
    const char *host;
    uint16_t port;
    irx__resolved *resolved;
    void *owner;
};

static void let_go(lookup *job)
{
    if (atomic_fetch_sub(&job->holders, 1) == 1) {
        pthread_mutex_destroy(&job->lock);
        free(job);
    }
}

/* The loop waits no longer; the thread may still look. */
static void leave(lookup *job)
{
    pthread_mutex_lock(&job->lock);
    close(job->wake_fd);
    job->wake_fd = -1;
    pthread_mutex_unlock(&job->lock);
    let_go(job);
}

static void wake(lookup *job)
{
    pthread_mutex_lock(&job->lock);
    /* An eventfd that nobody wrote to takes one. */
    while (job->wake_fd >= 0 && eventfd_write(job->wake_fd, 1) != 0 && errno == EINTR) {
    }
    pthread_mutex_unlock(&job->lock);
}

static void *look_up(void *argument)
{
    lookup *job = argument;
    struct addrinfo hints;
    struct addrinfo *found = NULL;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    job->status = getaddrinfo(job->host, job->service, &hints, &found);
    if (job->status == 0) {
        irx__addresses *to = &job->addresses;
        for (struct addrinfo *each = found; each != NULL && to->count < IRX_ADDRESSES_MAX;
             each = each->ai_next) {
            if (each->ai_addrlen <= sizeof to->list[0].address) {
                memcpy(&to->list[to->count].address, each->ai_addr, each->ai_addrlen);
                to->list[to->count].length = each->ai_addrlen;
                to->count++;
            }
        }
        freeaddrinfo(found);
    }
    atomic_store(&job->done, true);
    wake(job);
    let_go(job);
    return NULL;
}

static void woken(struct ev_loop *loop, ev_io *watcher, int events)
{
    irx__resolver *resolver = watcher->data;
    lookup *job = resolver->running;
    irx_error why;
    (void)events;

    if (!atomic_load(&job->done)) {
        return;
    }
    ev_io_stop(loop, watcher);
    resolver->running = NULL;
    /* The callback may free the resolver: nothing of it is used after. */
    if (job->status == 0 && job->addresses.count > 0) {
        resolver->resolved(resolver->owner, &job->addresses, NULL);
    } else {
        irx__error_set(&why, IRX_EUNREACHABLE, "the host name \"%.200s\" has no address: %s",
                       job->host, gai_strerror(job->status == 0 ? EAI_NONAME : job->status));
        resolver->resolved(resolver->owner, NULL, &why);
    }
    leave(job);
}

irx__resolver *irx__resolver_new(struct ev_loop *loop, const char *host, uint16_t port,
                                 irx__resolved *resolved, void *owner)
{
    irx__resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver != NULL) {
        resolver->loop = loop;
        resolver->host = host;
        resolver->port = port;
        resolver->resolved = resolved;
        resolver->owner = owner;
    }
    return resolver;
}

/* The thread takes no signals: they belong to the application. */
static int start_thread(lookup *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int status = pthread_attr_init(&attributes);

    if (status != 0) {
        return status;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&thread, &attributes, look_up, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

int irx__resolver_ask(irx__resolver *resolver, irx_error *error)
{
    lookup *job;
    int status;

    if (resolver->running != NULL) {
        return 0;
    }
    job = calloc(1, sizeof *job);
    if (job == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a look-up of \"%.200s\"",
                              resolver->host);
    }
    job->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (job->wake_fd < 0) {
        status = errno;
        free(job);
        return irx__error_set(error, IRX_ESYSTEM, "no descriptor for a look-up of \"%.200s\": %s",
                              resolver->host, strerror(status));
    }
    snprintf(job->host, sizeof job->host, "%s", resolver->host);
    snprintf(job->service, sizeof job->service, "%u", (unsigned)resolver->port);
    atomic_init(&job->holders, 2);
    atomic_init(&job->done, false);
    pthread_mutex_init(&job->lock, NULL);
    status = start_thread(job);
    if (status != 0) {
        atomic_store(&job->holders, 1);
        leave(job);
        return irx__error_set(error, IRX_ESYSTEM, "no thread for a look-up of \"%.200s\": %s",
                              resolver->host, strerror(status));
    }
    resolver->running = job;
    ev_io_init(&resolver->wake, woken, job->wake_fd, EV_READ);
    resolver->wake.data = resolver;
    ev_io_start(resolver->loop, &resolver->wake);
    return 0;
}

void irx__resolver_free(irx__resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    if (resolver->running != NULL) {
        ev_io_stop(resolver->loop, &resolver->wake);
        leave(resolver->running);
    }
    free(resolver);
}

unsigned irx__user_timeout_ms(int64_t heartbeat_ns)
{
    int64_t ms = heartbeat_ns / 1000000 * 5;
    return (unsigned)(ms < 1000 ? 1000 : ms > 20000 ? 20000 : ms);
}
