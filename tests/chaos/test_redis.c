/* Whole elections on Redis, each member a process, under the faults that a Redis server and the way
 * to it can have. Under takeover safe never two believe to lead at one instant; whatever ends a
 * leadership has its reason; whatever is wrong with the server is told with its code; and in the
 * end somebody leads. */
#include "cmocka_all.h"

#include "proxy.h"
#include "redis_server.h"
#include "troop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static redis_server *server;
static troop *members;

static const char *const SAFE[] = {"takeover", "safe", "heartbeat_ms", "100", "timeout_ms",
                                   "500",      NULL};
/* A lease that outlasts a machine that stands still for a second. */
static const char *const STEADY[] = {"takeover", "safe", "heartbeat_ms", "100", "timeout_ms",
                                     "2500",     NULL};
/* Nobody takes over by waiting here: the time-out is longer than the test's patience. */
static const char *const PATIENT[] = {"heartbeat_ms", "1000", "timeout_ms", "120000", NULL};

static int start(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    members = troop_new();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (members != NULL)
        troop_end(members);
    redis_server_stop(server);
    return 0;
}

static const char *url_of(const proxy *way)
{
    static char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy_port(way));
    return url;
}

/* This many members; the number of the leader. The first one leads, and the others find its
 * presence noted: one that leads before it is present is not watched until their next reading. */
static unsigned gather(unsigned count, const char *const options[])
{
    unsigned before = members->count;
    troop_add(members, redis_server_url(server), options);
    troop_await(&members->members[before].started, "a start");
    troop_await_leader(members, TROOP_MAX);
    for (int waited = 0;
         strcmp(redis_server_say(server, "HGET interrex:{chaos} presence_seen"), "1") != 0;
         waited++) {
        if (waited > TROOP_WAIT_MS)
            fail_msg("the leader's presence is not noted");
        troop_pause_ms(1);
    }
    for (unsigned i = 1; i < count; i++)
        troop_add(members, redis_server_url(server), options);
    for (unsigned i = before; i < members->count; i++)
        troop_await(&members->members[i].started, "a start");
    return troop_await_leader(members, TROOP_MAX);
}

static void assert_reason(const troop_reign *reign, irx_reason one, irx_reason or_this)
{
    if (reign->reason != one && reign->reason != or_this)
        fail_msg("it ended with \"%s\", not \"%s\"", irx_reason_text(reign->reason),
                 irx_reason_text(one));
}

/* Or its lease ran out first: what was done to the server, or to this machine, took longer. */
static void assert_reason_or_deadline(const troop_reign *reign, irx_reason reason)
{
    if (reign->reason != IRX_REASON_CUT_OFF)
        assert_reason(reign, reason, IRX_REASON_EXPIRED);
}

/* On a machine that stands still its leases may run out, but nobody else ends its leadership. */
static void assert_undisturbed(const troop_member *member)
{
    for (unsigned i = 0; i < member->reigns; i++)
        if (member->list[i].over)
            assert_reason(&member->list[i], IRX_REASON_EXPIRED, IRX_REASON_CUT_OFF);
}

/* ---- the way to the server --------------------------------------------------------------------
 */

static void a_leader_behind_a_half_open_connection_says_no_first(void **state)
{
    (void)state;
    proxy *ways[3];
    for (int i = 0; i < 3; i++) {
        ways[i] = proxy_start(redis_server_port(server));
        troop_add(members, url_of(ways[i]), SAFE);
    }
    unsigned leader = troop_await_leader(members, TROOP_MAX);
    proxy_silence(ways[leader], true);
    unsigned next = troop_await_leader(members, leader);
    const troop_reign *ended = troop_await_end(members, leader, 1);
    assert_true(ended->last_ns < members->members[next].list[0].first_ns);
    assert_reason(ended, IRX_REASON_CUT_OFF, IRX_REASON_EXPIRED);
    troop_await_error(members, leader, IRX_EUNREACHABLE);
    proxy_silence(ways[leader], false);
    troop_pause_ms(1500); /* time for it to come back, and to disturb if it would */
    assert_undisturbed(&members->members[next]);
    troop_assert_no_overlap(members);
    troop_end(members);
    members = NULL;
    for (int i = 0; i < 3; i++)
        proxy_stop(ways[i]);
}

