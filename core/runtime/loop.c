/* The background thread: wakes for descriptors, deadlines and the application, and hands each to
 * the file that knows what to do. It decides only what is due; it must never wait for the
 * application, hold its lock while asleep, or scan all elections to find one. */
#include "runtime/loop.h"

#include "runtime/clock.h"
#include "runtime/drive.h"
#include "runtime/error.h"
#include "runtime/hub.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct irx__errand {
    irx__errand *next;
    int (*work)(void *argument);
    void *argument;
    int result;
    bool done;
};

/* ---- asking the loop thread -------------------------------------------------------------------
 */

static void wake(irx__loop *loop)
{
    if (!atomic_exchange(&loop->woken, true))
        eventfd_write(loop->wake_fd, 1);
}

void irx__loop_poke(irx__loop *loop, irx_election *election)
{
    if (!irx__drive_mark(election))
        return; /* in the inbox already */
    irx_election *head = atomic_load(&loop->inbox);
    do {
        irx__drive_link(election, head);
    } while (!atomic_compare_exchange_weak(&loop->inbox, &head, election));
    wake(loop);
}

int irx__loop_call(irx__loop *loop, int (*work)(void *argument), void *argument)
{
    irx__errand call = {.work = work, .argument = argument};
    pthread_mutex_lock(&loop->calls_lock);
    irx__errand **link = &loop->calls;
    while (*link)
        link = &(*link)->next;
    *link = &call;
    wake(loop);
    while (!call.done)
        pthread_cond_wait(&loop->called, &loop->calls_lock);
    pthread_mutex_unlock(&loop->calls_lock);
    return call.result;
}

/* ---- on the loop thread -----------------------------------------------------------------------
 */

void irx__loop_empty_inbox(irx__loop *loop)
{
    irx_election *election = atomic_exchange(&loop->inbox, NULL);
    while (election) {
        irx_election *next = irx__drive_unmark(election);
        irx__drive_obey(election);
        election = next;
    }
}

static bool answer_calls(irx__loop *loop, irx__errand *calls)
{
    while (calls) {
        irx__errand *call = calls;
        calls = call->next;
        int result = call->work(call->argument);
        pthread_mutex_lock(&loop->calls_lock);
        call->result = result;
        call->done = true;
        pthread_cond_broadcast(&loop->called);
        pthread_mutex_unlock(&loop->calls_lock);
    }
    pthread_mutex_lock(&loop->calls_lock);
    bool ending = loop->ending;
    pthread_mutex_unlock(&loop->calls_lock);
    return ending;
}

static void on_wake(struct ev_loop *ev, struct ev_io *watcher, int events)
{
    (void)events;
    irx__loop *loop = watcher->data;
    eventfd_t ignored;
    eventfd_read(loop->wake_fd, &ignored);
    atomic_store(&loop->woken, false); /* what comes from here on wakes anew */
    pthread_mutex_lock(&loop->calls_lock);
    irx__errand *calls = loop->calls;
    loop->calls = NULL;
    pthread_mutex_unlock(&loop->calls_lock);
    irx__loop_empty_inbox(loop);
    if (answer_calls(loop, calls))
        ev_break(ev, EVBREAK_ALL);
}

/* Steps who was due when the pass began, each once: who is due again at once waits for the next
 * turn of the loop, so that descriptors get theirs. */
static void on_timer(struct ev_loop *ev, struct ev_io *watcher, int events)
{
    (void)ev;
    (void)events;
    irx__loop *loop = watcher->data;
    uint64_t ignored;
    if (read(loop->timer_fd, &ignored, sizeof ignored) < 0 && errno != EAGAIN)
        abort(); /* a timer that can not be read would be a loop that never sleeps */
    loop->armed_ns = IRX_NEVER;
    int64_t now_ns = irx__clock_boot_ns();
    for (size_t left = loop->deadlines.count; left > 0; left--) {
        irx__due *first = irx__heap_first(&loop->deadlines);
        if (!first || first->at_ns > now_ns)
            break;
        irx__drive_due(first);
    }
}

