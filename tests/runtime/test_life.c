/* The life of a handle: every order of calls is legal, every start is a new session, and a leader
 * that goes makes room for the next. */
#include "cmocka_all.h"
#include "handles.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void open_and_close(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        irx_election_close(open_election("memory:life", "x", NULL));
    irx_election_close(NULL);
}

static void before_a_start_nothing_is_known(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", NULL);
    irx_status status;
    assert_int_equal(irx_election_status(e, &status), 0);
    assert_int_equal(status.role, IRX_ROLE_STOPPED);
    assert_true(irx_id_none(status.session));
    assert_false(status.has_leader);
    assert_false(status.connected);
    assert_int_equal(status.token.term, 0);
    assert_int_equal(status.remaining_ms, 0);
    assert_false(irx_election_is_leader(e));
    assert_false(irx_election_check(e, 0, NULL));
    assert_int_equal(irx_election_work_begin(e, NULL), IRX_ENOTLEADER);
    assert_int_equal(irx_election_resign(e), IRX_ENOTLEADER);
    assert_int_equal(irx_election_transfer(e, (irx_id){1, 1}), IRX_ENOTLEADER);
    irx_election_work_end(e); /* without a beginning: harmless */
    irx_member_info *members;
    size_t count = 7;
    assert_int_equal(irx_election_members(e, &members, &count), 0);
    assert_int_equal(count, 0);
    irx_members_free(members);
    char *history;
    assert_int_equal(irx_election_history(e, &history), 0);
    assert_string_equal(history, "");
    irx_text_free(history);
    irx_election_close(e);
}

static void a_single_member_leads(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", "label", "me", NULL);
    assert_int_equal(irx_election_start(e), 0);
    assert_int_equal(irx_election_start(e), 0);
    expect_event(e, IRX_STARTED);
    irx_event *elected = await_event(e, IRX_ELECTED);
    await_leading(e);
    irx_token token = {0}, again = {0};
    assert_true(irx_election_check(e, 0, &token));
    assert_true(irx_election_leads(e, 0, &again));
    assert_int_equal(token.term, elected->token.term);
    assert_true(irx_id_equal(token.incarnation, elected->token.incarnation));
    assert_int_equal(again.term, token.term);
    irx_event_free(elected);
    irx_status status;
    assert_int_equal(irx_election_status(e, &status), 0);
    assert_int_equal(status.role, IRX_ROLE_LEADER);
    assert_true(status.has_leader && irx_id_equal(status.leader_session, status.session));
    assert_string_equal(status.leader_label, "me");
    assert_int_equal(status.leader_term, token.term);
    assert_true(status.remaining_ms > 0 && status.remaining_ms <= 1500);
    assert_true(status.connected);
    assert_int_equal(status.guarantee, IRX_GUARANTEE_EXCLUSIVE);
    assert_int_equal(irx_election_guarantee(e), IRX_GUARANTEE_EXCLUSIVE);
    assert_false(irx_election_check(e, 1501, NULL));
    assert_false(irx_election_check(e, INT64_MAX, NULL));
    irx_election_close(e);
}

/* draining, defeated, stopped: in this order, with the reason, and nothing after. */
static void a_stop_tells_its_whole_story(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_event *elected = await_event(e, IRX_ELECTED);
    assert_int_equal(irx_election_stop(e), 0);
    assert_false(irx_election_is_leader(e)); /* at once */
    assert_int_equal(irx_election_stop(e), 0);
    static const irx_happening order[] = {IRX_DRAINING, IRX_DEFEATED, IRX_STOPPED};
    size_t next = 0;
    while (next < 3) {
        irx_event *event;
        assert_int_equal(irx_election_next_event(e, &event, PATIENCE_MS), 0);
        if (event->kind == IRX_DRAINING || event->kind == IRX_DEFEATED ||
            event->kind == IRX_STOPPED) {
            assert_int_equal(event->kind, order[next++]);
            if (event->kind != IRX_STOPPED) {
                assert_int_equal(event->reason, IRX_REASON_STOPPED);
                assert_int_equal(event->token.term, elected->token.term);
            }
        }
        irx_event_free(event);
    }
    irx_event *event;
    assert_int_equal(irx_election_next_event(e, &event, 50), IRX_ETIMEOUT);
    irx_event_free(elected);
    irx_status status;
    irx_election_status(e, &status);
    assert_int_equal(status.role, IRX_ROLE_STOPPED);
    irx_election_close(e);
}

