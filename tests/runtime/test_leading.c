/* Leading as the application lives it: the answer in its own thread, work that is waited for,
 * giving it up, and a host that falls silent. */
#include "cmocka_all.h"
#include "handles.h"
#include "runtime/election.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

/* ---- a loop thread that stands still -----------------------------------------------------------
 */

static _Atomic bool held;
static _Atomic bool standing;

static void stand_still(void *argument)
{
    (void)argument;
    atomic_store(&standing, true);
    while (atomic_load(&held))
        sleep_ms(1);
}

/* The loop thread hangs in a callback; the answer turns no by itself, and no call waits for that
 * thread. */
static void the_answer_needs_no_loop_thread(void **state)
{
    (void)state;
    irx_election *e =
        open_election("memory:leading", "x", "heartbeat_ms", "60", "timeout_ms", "400", NULL);
    irx_election_start(e);
    await_leading(e);
    atomic_store(&held, true);
    atomic_store(&standing, false);
    irx_election *poker = open_election("memory:leading", "poker", NULL);
    irx_election_on_ready(poker, stand_still, NULL);
    irx_election_start(poker);
    while (!atomic_load(&standing))
        sleep_ms(1);
    sleep_ms(500); /* the time-out has passed, and nobody was there to say so */
    assert_false(irx_election_is_leader(e));
    assert_false(irx_election_check(e, 0, NULL));
    assert_int_equal(irx_election_work_begin(e, NULL), IRX_ENOTLEADER);
    irx_status status;
    assert_int_equal(irx_election_status(e, &status), 0);
    assert_int_equal(status.role, IRX_ROLE_FOLLOWER);
    assert_int_equal(status.token.term, 0);
    assert_false(status.has_leader);
    assert_true(atomic_load(&held)); /* all of it while the thread stood still */
    atomic_store(&held, false);
    irx_event *event = await_event(e, IRX_DEFEATED);
    assert_int_equal(event->reason, IRX_REASON_EXPIRED);
    irx_event_free(event);
    irx_election_on_ready(poker, NULL, NULL);
    irx_election_close(poker);
    await_leading(e);
    irx_election_close(e);
}

/* ---- work --------------------------------------------------------------------------------------
 */

