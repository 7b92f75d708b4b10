/* The queue of events: what it keeps, in which order, and what an application that sleeps finds in
 * the end. */
#include "cmocka_all.h"
#include "handles.h"
#include "runtime/events.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

static irx__events queue;

static int setup(void **state)
{
    (void)state;
    return irx__events_init(&queue);
}

static int teardown(void **state)
{
    (void)state;
    irx__events_free(&queue);
    return 0;
}

static bool push(irx_happening kind)
{
    return irx__events_push(&queue, &(irx_event){.kind = kind});
}

static void push_term(irx_happening kind, uint64_t term)
{
    irx__events_push(&queue, &(irx_event){.kind = kind, .token.term = term});
}

static void push_role(irx_role previous, irx_role role)
{
    irx__events_push(&queue, &(irx_event){.kind = IRX_ROLE, .previous = previous, .role = role});
}

static irx_event take(void)
{
    irx_event *event;
    assert_int_equal(irx__events_take(&queue, &event, 0), 0);
    irx_event copy = *event;
    copy.data = NULL; /* gone with the event */
    irx_event_free(event);
    return copy;
}

static void expect_empty(void)
{
    irx_event *event = (irx_event *)1;
    assert_int_equal(irx__events_take(&queue, &event, 0), IRX_ETIMEOUT);
    assert_null(event);
}