static void a_stop_without_a_start_says_nothing(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", NULL);
    assert_int_equal(irx_election_stop(e), 0);
    irx_event *event;
    assert_int_equal(irx_election_next_event(e, &event, 30), IRX_ETIMEOUT);
    irx_election_close(e);
}

/* Each start is somebody new, and every start that was asked for ends with its own STOPPED. */
static void a_restart_is_a_new_session(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", NULL);
    irx_id before = {0, 0};
    uint64_t term = 0;
    for (int i = 0; i < 5; i++) {
        irx_election_start(e);
        await_leading(e);
        irx_status status;
        irx_election_status(e, &status);
        assert_false(irx_id_equal(status.session, before));
        assert_true(status.token.term > term);
        before = status.session;
        term = status.token.term;
        irx_election_stop(e);
        expect_event(e, IRX_STOPPED);
    }
    irx_election_close(e);
}

static void starts_and_stops_in_a_row_are_all_obeyed(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", NULL);
    for (int i = 0; i < 10; i++) {
        irx_election_start(e);
        irx_election_stop(e);
    }
    int stopped = 0;
    while (stopped < 10) {
        expect_event(e, IRX_STOPPED);
        stopped++;
    }
    irx_election_start(e); /* the last word counts */
    await_leading(e);
    for (int i = 0; i < 1001; i++) {
        irx_election_stop(e);
        irx_election_start(e);
    }
    irx_election_stop(e);
    irx_status status;
    int64_t until_ms = now_ms() + PATIENCE_MS;
    do {
        sleep_ms(1);
        irx_election_status(e, &status);
    } while (status.role != IRX_ROLE_STOPPED && now_ms() < until_ms);
    sleep_ms(20);
    irx_election_status(e, &status);
    assert_int_equal(status.role, IRX_ROLE_STOPPED);
    assert_false(irx_election_is_leader(e));
    irx_election_close(e);
}

static void two_in_one_process_take_turns(void **state)
{
    (void)state;
    irx_election *a = open_election("memory:life", "x", "label", "a", NULL);
    irx_election *b = open_election("memory:life", "x", "label", "b", NULL);
    irx_election_start(a);
    await_leading(a);
    irx_election_start(b);
    await_following(b);
    assert_false(irx_election_is_leader(b));
    irx_status status;
    irx_election_status(b, &status);
    assert_string_equal(status.leader_label, "a");
    irx_election_stop(a);
    expect_event(a, IRX_STOPPED);
    await_leading(b);
    irx_election_start(a);
    await_following(a);
    irx_election_close(b); /* while leading */
    await_leading(a);
    irx_election_close(a);
}

/* A name, a namespace, a place: other elections where one of them differs. */
static void names_keep_elections_apart(void **state)
{
    (void)state;
    irx_election *list[] = {
        open_election("memory:life", "x", NULL),
        open_election("memory:life", "y", NULL),
        open_election("memory:other", "x", NULL),
        open_election("memory:life", "x", "namespace", "n", NULL),
    };
    for (int i = 0; i < 4; i++)
        irx_election_start(list[i]);
    for (int i = 0; i < 4; i++)
        await_leading(list[i]);
    for (int i = 0; i < 4; i++)
        irx_election_close(list[i]);
}

/* Another heartbeat is another connection to the same election, as another process would be. */
static void other_settings_still_contend(void **state)
{
    (void)state;
    irx_election *a = open_election("memory:life", "x", "heartbeat_ms", "50", NULL);
    irx_election *b = open_election("memory:life", "x", "heartbeat_ms", "60", NULL);
    irx_election_start(a);
    await_leading(a);
    irx_election_start(b);
    await_following(b);
    irx_election_close(a);
    await_leading(b);
    irx_election_close(b);
}

static void closing_in_any_state_is_legal(void **state)
{
    (void)state;
    irx_election *other = open_election("memory:life", "x", NULL);
    irx_election_start(other);
    await_leading(other);
    for (int i = 0; i < 30; i++) {
        irx_election *e = open_election("memory:life", i % 2 ? "x" : "y", NULL);
        irx_election_start(e);
        if (i % 3 == 0)
            irx_election_stop(e);
        if (i % 5 == 0)
            sleep_ms(i % 7);
        if (i % 4 == 0)
            irx_election_start(e);
        irx_election_close(e);
    }
    assert_true(irx_election_is_leader(other));
    irx_election_close(other);
}