static void a_stop_ends_though_the_server_is_silent(void **state)
{
    (void)state;
    proxy *way = proxy_start(redis_server_port(server));
    for (int i = 0; i < 2; i++)
        troop_add(members, url_of(way), SAFE);
    troop_await_leader(members, TROOP_MAX);
    proxy_silence(way, true);
    troop_end(members); /* which waits for each to end well */
    members = NULL;
    proxy_stop(way);
}

static void under_safe_a_lost_connection_costs_nothing(void **state)
{
    static const char *const outlasting[] = {
        "takeover", "safe", "heartbeat_ms", "100", "timeout_ms", "20000", NULL};
    (void)state;
    unsigned leader = gather(3, outlasting);
    static const char *const kinds[] = {"normal", "pubsub", "both"};
    for (int i = 0; i < 3; i++) {
        if (i != 1)
            redis_server_say(server, "CLIENT KILL TYPE normal");
        if (i != 0)
            redis_server_say(server, "CLIENT KILL TYPE pubsub");
        troop_pause_ms(700);
        if (!members->members[leader].leads || members->members[leader].reigns != 1)
            fail_msg("killing %s cost the leadership: %s", kinds[i],
                     irx_reason_text(members->members[leader].list[0].reason));
    }
    troop_assert_no_overlap(members);
}

static void under_fast_a_lost_presence_ends_the_term(void **state)
{
    static const char *const fast[] = {"heartbeat_ms", "100", "timeout_ms", "10000", NULL};
    (void)state;
    unsigned leader = gather(3, fast);
    redis_server_say(server, "CLIENT KILL TYPE normal");
    troop_pause_ms(300);
    assert_int_equal(members->members[leader].reigns, 1);
    assert_true(members->members[leader].leads);
    redis_server_say(server, "CLIENT KILL TYPE pubsub");
    assert_reason(troop_await_end(members, leader, 1), IRX_REASON_PRESENCE_LOST,
                  IRX_REASON_SUPERSEDED);
    troop_await_leader(members, TROOP_MAX);
}

static void a_killed_leader_is_followed(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        unsigned leader = round == 0 ? gather(4, PATIENT) : troop_await_leader(members, TROOP_MAX);
        uint64_t term = members->members[leader].list[0].term;
        troop_kill(members, leader);
        unsigned next = troop_await_leader(members, leader);
        assert_int_equal(members->members[next].list[0].term, term + 1);
    }
    troop_assert_no_overlap(members);
}

static void a_forked_child_keeps_nothing_of_its_parent_alive(void **state)
{
    (void)state;
    unsigned leader = gather(2, PATIENT);
    troop_member *parent = &members->members[leader];
    parent->fork = true;
    troop_await(&parent->forked, "a fork");
    assert_int_equal(parent->child_says, IRX_EFORKED);
    troop_pause_ms(300);
    assert_true(parent->leads); /* the fork took nothing from the parent */
    assert_int_equal(parent->reigns, 1);
    troop_kill(members, leader);
    troop_await_leader(members, leader);
    assert_int_equal(kill(parent->child, 0), 0); /* it lives */
    troop_assert_no_overlap(members);
}

static void a_stopped_leader_is_followed_and_wakes_up_knowing(void **state)
{
    (void)state;
    unsigned leader = gather(3, SAFE);
    for (int round = 0; round < 3; round++) {
        unsigned reigns = members->members[leader].reigns;
        troop_signal(members, leader, SIGSTOP);
        members->members[leader].leads = false; /* it can not say so itself */
        unsigned next = troop_await_leader(members, leader);
        troop_signal(members, leader, SIGCONT);
        troop_await_end(members, leader, reigns);
        troop_pause_ms(200);
        troop_assert_no_overlap(members);
        leader = next;
    }
}

/* ---- the store is another one -----------------------------------------------------------------
 */

static void a_server_that_is_back_empty(void **state)
{
    (void)state;
    unsigned leader = gather(3, SAFE);
    for (unsigned round = 1; round <= 2; round++) {
        unsigned reigns = members->members[leader].reigns;
        redis_server_kill(server);
        redis_server_restart(server, true);
        assert_reason_or_deadline(troop_await_end(members, leader, reigns),
                                  IRX_REASON_STORE_CHANGED);
        leader = troop_await_leader(members, TROOP_MAX);
        troop_assert_no_overlap(members);
    }
}