static bool readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void order_is_kept(void **state)
{
    (void)state;
    static const irx_happening kinds[] = {IRX_ROLE,    IRX_STARTED, IRX_ELECTED, IRX_LEADER,
                                          IRX_MEMBERS, IRX_WARNING, IRX_DEFEATED};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(push(kinds[i]), i == 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(take().kind, kinds[i]);
    expect_empty();
    assert_true(push(IRX_ROLE)); /* empty again */
    assert_int_equal(irx__events_dropped(&queue), 0);
}

static void members_wait_once(void **state)
{
    (void)state;
    push(IRX_MEMBERS);
    push(IRX_MEMBERS);
    assert_int_equal(take().kind, IRX_MEMBERS);
    expect_empty();
    assert_int_equal(irx__events_dropped(&queue), 0);
}

/* The newest stay, the oldest of the same kind go; one warning tells how many, before anything
 * else. */
static void each_kind_keeps_its_newest(void **state)
{
    (void)state;
    push(IRX_STARTED);
    for (uint64_t i = 0; i < 100; i++) {
        irx_event event = {.kind = IRX_LEADER, .leader_term = i};
        irx__events_push(&queue, &event);
    }
    irx_event warning = take();
    assert_int_equal(warning.kind, IRX_WARNING);
    assert_int_equal(warning.error.code, IRX_EOVERFLOW);
    assert_non_null(strstr(warning.error.text, "92 events"));
    assert_int_equal(take().kind, IRX_STARTED);
    for (uint64_t i = 100 - IRX__EVENTS_KIND; i < 100; i++)
        assert_int_equal(take().leader_term, i);
    expect_empty();
    assert_int_equal(irx__events_dropped(&queue), 92);
}

/* role(previous) of what is left still makes a chain. */
static void a_dropped_role_leaves_no_gap(void **state)
{
    (void)state;
    push_role(IRX_ROLE_STOPPED, IRX_ROLE_FOLLOWER);
    for (int i = 0; i < 50; i++) {
        push_role(IRX_ROLE_FOLLOWER, IRX_ROLE_CANDIDATE);
        push_role(IRX_ROLE_CANDIDATE, IRX_ROLE_FOLLOWER);
    }
    assert_int_equal(take().kind, IRX_WARNING);
    irx_role role = IRX_ROLE_STOPPED;
    for (int i = 0; i < IRX__EVENTS_KIND; i++) {
        irx_event event = take();
        assert_int_equal(event.previous, role);
        role = event.role;
    }
    assert_int_equal(role, IRX_ROLE_FOLLOWER);
    expect_empty();
}

/* Checks the grammar of what is left: elected before defeated, one defeated for each. */
static size_t expect_whole_leaderships(uint64_t *newest)
{
    irx_event *event;
    uint64_t open_term = 0;
    size_t count = 0;
    while (irx__events_take(&queue, &event, 0) == 0) {
        if (event->kind == IRX_ELECTED) {
            assert_int_equal(open_term, 0);
            open_term = event->token.term;
            assert_true(open_term > *newest);
            *newest = open_term;
            count++;
        } else if (event->kind == IRX_DRAINING || event->kind == IRX_DEFEATED) {
            assert_int_equal(event->token.term, open_term);
            if (event->kind == IRX_DEFEATED)
                open_term = 0;
        }
        irx_event_free(event);
    }
    return count;
}

static void push_data(irx_happening kind, uint64_t number, size_t length)
{
    irx__event_slot *slot = irx__event_new(kind, NULL, length);
    assert_non_null(slot);
    slot->event.ticket = number;
    irx__events_push_slot(&queue, slot);
}

static uint64_t take_number(irx_happening kind, size_t length)
{
    irx_event *event;
    assert_int_equal(irx__events_take(&queue, &event, 0), 0);
    assert_int_equal(event->kind, kind);
    assert_int_equal(event->length, length);
    assert_int_equal(event->data == NULL, length == 0);
    if (length > 0)
        memset((void *)(uintptr_t)event->data, 7, length); /* it is there, to its last byte */
    uint64_t number = event->ticket;
    irx_event_free(event);
    return number;
}

static void data_belongs_to_its_event(void **state)
{
    (void)state;
    char text[] = "hello";
    irx__event_slot *slot = irx__event_new(IRX_MESSAGE, text, sizeof text);
    assert_true(irx__events_push_slot(&queue, slot));
    text[0] = 'j';
    irx_event *event;
    assert_int_equal(irx__events_take(&queue, &event, 0), 0);
    irx__events_free(&queue);
    assert_int_equal(irx__events_init(&queue), 0);
    assert_string_equal(event->data, "hello");
    irx_event_free(event);
    push_data(IRX_MESSAGE, 0, 100); /* and goes with the queue where nobody took it */
    push_data(IRX_VALUE, 0, 100);
    push_data(IRX_SETTLED, 0, 0);
}

static void the_oldest_messages_go(void **state)
{
    (void)state;
    push(IRX_STARTED);
    for (uint64_t i = 0; i < IRX__EVENTS_MESSAGES + 10; i++)
        push_data(IRX_MESSAGE, i, 10);
    push(IRX_LEADER);
    assert_int_equal(irx__events_count(&queue, IRX_MESSAGE), IRX__EVENTS_MESSAGES);
    irx_event warning = take();
    assert_int_equal(warning.error.code, IRX_EOVERFLOW);
    assert_non_null(strstr(warning.error.text, "10 events"));
    assert_int_equal(take().kind, IRX_STARTED);
    for (uint64_t i = 10; i < IRX__EVENTS_MESSAGES + 10; i++)
        assert_int_equal(take_number(IRX_MESSAGE, 10), i);
    assert_int_equal(take().kind, IRX_LEADER);
    expect_empty();
    assert_int_equal(irx__events_dropped(&queue), 10);
    assert_int_equal(queue.message_bytes, 0);
}

static void large_messages_are_bounded_by_their_bytes(void **state)
{
    (void)state;
    enum { FIT = IRX__EVENTS_MESSAGE_BYTES / IRX_MESSAGE_MAX };
    for (uint64_t i = 0; i < FIT + 5; i++)
        push_data(IRX_MESSAGE, i, IRX_MESSAGE_MAX);
    assert_int_equal(irx__events_count(&queue, IRX_MESSAGE), FIT);
    assert_int_equal(queue.message_bytes, IRX__EVENTS_MESSAGE_BYTES);
    push_data(IRX_MESSAGE, FIT + 5, 1);
    assert_int_equal(irx__events_count(&queue, IRX_MESSAGE), FIT);
    assert_int_equal(take().kind, IRX_WARNING);
    assert_int_equal(take_number(IRX_MESSAGE, IRX_MESSAGE_MAX), 6);
    assert_int_equal(irx__events_dropped(&queue), 6);
}

static void of_values_the_newest_waits_and_nothing_is_lost(void **state)
{
    (void)state;
    push_data(IRX_VALUE, 1, 3);
    push_data(IRX_MESSAGE, 2, 3);
    push_data(IRX_VALUE, 3, 3);
    assert_int_equal(take_number(IRX_MESSAGE, 3), 2);
    assert_int_equal(take_number(IRX_VALUE, 3), 3);
    expect_empty();
    push_data(IRX_VALUE, 4, 3); /* the only one there is, replaced */
    push_data(IRX_VALUE, 5, 3);
    assert_int_equal(take_number(IRX_VALUE, 3), 5);
    expect_empty();
    assert_int_equal(irx__events_dropped(&queue), 0);
}

static void what_settled_is_never_dropped(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        push_data(IRX_SETTLED, i, 0);
        push_data(IRX_MESSAGE, i, 1);
        push(IRX_LEADER);
    }
    assert_int_equal(irx__events_count(&queue, IRX_SETTLED), 5000);
    uint64_t next = 0;
    irx_event *event;
    while (irx__events_take(&queue, &event, 0) == 0) {
        if (event->kind == IRX_SETTLED)
            assert_int_equal(event->ticket, next++);
        irx_event_free(event);
    }
    assert_int_equal(next, 5000);
}