static void work_is_waited_for(void **state)
{
    (void)state;
    /* nothing else than the end of work wakes these within minutes */
    irx_election *e = open_election("memory:leading", "x", "heartbeat_ms", "60000", "timeout_ms",
                                    "600000", "drain_limit_ms", "600000", NULL);
    irx_election *next =
        open_election("memory:leading", "x", "heartbeat_ms", "60000", "timeout_ms", "600000", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_election_start(next);
    await_following(next);
    irx_token token = {0};
    assert_int_equal(irx_election_work_begin(e, &token), 0);
    assert_int_equal(irx_election_work_begin(e, NULL), 0);
    assert_true(token.term > 0);
    assert_int_equal(irx_election_resign(e), 0);
    assert_false(irx_election_is_leader(e));
    assert_int_equal(irx_election_work_begin(e, NULL), IRX_ENOTLEADER);
    assert_int_equal(irx_election_resign(e), IRX_ENOTLEADER); /* given up already */
    irx_event *event = await_event(e, IRX_DRAINING);
    assert_int_equal(event->reason, IRX_REASON_RESIGNED);
    irx_event_free(event);
    irx_token still = {0};
    assert_true(irx_election_check(e, 0, &still)); /* for what runs */
    assert_int_equal(still.term, token.term);
    irx_status status;
    irx_election_status(e, &status);
    assert_int_equal(status.role, IRX_ROLE_DRAINING);
    sleep_ms(100);
    irx_election_work_end(e);
    assert_true(irx_election_check(e, 0, NULL));
    assert_true(no_event_waits(e, IRX_DEFEATED));
    assert_false(irx_election_is_leader(next));
    irx_election_work_end(e);
    await_leading(next);
    assert_false(irx_election_check(e, 0, NULL));
    irx_election_close(next);
    irx_election_close(e);
}

static void work_is_not_waited_for_beyond_the_limit(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:leading", "x", "drain_limit_ms", "50", NULL);
    irx_election_start(e);
    await_leading(e);
    assert_int_equal(irx_election_work_begin(e, NULL), 0);
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    assert_false(irx_election_check(e, 0, NULL));
    irx_election_work_end(e);
    irx_election_close(e);
}

/* close does not wait for work: it is the last call. */
static void close_does_not_drain(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:leading", "x", "timeout_ms", "60000", NULL);
    irx_election *next = open_election("memory:leading", "x", "timeout_ms", "60000", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_election_start(next);
    await_following(next);
    assert_int_equal(irx_election_work_begin(e, NULL), 0);
    irx_election_stop(e); /* which alone would drain for 5 s */
    irx_election_close(e);
    await_leading(next); /* told by the release: the lease has most of a minute to go */
    irx_election_close(next);
}

static irx_election *shared;
static _Atomic bool finished;
static _Atomic int running;
static _Atomic int overlaps;
static _Atomic int begun;

static void *work_on_and_off(void *argument)
{
    (void)argument;
    while (!atomic_load(&finished)) {
        irx_token token;
        if (irx_election_work_begin(shared, &token)) {
            sched_yield();
            continue;
        }
        atomic_fetch_add(&running, 1);
        atomic_fetch_add(&begun, 1);
        for (int i = 0; i < 3; i++) { /* whoever began is within that leadership until it ends */
            irx_token now = {0};
            if (!irx_election_check(shared, 0, &now) || now.term != token.term)
                atomic_fetch_add(&overlaps, 1);
        }
        atomic_fetch_sub(&running, 1);
        irx_election_work_end(shared);
    }
    return NULL;
}

/* Dekker: work that began is seen by a leadership that ends gracefully, however close the two come.
 * On a single processor, where the end comes between any two instructions of a worker and is over
 * before the next. */
static void no_work_outlives_a_graceful_end(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    shared = open_election("memory:leading", "x", "timeout_ms", "60000", NULL);
    pthread_t workers[3];
    irx_election_start(shared);
    await_leading(shared);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work_on_and_off, NULL), 0);
    for (int i = 0; i < 300; i++) {
        await_leading(shared);
        irx_election_stop(shared);
        irx_event *event = await_event(shared, IRX_DEFEATED);
        assert_int_equal(event->reason, IRX_REASON_STOPPED);
        irx_event_free(event);
        irx_election_start(shared);
    }
    atomic_store(&finished, true);
    for (int i = 0; i < 3; i++)
        pthread_join(workers[i], NULL);
    assert_true(atomic_load(&begun) > 0);
    assert_int_equal(atomic_load(&running), 0);
    assert_int_equal(atomic_load(&overlaps), 0);
    irx_election_close(shared);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

/* ---- giving it up ------------------------------------------------------------------------------
 */

static irx_id session_of(irx_election *e)
{
    irx_status status;
    assert_int_equal(irx_election_status(e, &status), 0);
    return status.session;
}

static void a_transfer_goes_where_it_is_sent(void **state)
{
    (void)state;
    irx_election *list[4];
    for (int i = 0; i < 4; i++) {
        list[i] = open_election("memory:leading", "x", "candidate", i == 3 ? "false" : "true",
                                "namespace", "transfer", NULL);
        irx_election_start(list[i]);
        if (i == 0)
            await_leading(list[0]);
        else
            await_following(list[i]);
    }
    irx_member_info *members = NULL;
    size_t count = 0;
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (count != 4 && now_ms() < until_ms) {
        irx_members_free(members);
        sleep_ms(2);
        irx_election_members(list[0], &members, &count);
    }
    irx_members_free(members);
    assert_int_equal(irx_election_transfer(list[1], session_of(list[2])), IRX_ENOTLEADER);
    assert_int_equal(irx_election_transfer(list[0], (irx_id){1, 2}), IRX_ENOMEMBER);
    assert_int_equal(irx_election_transfer(list[0], (irx_id){0, 0}), IRX_ENOMEMBER);
    assert_int_equal(irx_election_transfer(list[0], session_of(list[0])), IRX_ENOMEMBER);
    assert_int_equal(irx_election_transfer(list[0], session_of(list[3])), IRX_ENOMEMBER);
    assert_true(irx_election_is_leader(list[0]));
    assert_int_equal(irx_election_transfer(list[0], session_of(list[2])), 0);
    assert_false(irx_election_is_leader(list[0]));
    await_leading(list[2]); /* not the deputy, list[1] */
    irx_event *event = await_event(list[0], IRX_DEFEATED);
    assert_int_equal(event->reason, IRX_REASON_TRANSFERRED);
    irx_event_free(event);
    assert_true(no_event_waits(list[1], IRX_ELECTED));
    for (int i = 0; i < 4; i++)
        irx_election_close(list[i]);
}

static void who_resigns_alone_leads_again(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:leading", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_token first, second;
    assert_true(irx_election_check(e, 0, &first));
    assert_int_equal(irx_election_resign(e), 0);
    expect_event(e, IRX_DEFEATED);
    await_leading(e);
    assert_true(irx_election_check(e, 0, &second));
    assert_true(second.term > first.term);
    irx_election_close(e);
}

/* ---- a silent host -----------------------------------------------------------------------------
 */

static void a_silent_host_is_deposed_and_comes_back(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:leading", "x", "heartbeat_ms", "100", "timeout_ms",
                                    "60000", "stall_limit_ms", "300", NULL);
    irx_election_start(e);
    await_leading(e);
    int64_t longest_ms = 0, last_ms = now_ms();
    for (int i = 0; i < 50; i++) { /* a sign of life now and then is enough */
        sleep_ms(20);
        irx_election_pulse(e);
        longest_ms = now_ms() - last_ms > longest_ms ? now_ms() - last_ms : longest_ms;
        last_ms = now_ms();
    }
    irx_metrics metrics;
    irx_election_metrics(e, &metrics);
    assert_true(metrics.defeated == 0 || longest_ms >= 300);
    sleep_ms(1500);
    irx_event *event = await_event(e, IRX_DEFEATED);
    assert_int_equal(event->reason, IRX_REASON_HOST_STALLED);
    irx_event_free(event);
    await_leading(
        e); /* asking is a sign of life, and heard at once: the next poll is a minute away */
    irx_election_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_needs_no_loop_thread),
        cmocka_unit_test(work_is_waited_for),
        cmocka_unit_test(work_is_not_waited_for_beyond_the_limit),
        cmocka_unit_test(close_does_not_drain),
        cmocka_unit_test(no_work_outlives_a_graceful_end),
        cmocka_unit_test(a_transfer_goes_where_it_is_sent),
        cmocka_unit_test(who_resigns_alone_leads_again),
        cmocka_unit_test(a_silent_host_is_deposed_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