static void an_observer_never_leads(void **state)
{
    (void)state;
    irx_election *observer = open_election("memory:life", "x", "candidate", "false", NULL);
    irx_election_start(observer);
    expect_event(observer, IRX_STARTED);
    irx_election *e = open_election("memory:life", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    await_following(observer);
    irx_election_close(e);
    expect_event(observer, IRX_LEADER); /* nobody any more */
    sleep_ms(50);
    assert_false(irx_election_is_leader(observer));
    assert_true(no_event_waits(observer, IRX_ELECTED));
    irx_election_close(observer);
}

/* The kernel excludes a second leader: nothing runs out, and giving it up still works. */
static void a_local_leadership_has_no_deadline(void **state)
{
    (void)state;
    char path[64], url[80];
    make_directory(path, url);
    irx_election *e = open_election(url, "x", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_status status;
    irx_election_status(e, &status);
    assert_int_equal(status.remaining_ms, INT64_MAX);
    assert_int_equal(status.guarantee, IRX_GUARANTEE_KERNEL);
    assert_true(irx_election_check(e, INT64_MAX, NULL));
    assert_int_equal(irx_election_resign(e), 0);
    expect_event(e, IRX_DEFEATED);
    await_leading(e);
    irx_election *next = open_election(url, "x", NULL);
    irx_election_start(next);
    await_following(next);
    irx_election_close(e);
    await_leading(next);
    irx_election_close(next);
    remove_directory(path);
}

static void an_unreachable_medium_is_told_and_tried_again(void **state)
{
    (void)state;
    irx_election *e = open_election("redis://127.0.0.1:1", "x", NULL);
    assert_int_equal(irx_election_start(e), 0);
    irx_event *event = await_event(e, IRX_ERROR);
    assert_int_equal(event->error.code, IRX_EUNREACHABLE);
    assert_non_null(
        strstr(event->error.text, "127.0.0.1")); /* the story, not the code's sentence */
    irx_event_free(event);
    irx_metrics metrics;
    int64_t until_ms = now_ms() + PATIENCE_MS;
    do {
        sleep_ms(5);
        irx_election_metrics(e, &metrics);
    } while (metrics.reconnects < 4 && now_ms() < until_ms);
    assert_true(metrics.reconnects >= 4);
    assert_true(no_event_waits(e, IRX_ERROR)); /* once per kind of trouble */
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    irx_election_close(e);
}

static void a_start_that_takes_too_long_is_ended(void **state)
{
    (void)state;
    irx_election *e = open_election("redis://127.0.0.1:1", "x", "start_timeout_ms", "60", NULL);
    for (int i = 0; i < 2; i++) { /* and may be tried again */
        irx_election_start(e);
        irx_event *event = await_event(e, IRX_ERROR);
        while (event->error.code != IRX_ETIMEOUT) {
            irx_event_free(event);
            event = await_event(e, IRX_ERROR);
        }
        assert_non_null(strstr(event->error.text, "start_timeout_ms 60"));
        irx_event_free(event);
        expect_event(e, IRX_STOPPED);
    }
    irx_election_close(e);
    e = open_election("memory:life", "x", "start_timeout_ms", "5000", NULL);
    irx_election_start(e);
    await_leading(e);
    assert_true(no_event_waits(e, IRX_ERROR));
    irx_election_close(e);
}

/* A server that takes the connection and says nothing: no trouble to tell, and still the start ends
 * in time. */
static void a_silent_medium_does_not_hold_a_start(void **state)
{
    (void)state;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 8), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", ntohs(address.sin_port));
    irx_election *e = open_election(url, "x", "start_timeout_ms", "100", NULL);
    irx_election_start(e);
    irx_event *event =
        await_event(e, IRX_ERROR); /* the first: an attempt to connect takes longer */
    assert_int_equal(event->error.code, IRX_ETIMEOUT);
    irx_event_free(event);
    expect_event(e, IRX_STOPPED);
    irx_election_close(e);
    close(listening);
}

/* Who has stopped keeps no connection; who is left keeps theirs. */
static void a_stopped_election_needs_no_connection(void **state)
{
    (void)state;
    irx_election *a = open_election("memory:life", "a", NULL);
    irx_election *b = open_election("memory:life", "b", NULL);
    irx_election_start(a);
    irx_election_start(b);
    await_leading(a);
    await_leading(b);
    irx_election_stop(a);
    expect_event(a, IRX_STOPPED);
    sleep_ms(20);
    irx_status status;
    irx_election_status(b, &status);
    assert_true(status.connected && irx_election_is_leader(b));
    irx_election_stop(b);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    do {
        sleep_ms(1);
        irx_election_status(b, &status);
    } while (status.connected && now_ms() < until_ms);
    assert_false(status.connected);
    irx_election_start(a); /* and connects again */
    await_leading(a);
    irx_election_close(a);
    irx_election_close(b);
}

static void what_was_stays_readable(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:life", "x", "heartbeat_ms", "50", "timeout_ms", "5000",
                                    NULL); /* which a busy machine does not miss */
    irx_election_start(e);
    await_leading(e);
    irx_metrics metrics;
    int64_t until_ms = now_ms() + PATIENCE_MS;
    do {
        sleep_ms(5);
        assert_int_equal(irx_election_metrics(e, &metrics), 0);
    } while (metrics.renewals < 3 && now_ms() < until_ms);
    assert_true(metrics.renewals >= 3);
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    assert_int_equal(irx_election_metrics(e, &metrics), 0);
    assert_int_equal(metrics.elected, 1);
    assert_int_equal(metrics.defeated, 1);
    assert_int_equal(metrics.defeated_by[IRX_REASON_STOPPED], 1);
    assert_true(metrics.operations > metrics.renewals);
    assert_true(metrics.last_round_trip_ns > 0);
    assert_int_equal(metrics.failures, 0);
    char *history;
    assert_int_equal(irx_election_history(e, &history), 0);
    assert_non_null(strstr(history, "leads term"));
    irx_text_free(history);
    irx_election_close(e);
}