static void a_server_that_is_back_with_older_data(void **state)
{
    (void)state;
    unsigned leader = gather(3, SAFE);
    redis_server_say(server, "SAVE");
    troop_pause_ms(300); /* renewals that the copy lacks */
    redis_server_kill(server);
    redis_server_restart(server, true);
    assert_reason_or_deadline(troop_await_end(members, leader, 1), IRX_REASON_STORE_CHANGED);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

/* The leader does not hear that the server was replaced; somebody who knows nothing starts just
 * then. */
static void a_newcomer_after_a_wipe_waits_for_a_leader_it_can_not_know(void **state)
{
    (void)state;
    static const char *const names[] = {"back empty", "back with older data", "flushed"};
    for (int how = 0; how < 3; how++) {
        proxy *way = proxy_start(redis_server_port(server));
        unsigned leader = troop_add(members, url_of(way), SAFE);
        troop_await(&members->members[leader].leads, "the first leadership");
        print_message("    %s\n", names[how]);
        if (how == 1)
            redis_server_say(server, "SAVE");
        troop_pause_ms(250);
        proxy_silence(way, true);
        if (how == 2) {
            redis_server_say(server, "FLUSHALL");
        } else {
            redis_server_kill(server);
            redis_server_restart(server, true);
        }
        unsigned newcomer = troop_add(members, redis_server_url(server), SAFE);
        troop_await(&members->members[newcomer].leads, "the newcomer's leadership");
        troop_await_end(members, leader, 1);
        troop_assert_no_overlap(members);
        assert_true(members->members[leader].list[0].term <
                    members->members[newcomer].list[0].term);
        troop_kill(members, leader);
        troop_end(members);
        members = troop_new();
        proxy_stop(way);
        redis_server_say(server, "FLUSHALL");
    }
}

static void a_flush_under_a_leader(void **state)
{
    (void)state;
    unsigned leader = gather(3, STEADY);
    redis_server_say(server, "FLUSHALL");
    assert_reason(troop_await_end(members, leader, 1), IRX_REASON_STORE_CHANGED,
                  IRX_REASON_RECORD_LOST);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

static void an_evicted_record_ends_a_leadership(void **state)
{
    (void)state;
    unsigned leader = gather(3, STEADY);
    redis_server_say(server, "DEL interrex:{chaos}");
    assert_reason(troop_await_end(members, leader, 1), IRX_REASON_RECORD_LOST,
                  IRX_REASON_RECORD_LOST);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

static void forgotten_scripts_cost_nothing(void **state)
{
    (void)state;
    unsigned leader = gather(2, STEADY);
    redis_server_say(server, "SCRIPT FLUSH");
    troop_pause_ms(1000);
    assert_true(members->members[leader].leads);
    assert_int_equal(members->members[leader].reigns, 1);
    assert_int_equal(members->members[leader].errors, 0);
}

/* ---- the server refuses -----------------------------------------------------------------------
 */

/* What was refused is told by its code; the leadership ends with its deadline, and comes back when
 * the trouble is over. */
static void refuse(const char *how, const char *back, int code)
{
    unsigned leader = gather(2, SAFE);
    redis_server_say(server, how);
    const troop_reign *ended = troop_await_end(members, leader, 1);
    assert_reason(ended, IRX_REASON_EXPIRED, IRX_REASON_CUT_OFF);
    troop_await_error(members, leader, code);
    assert_true(strlen(members->members[leader].error.text) > 20);
    redis_server_say(server, back);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

static void a_server_that_became_a_replica(void **state)
{
    (void)state;
    refuse("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", IRX_EUNAVAILABLE);
}

static void a_server_without_memory(void **state)
{
    (void)state;
    refuse("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", IRX_EFULL);
}

static void a_server_that_withdraws_rights(void **state)
{
    (void)state;
    refuse("ACL SETUSER default -hset", "ACL SETUSER default +@all", IRX_EAUTH);
}

/* Nobody is left that leads and strikes the dead, whose rows fill the table. */
static void a_table_full_of_the_dead_takes_newcomers(void **state)
{
    static const char *const crowded[] = {
        "takeover", "safe", "heartbeat_ms", "100", "timeout_ms", "500", "max_members", "3", NULL};
    (void)state;
    gather(3, crowded);
    for (unsigned i = 0; i < 3; i++)
        troop_kill(members, i);
    gather(3, crowded);
    troop_assert_no_overlap(members);
}

static void a_server_that_is_down_at_start(void **state)
{
    (void)state;
    redis_server_kill(server);
    unsigned first = troop_add(members, redis_server_url(server), SAFE);
    troop_await_error(members, first, IRX_EUNREACHABLE);
    assert_false(members->members[first].started);
    redis_server_restart(server, true);
    troop_await(&members->members[first].started, "a start");
    troop_await_leader(members, TROOP_MAX);
}

static void a_wrong_password_is_told_and_may_be_put_right(void **state)
{
    (void)state;
    char url[96];
    redis_server_say(server, "ACL SETUSER worker on >right ~* &* +@all");
    snprintf(url, sizeof url, "redis://worker:s3cret@127.0.0.1:%d", redis_server_port(server));
    unsigned first = troop_add(members, url, SAFE);
    troop_await_error(members, first, IRX_EAUTH);
    assert_false(members->members[first].started);
    assert_null(strstr(members->members[first].error.text, "s3cret"));
    redis_server_say(server, "ACL SETUSER worker >s3cret");
    troop_await_leader(members, TROOP_MAX);
}

static void a_foreign_record_is_told_and_left_alone(void **state)
{
    (void)state;
    redis_server_say(server, "SET interrex:{chaos} theirs");
    unsigned first = troop_add(members, redis_server_url(server), SAFE);
    troop_await_error(members, first, IRX_EFOREIGN);
    assert_non_null(strstr(members->members[first].error.text, "interrex:{chaos}"));
    assert_false(members->members[first].leads);
    assert_string_equal(redis_server_say(server, "GET interrex:{chaos}"), "theirs");
    redis_server_say(server, "DEL interrex:{chaos}");
    troop_await_leader(members, TROOP_MAX);
}

/* A little of everything, in an order that a seed gives. */
static void a_bad_day(void **state)
{
    (void)state;
    uint64_t random = 20261121;
    gather(3, SAFE);
    for (int i = 0; i < 12; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned member = (unsigned)(random >> 40) % 3;
        switch ((random >> 50) % 6) {
        case 0: redis_server_say(server, "CLIENT KILL TYPE normal"); break;
        case 1: redis_server_say(server, "CLIENT KILL TYPE pubsub"); break;
        case 2: redis_server_say(server, "FLUSHALL"); break;
        case 3: redis_server_say(server, "DEL interrex:{chaos}"); break;
        case 4:
            troop_signal(members, member, SIGSTOP);
            troop_pause_ms((int)(random >> 33) % 900);
            troop_signal(members, member, SIGCONT);
            break;
        default:
            redis_server_kill(server);
            troop_pause_ms((int)(random >> 33) % 300);
            redis_server_restart(server, true);
        }
        troop_pause_ms((int)(random >> 35) % 700);
        troop_assert_no_overlap(members);
    }
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    troop_main(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(a_leader_behind_a_half_open_connection_says_no_first),
        TEST(a_stop_ends_though_the_server_is_silent),
        TEST(under_safe_a_lost_connection_costs_nothing),
        TEST(under_fast_a_lost_presence_ends_the_term),
        TEST(a_killed_leader_is_followed),
        TEST(a_forked_child_keeps_nothing_of_its_parent_alive),
        TEST(a_stopped_leader_is_followed_and_wakes_up_knowing),
        TEST(a_server_that_is_back_empty),
        TEST(a_server_that_is_back_with_older_data),
        TEST(a_newcomer_after_a_wipe_waits_for_a_leader_it_can_not_know),
        TEST(a_flush_under_a_leader),
        TEST(an_evicted_record_ends_a_leadership),
        TEST(forgotten_scripts_cost_nothing),
        TEST(a_server_that_became_a_replica),
        TEST(a_server_without_memory),
        TEST(a_server_that_withdraws_rights),
        TEST(a_table_full_of_the_dead_takes_newcomers),
        TEST(a_server_that_is_down_at_start),
        TEST(a_wrong_password_is_told_and_may_be_put_right),
        TEST(a_foreign_record_is_told_and_left_alone),
        TEST(a_bad_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