/* An event that there was no memory for is one that was dropped. */
static void what_was_missed_is_counted(void **state)
{
    (void)state;
    irx__events_miss(&queue);
    expect_empty();
    push(IRX_STARTED);
    irx_event warning = take();
    assert_int_equal(warning.kind, IRX_WARNING);
    assert_non_null(strstr(warning.error.text, "1 events"));
    assert_int_equal(take().kind, IRX_STARTED);
    assert_int_equal(irx__events_dropped(&queue), 1);
}

static void an_unseen_leadership_is_dropped_whole(void **state)
{
    (void)state;
    push(IRX_STARTED);
    for (uint64_t term = 1; term <= 1000; term++) {
        push_term(IRX_ELECTED, term);
        if (term % 3 == 0)
            push_term(IRX_DRAINING, term);
        if (term < 1000)
            push_term(IRX_DEFEATED, term);
    }
    uint64_t newest = 0;
    size_t kept = expect_whole_leaderships(&newest);
    assert_true(kept >= 8);
    assert_int_equal(newest, 1000);
    assert_true(irx__events_dropped(&queue) > 1900);
}

static void endless_restarts_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        push(IRX_STARTED);
        push(IRX_STOPPED);
    }
    for (int i = 0; i < 1000; i++)
        push(IRX_STOPPED); /* starts that timed out */
    push(IRX_STARTED);
    irx_happening last = IRX_STOPPED;
    irx_event *event;
    size_t count = 0;
    while (irx__events_take(&queue, &event, 0) == 0) {
        last = event->kind;
        count++;
        irx_event_free(event);
    }
    assert_int_equal(last, IRX_STARTED);
    assert_true(count <= IRX__EVENTS_LIFE + 1);
}

/* One warning until the queue was empty, however much more is lost meanwhile. */
static void one_warning_per_overflow(void **state)
{
    (void)state;
    int warnings = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++)
            push(IRX_LEADER);
        warnings += take().kind == IRX_WARNING;
    }
    assert_int_equal(warnings, 1);
    irx_event *event;
    while (irx__events_take(&queue, &event, 0) == 0)
        irx_event_free(event);
    for (int i = 0; i < 20; i++)
        push(IRX_LEADER);
    assert_int_equal(take().kind, IRX_WARNING);
}

static void the_descriptor_tells_that_events_wait(void **state)
{
    (void)state;
    push(IRX_STARTED);
    int fd = irx__events_fd(&queue);
    assert_true(fd >= 0);
    assert_int_equal(irx__events_fd(&queue), fd);
    assert_true(readable(fd)); /* asked for late, and still right */
    push(IRX_LEADER);
    take();
    assert_true(readable(fd));
    take();
    assert_false(readable(fd));
    push(IRX_LEADER);
    assert_true(readable(fd));
}

static void *take_one(void *argument)
{
    irx_event *event = NULL;
    int result = irx__events_take(&queue, &event, *(int *)argument);
    irx_event_free(event);
    return (void *)(intptr_t)result;
}

static void a_waiter_is_woken(void **state)
{
    (void)state;
    int forever = -1;
    pthread_t waiters[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, take_one, &forever), 0);
    sleep_ms(20);
    push(IRX_STARTED);
    push(IRX_STOPPED);
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(waiters[i], &result);
        assert_int_equal((intptr_t)result, 0);
    }
    int soon = 30;
    int64_t begun_ms = now_ms();
    assert_int_equal((intptr_t)take_one(&soon), IRX_ETIMEOUT);
    assert_true(now_ms() - begun_ms >= 29);
}

static void freeing_ends_every_wait(void **state)
{
    (void)state;
    int forever = -1;
    pthread_t waiters[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, take_one, &forever), 0);
    int waiting = 0;
    while (waiting < 3) {
        sleep_ms(1);
        pthread_mutex_lock(&queue.lock);
        waiting = queue.waiters;
        pthread_mutex_unlock(&queue.lock);
    }
    irx__events_free(&queue);
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(waiters[i], &result);
        assert_int_equal((intptr_t)result, IRX_ESTOPPED);
    }
    irx__events_init(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(members_wait_once, setup, teardown),
        cmocka_unit_test_setup_teardown(each_kind_keeps_its_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dropped_role_leaves_no_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(data_belongs_to_its_event, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_messages_go, setup, teardown),
        cmocka_unit_test_setup_teardown(large_messages_are_bounded_by_their_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(of_values_the_newest_waits_and_nothing_is_lost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_settled_is_never_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_missed_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unseen_leadership_is_dropped_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_restarts_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(one_warning_per_overflow, setup, teardown),
        cmocka_unit_test_setup_teardown(the_descriptor_tells_that_events_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_waiter_is_woken, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_ends_every_wait, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
