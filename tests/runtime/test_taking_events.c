/* How an application hears: by waiting, by a descriptor in its own poll, by a callback that pokes
 * it. */
#include "cmocka_all.h"
#include "handles.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static bool becomes_readable(int fd, int wait_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, wait_ms) == 1;
}

static void the_descriptor_follows_the_queue(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:events", "x", NULL);
    int fd = irx_election_event_fd(e);
    assert_true(fd >= 0);
    assert_int_equal(irx_election_event_fd(e), fd);
    assert_false(becomes_readable(fd, 20));
    irx_election_start(e);
    for (bool elected = false; !elected;) {
        assert_true(becomes_readable(fd, PATIENCE_MS));
        irx_event *event;
        while (irx_election_next_event(e, &event, 0) == 0) {
            elected = elected || event->kind == IRX_ELECTED;
            irx_event_free(event);
        }
    }
    await_leading(e);
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    assert_false(becomes_readable(fd, 20)); /* nothing comes after stopped */
    irx_election_close(e);
}

typedef struct listener {
    pthread_t thread;
    _Atomic int calls;
} listener;

static void listen_to(void *argument)
{
    listener *who = argument;
    who->thread = pthread_self();
    atomic_fetch_add(&who->calls, 1);
}

static void await_calls(listener *who, int calls)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (atomic_load(&who->calls) < calls && now_ms() < until_ms)
        sleep_ms(1);
    assert_true(atomic_load(&who->calls) >= calls);
}

/* Once when events begin to wait, not for each; again when they do so again. Always on the
 * background thread. */
static void the_callback_is_called_when_events_begin_to_wait(void **state)
{
    (void)state;
    static listener who;
    irx_election *e = open_election("memory:events", "x", NULL);
    assert_int_equal(irx_election_on_ready(e, listen_to, &who), 0);
    sleep_ms(20);
    assert_int_equal(atomic_load(&who.calls), 0);
    irx_election_start(e);
    await_leading(e);
    await_calls(&who, 1);
    sleep_ms(20);
    assert_int_equal(atomic_load(&who.calls), 1); /* though half a dozen events wait */
    assert_true(no_event_waits(e, IRX_STOPPED));
    irx_election_stop(e);
    await_calls(&who, 2);
    assert_false(pthread_equal(who.thread, pthread_self()));
    assert_int_equal(irx_election_on_ready(e, NULL, NULL), 0);
    int calls = atomic_load(&who.calls);
    expect_event(e, IRX_STOPPED);
    irx_election_start(e);
    await_leading(e);
    assert_int_equal(atomic_load(&who.calls), calls);
    irx_election_close(e);
}

/* Events that waited before there was a callback are not forgotten. */
static void a_late_callback_is_called_too(void **state)
{
    (void)state;
    static listener who;
    irx_election *e = open_election("memory:events", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_election_on_ready(e, listen_to, &who);
    await_calls(&who, 1);
    irx_election_close(e);
}

static _Atomic bool inside;
static _Atomic bool ended_inside;

static void take_long(void *argument)
{
    (void)argument;
    atomic_store(&inside, true);
    sleep_ms(100);
    atomic_store(&ended_inside, true);
}

/* When the call that takes it away returns, none is under way. */
static void a_callback_is_taken_away_for_good(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:events", "x", NULL);
    irx_election_on_ready(e, take_long, NULL);
    irx_election_start(e);
    while (!atomic_load(&inside))
        sleep_ms(1);
    irx_election_on_ready(e, NULL, NULL);
    assert_true(atomic_load(&ended_inside));
    irx_election_close(e);
}

static void an_application_that_sleeps_stalls_nobody(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:events", "x", NULL);
    uint64_t rounds = 60;
    for (uint64_t i = 0; i < rounds; i++) {
        irx_election_start(e);
        await_leading(e);
        irx_election_stop(e);
        irx_status status;
        do {
            sleep_ms(1);
            irx_election_status(e, &status);
        } while (status.role != IRX_ROLE_STOPPED);
    }
    irx_metrics metrics;
    irx_election_metrics(e, &metrics);
    assert_int_equal(metrics.elected, rounds);
    assert_int_equal(metrics.defeated, rounds);
    assert_true(metrics.events_dropped > 0);
    irx_event *event;
    assert_int_equal(irx_election_next_event(e, &event, 0), 0);
    assert_int_equal(event->kind, IRX_WARNING);
    assert_int_equal(event->error.code, IRX_EOVERFLOW);
    irx_event_free(event);
    int open_leaderships = 0;
    irx_happening last = IRX_STARTED;
    while (irx_election_next_event(e, &event, 0) == 0) {
        open_leaderships += event->kind == IRX_ELECTED;
        open_leaderships -= event->kind == IRX_DEFEATED;
        assert_true(open_leaderships == 0 || open_leaderships == 1);
        last = event->kind;
        irx_event_free(event);
    }
    assert_int_equal(open_leaderships, 0);
    assert_int_equal(last, IRX_STOPPED);
    irx_election_close(e);
}

static void a_silent_election_times_the_waiter_out(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:events", "x", NULL);
    irx_event *event = (irx_event *)1;
    int64_t begun_ms = now_ms();
    assert_int_equal(irx_election_next_event(e, &event, 40), IRX_ETIMEOUT);
    assert_null(event);
    assert_true(now_ms() - begun_ms >= 39);
    irx_election_close(e);
}

static _Atomic int signals;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

/* Signals are the application's: the background thread takes none. */
static void the_background_thread_takes_no_signals(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:events", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    struct sigaction action = {.sa_handler = count_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    sigset_t blocked, mask;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, &mask);
    kill(getpid(), SIGUSR1); /* to whichever thread would take it */
    sleep_ms(50);
    assert_int_equal(atomic_load(&signals), 0);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    assert_int_equal(atomic_load(&signals), 1);
    sigaction(SIGUSR1, &before, NULL);
    irx_election_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_descriptor_follows_the_queue),
        cmocka_unit_test(the_callback_is_called_when_events_begin_to_wait),
        cmocka_unit_test(a_late_callback_is_called_too),
        cmocka_unit_test(a_callback_is_taken_away_for_good),
        cmocka_unit_test(an_application_that_sleeps_stalls_nobody),
        cmocka_unit_test(a_silent_election_times_the_waiter_out),
        cmocka_unit_test(the_background_thread_takes_no_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