static void the_members_are_known(void **state)
{
    (void)state;
    irx_election *a = open_election("memory:life", "x", "label", "a", NULL);
    irx_election *b = open_election("memory:life", "x", "label", "b", "candidate", "false", NULL);
    irx_election_start(a);
    await_leading(a);
    irx_election_start(b);
    await_following(b);
    irx_member_info *members = NULL;
    size_t count = 0;
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (count != 2 && now_ms() < until_ms) { /* a hears of b by a hint */
        irx_members_free(members);
        sleep_ms(5);
        assert_int_equal(irx_election_members(a, &members, &count), 0);
    }
    assert_int_equal(count, 2);
    assert_string_equal(members[0].label, "a");
    assert_true(members[0].self && members[0].candidate);
    assert_int_equal(members[0].role, IRX_ROLE_LEADER);
    assert_string_equal(members[1].label, "b");
    assert_false(members[1].self || members[1].candidate);
    assert_int_equal(members[1].role, IRX_ROLE_FOLLOWER);
    assert_true(members[1].last_seen_ms >= 0 && members[1].last_seen_ms < 60000);
    irx_members_free(members);
    expect_event(a, IRX_MEMBERS);
    irx_election_close(b);
    irx_election_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_and_close),
        cmocka_unit_test(before_a_start_nothing_is_known),
        cmocka_unit_test(a_single_member_leads),
        cmocka_unit_test(a_stop_tells_its_whole_story),
        cmocka_unit_test(a_stop_without_a_start_says_nothing),
        cmocka_unit_test(a_restart_is_a_new_session),
        cmocka_unit_test(starts_and_stops_in_a_row_are_all_obeyed),
        cmocka_unit_test(two_in_one_process_take_turns),
        cmocka_unit_test(names_keep_elections_apart),
        cmocka_unit_test(other_settings_still_contend),
        cmocka_unit_test(closing_in_any_state_is_legal),
        cmocka_unit_test(an_observer_never_leads),
        cmocka_unit_test(a_local_leadership_has_no_deadline),
        cmocka_unit_test(an_unreachable_medium_is_told_and_tried_again),
        cmocka_unit_test(a_start_that_takes_too_long_is_ended),
        cmocka_unit_test(a_silent_medium_does_not_hold_a_start),
        cmocka_unit_test(a_stopped_election_needs_no_connection),
        cmocka_unit_test(what_was_stays_readable),
        cmocka_unit_test(the_members_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