static void on_prepare(struct ev_loop *ev, struct ev_prepare *watcher, int events)
{
    (void)ev;
    (void)events;
    irx__loop *loop = watcher->data;
    irx__due *first = irx__heap_first(&loop->deadlines);
    int64_t at_ns = first ? first->at_ns : IRX_NEVER;
    if (at_ns == loop->armed_ns)
        return;
    struct itimerspec at = {{0, 0}, {0, 0}}; /* stands still */
    if (at_ns != IRX_NEVER) {
        int64_t whole_ns = at_ns > 1 ? at_ns : 1; /* 0 would stop it */
        at.it_value.tv_sec = (time_t)(whole_ns / 1000000000);
        at.it_value.tv_nsec = (long)(whole_ns % 1000000000);
    }
    timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    loop->armed_ns = at_ns;
}

static void before_sleep(struct ev_loop *ev) EV_NOEXCEPT
{
    irx__loop *loop = ev_userdata(ev);
    pthread_mutex_unlock(&loop->lock);
}

static void after_sleep(struct ev_loop *ev) EV_NOEXCEPT
{
    irx__loop *loop = ev_userdata(ev);
    pthread_mutex_lock(&loop->lock);
}

static void *run(void *argument)
{
    irx__loop *loop = argument;
    pthread_mutex_lock(&loop->lock);
    ev_run(loop->ev, 0);
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void free_loop(irx__loop *loop)
{
    if (loop->ev)
        ev_loop_destroy(loop->ev);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    pthread_mutex_destroy(&loop->calls_lock);
    pthread_cond_destroy(&loop->called);
    irx__heap_free(&loop->deadlines);
    free(loop);
}

static int start_thread(irx__loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the application's */
    int failed = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        pthread_setname_np(loop->thread, "interrex");
    return failed;
}

static void watch(irx__loop *loop)
{
    ev_set_userdata(loop->ev, loop);
    ev_set_loop_release_cb(loop->ev, before_sleep, after_sleep);
    ev_io_init(&loop->timer, on_timer, loop->timer_fd, EV_READ);
    ev_io_init(&loop->wake, on_wake, loop->wake_fd, EV_READ);
    ev_prepare_init(&loop->arm, on_prepare);
    loop->timer.data = loop->wake.data = loop->arm.data = loop;
    ev_io_start(loop->ev, &loop->timer);
    ev_io_start(loop->ev, &loop->wake);
    ev_prepare_start(loop->ev, &loop->arm);
}

int irx__loop_start(irx__loop **loop, irx_error *error)
{
    irx__loop *made = calloc(1, sizeof *made);
    if (!made)
        return irx__error_set(error, IRX_ENOMEM, "no memory for the background thread");
    pthread_mutex_init(&made->lock, NULL);
    pthread_mutex_init(&made->calls_lock, NULL);
    pthread_cond_init(&made->called, NULL);
    irx__random(&made->phase_ns, sizeof made->phase_ns);
    made->phase_ns &= INT64_MAX;
    made->armed_ns = IRX_NEVER;
    made->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    made->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made->timer_fd >= 0 && made->wake_fd >= 0)
        made->ev = ev_loop_new(EVFLAG_NOENV | EVFLAG_NOSIGMASK);
    if (made->ev)
        watch(made);
    int failed = made->ev ? start_thread(made) : errno;
    if (failed) {
        free_loop(made);
        return irx__error_set(error, IRX_ESYSTEM, "no background thread: %s", strerror(failed));
    }
    *loop = made;
    return 0;
}

void irx__loop_end(irx__loop *loop)
{
    pthread_mutex_lock(&loop->calls_lock);
    loop->ending = true;
    pthread_mutex_unlock(&loop->calls_lock);
    wake(loop);
    pthread_join(loop->thread, NULL);
    free_loop(loop);
}

void irx__loop_forked(irx__loop *loop)
{
    for (irx__hub *hub = loop->hubs; hub; hub = hub->next)
        hub->class->forked(hub->medium);
    close(loop->timer_fd);
    close(loop->wake_fd);
    ev_loop_destroy(loop->ev); /* closes what it polls with, and touches no watcher's descriptor */
    loop->ev = NULL;
}
