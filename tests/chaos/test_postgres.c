/* Whole elections on PostgreSQL, each member a process, under the faults that a server, its
 * operator and the way to it can have. The members' role has the few rights that the pages name.
 * Under takeover safe never two believe to lead at one instant; whatever ends a leadership has its
 * reason; whatever is wrong with the server is told with its code; and in the end somebody leads.
 * What a session's end, a setting or somebody's lock does is in postgres_sessions.c. */
#include "postgres.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrex.h"
#include "postgres_session.h"
#include "proxy.h"
#include "runtime/clock.h"

static postgres_server *shared; /* by all tests that need none of their own */
postgres_server *server;
troop *members;

const char *const SAFE[] = {"takeover", "safe", "heartbeat_ms", "100", "timeout_ms", "500", NULL};
const char *const FAST[] = {"heartbeat_ms", "100", "timeout_ms", "500", NULL};
const char *const LONGER[] = {"takeover", "safe", "heartbeat_ms", "100", "timeout_ms",
                              "2500",     NULL};
const char *const STEADY[] = {"takeover", "safe", "heartbeat_ms", "100", "timeout_ms",
                              "20000",    NULL};
const char *const PATIENT[] = {"heartbeat_ms", "1000", "timeout_ms", "120000", NULL};

void give_table(postgres_server *to)
{
    char text[8192];
    assert_in_range(irx_schema(NULL, NULL, text, sizeof text), 1, sizeof text - 1);
    said(to, "", "DROP TABLE IF EXISTS interrex_ledger");
    assert_int_not_equal(postgres_server_say(to, "%s", text)[0], '-');
    said(to, "",
         "GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO worker;"
         "GRANT USAGE ON SCHEMA public TO public; REVOKE CREATE ON SCHEMA public FROM worker");
}

void said(postgres_server *by, const char *expected, const char *sql)
{
    const char *reply = postgres_server_say(by, "%s", sql);
    if (strcmp(reply, expected) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", sql, reply, expected);
}

static int open_server(void **state)
{
    (void)state;
    shared = postgres_server_start(NULL);
    said(shared, "", "CREATE ROLE worker LOGIN");
    return 0;
}

static int close_server(void **state)
{
    (void)state;
    postgres_server_stop(shared);
    return 0;
}

static int start(void **state)
{
    (void)state;
    server = shared;
    members = troop_new();
    /* What a test that failed may have left. */
    postgres_server_say(server, "SET default_transaction_read_only = off;"
                                "ALTER ROLE worker RESET ALL");
    postgres_server_say(server, "SET default_transaction_read_only = off;"
                                "ALTER DATABASE postgres RESET ALL");
    give_table(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (members != NULL)
        troop_end(members);
    if (server != shared)
        postgres_server_stop(server);
    return 0;
}

/* A test's own server in place of the one that all share. */
static void take_server(const postgres_options *options)
{
    server = postgres_server_start(options);
    said(server, "", "CREATE ROLE worker LOGIN");
    give_table(server);
}

/* A member whose sessions are called by its number: m0, m1, ... */
unsigned add_by(int port, const char *const options[])
{
    char url[128];
    snprintf(url, sizeof url, "postgres://worker@127.0.0.1:%d/postgres?application_name=m%u", port,
             members->count);
    return troop_add(members, url, options);
}

/* The first one leads, and the others find its presence noted: one that leads before it is present
 * is not watched until their next reading. */
unsigned gather(unsigned count, const char *const options[])
{
    unsigned before = members->count;
    add_by(postgres_server_port(server), options);
    troop_await(&members->members[before].started, "a start");
    troop_await_leader(members, TROOP_MAX);
    postgres_server_await(server, "t", "SELECT bool_and(presence_seen) FROM interrex_ledger");
    for (unsigned i = 1; i < count; i++)
        add_by(postgres_server_port(server), options);
    for (unsigned i = before; i < members->count; i++)
        troop_await(&members->members[i].started, "a start");
    return troop_await_leader(members, TROOP_MAX);
}

void assert_reason(const troop_reign *reign, irx_reason one, irx_reason or_this)
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

/* Nothing that was confirmed after `since_ns` can have carried a belief beyond this. */
static void assert_over_by(const troop_reign *reign, int64_t since_ns, int64_t timeout_ms)
{
    if (reign->last_ns > since_ns + timeout_ms * 1000000)
        fail_msg("it believed %.3f ms too long",
                 (double)(reign->last_ns - since_ns) / 1e6 - (double)timeout_ms);
}

/* ---- the server goes and comes ----------------------------------------------------------------
 */

/* A restart that kept its epoch would let renewals go on over a ledger of before; one that killed
 * a member, or handed a token out twice, shows here. */
static void a_server_that_restarts(void **state)
{
    (void)state;
    unsigned leader = gather(3, SAFE);
    for (int how = 0; how < 3; how++) {
        unsigned reigns = members->members[leader].reigns;
        if (how == 2)
            postgres_server_kill(server);
        else
            postgres_server_shutdown(server, how == 1);
        postgres_server_restart(server);
        assert_reason_or_deadline(troop_await_end(members, leader, reigns),
                                  IRX_REASON_STORE_CHANGED);
        leader = troop_await_leader(members, TROOP_MAX);
        troop_assert_no_overlap(members);
    }
}

/* With a lease that outlasts the restart it is the epoch, and nothing else, that ends the term. */
static void a_restart_within_the_lease_is_another_store(void **state)
{
    (void)state;
    unsigned leader = gather(2, LONGER);
    int64_t began_ns = irx__clock_boot_ns();
    postgres_server_kill(server);
    postgres_server_restart(server);
    const troop_reign *ended = troop_await_end(members, leader, 1);
    if (irx__clock_boot_ns() - began_ns < 1500 * INT64_C(1000000))
        assert_int_equal(ended->reason, IRX_REASON_STORE_CHANGED);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

/* Members that start before their server does, and one that hangs at a stopped server's door. */
static void a_server_that_is_down_at_start(void **state)
{
    (void)state;
    postgres_server_shutdown(server, false);
    unsigned first = add_by(postgres_server_port(server), SAFE);
    troop_await_error(members, first, IRX_EUNREACHABLE);
    assert_false(members->members[first].started);
    postgres_server_restart(server);
    troop_await(&members->members[first].started, "a start");
    troop_await_leader(members, TROOP_MAX);
}

/* A leader that waits for its server's answer must not believe longer than its lease. */
static void a_server_that_hangs(void **state)
{
    (void)state;
    unsigned leader = gather(2, SAFE);
    for (int whole = 0; whole < 2; whole++) {
        unsigned reigns = members->members[leader].reigns;
        postgres_server_signal_all(server, SIGSTOP);
        int64_t stopped_ns = irx__clock_boot_ns();
        const troop_reign *ended = troop_await_end(members, leader, reigns);
        assert_over_by(ended, stopped_ns, 500);
        assert_reason(ended, IRX_REASON_EXPIRED, IRX_REASON_CUT_OFF);
        postgres_server_signal_all(server, SIGCONT);
        leader = troop_await_leader(members, TROOP_MAX);
        troop_assert_no_overlap(members);
    }
}

static void a_leader_behind_a_silent_network_says_no_first(void **state)
{
    (void)state;
    proxy *ways[3];
    for (int i = 0; i < 3; i++) {
        ways[i] = proxy_start(postgres_server_port(server));
        add_by(proxy_port(ways[i]), SAFE);
    }
    unsigned leader = troop_await_leader(members, TROOP_MAX);
    proxy_silence(ways[leader], true);
    int64_t silent_ns = irx__clock_boot_ns();
    unsigned next = troop_await_leader(members, leader);
    const troop_reign *ended = troop_await_end(members, leader, 1);
    assert_true(ended->last_ns < members->members[next].list[0].first_ns);
    assert_over_by(ended, silent_ns, 500);
    assert_reason(ended, IRX_REASON_CUT_OFF, IRX_REASON_EXPIRED);
    troop_await_error(members, leader, IRX_EUNREACHABLE);
    proxy_silence(ways[leader], false);
    troop_signal(members, next, SIGSTOP); /* so that it can lead only by coming back */
    for (int i = 0; i < 3; i++)
        if (i != (int)leader && i != (int)next)
            troop_signal(members, (unsigned)i, SIGSTOP);
    members->members[next].leads = false;
    troop_await(&members->members[leader].leads, "its second leadership");
    for (int i = 0; i < 3; i++)
        troop_signal(members, (unsigned)i, SIGCONT);
    troop_assert_no_overlap(members);
    troop_end(members);
    members = NULL;
    for (int i = 0; i < 3; i++)
        proxy_stop(ways[i]);
}

/* Who stops must not wait for a server that says nothing. */
static void a_stop_ends_though_the_server_is_silent(void **state)
{
    (void)state;
    proxy *way = proxy_start(postgres_server_port(server));
    for (int i = 0; i < 2; i++)
        add_by(proxy_port(way), SAFE);
    troop_await_leader(members, TROOP_MAX);
    proxy_silence(way, true);
    troop_end(members); /* which waits for each to end well */
    members = NULL;
    proxy_stop(way);
}

/* ---- another server ---------------------------------------------------------------------------
 */

/* After a fail-over the record that was streamed is of another epoch: who took it for the present
 * one would lead beside, or with the token of, whoever led when the old primary died. */
static void fail_over(bool losing)
{
    take_server(&(postgres_options){.no_fsync = true});
    postgres_server *standby = postgres_server_standby(server, false);
    char url[160];
    snprintf(url, sizeof url,
             "postgres://worker@127.0.0.1:%d,127.0.0.1:%d/postgres"
             "?target_session_attrs=read-write",
             postgres_server_port(server), postgres_server_port(standby));
    for (int i = 0; i < 3; i++)
        troop_add(members, url, SAFE);
    unsigned leader = troop_await_leader(members, TROOP_MAX);
    postgres_server_catch_up(standby);
    char *incarnation = strdup(postgres_server_say(standby, "SELECT incarnation FROM "
                                                            "interrex_ledger"));
    assert_int_equal(strlen(incarnation), 32);
    if (losing) {
        said(standby, "", "ALTER SYSTEM SET primary_conninfo = ''");
        said(standby, "t", "SELECT pg_reload_conf()");
        postgres_server_await(standby, "0", "SELECT count(*) FROM pg_stat_wal_receiver");
        troop_kill(members, leader); /* so that a term is lost, not beats alone */
        leader = troop_await_leader(members, leader);
    }
    unsigned reigns = members->members[leader].reigns;
    postgres_server_kill(server);
    postgres_server_promote(standby);
    assert_reason_or_deadline(troop_await_end(members, leader, reigns), IRX_REASON_STORE_CHANGED);
    unsigned next = troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
    const char *now = postgres_server_say(standby, "SELECT incarnation FROM interrex_ledger");
    assert_int_equal(strlen(now), 32);
    assert_string_not_equal(now, incarnation);
    assert_true(members->members[next].reigns >= 1);
    free(incarnation);
    troop_end(members);
    members = NULL;
    postgres_server_stop(standby);
}

static void a_fail_over_that_lost_nothing(void **state)
{
    (void)state;
    fail_over(false);
}

static void a_fail_over_that_lost_a_term(void **state)
{
    (void)state;
    fail_over(true);
}

/* An old primary that somebody cut off goes on: its leader must not outlive what it may renew. */
static void a_promotion_beside_a_primary_that_hangs(void **state)
{
    (void)state;
    take_server(&(postgres_options){.no_fsync = true});
    postgres_server *standby = postgres_server_standby(server, false);
    proxy *way = proxy_start(postgres_server_port(server));
    char url[160];
    snprintf(url, sizeof url,
             "postgres://worker@127.0.0.1:%d,127.0.0.1:%d/postgres"
             "?target_session_attrs=read-write&connect_timeout=2",
             proxy_port(way), postgres_server_port(standby));
    for (int i = 0; i < 2; i++)
        troop_add(members, url, SAFE);
    troop_await_leader(members, TROOP_MAX);
    postgres_server_catch_up(standby);
    proxy_silence(way, true);
    postgres_server_promote(standby);
    char sql[160]; /* what was streamed before has a time that is earlier */
    snprintf(sql, sizeof sql,
             "SELECT bool_or(session <> '') FROM interrex_ledger WHERE renewed_at > '%s'",
             postgres_server_say(standby, "SELECT clock_timestamp()"));
    postgres_server_await(standby, "t", sql);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
    troop_end(members);
    members = NULL;
    proxy_stop(way);
    postgres_server_stop(standby);
}

/* Who is given a standby alone hears so, and leads as soon as it is none. */
static void a_url_that_names_a_standby(void **state)
{
    (void)state;
    take_server(&(postgres_options){.no_fsync = true});
    postgres_server *standby = postgres_server_standby(server, false);
    unsigned first = add_by(postgres_server_port(standby), SAFE);
    troop_await_error(members, first, IRX_EUNAVAILABLE);
    assert_non_null(strstr(members->members[first].error.text, "standby"));
    assert_false(members->members[first].started);
    postgres_server_promote(standby);
    troop_await_leader(members, TROOP_MAX);
    troop_end(members);
    members = NULL;
    postgres_server_stop(standby);
}

/* ---- the table is another one -----------------------------------------------------------------
 */

/* Whatever happens to the table under a leader, it is told, and the next term is a later one. */
static void change(const char *how, irx_reason reason, irx_reason or_this)
{
    unsigned leader = gather(3, LONGER);
    assert_int_not_equal(postgres_server_say(server, "%s", how)[0], '-');
    assert_reason(troop_await_end(members, leader, 1), reason, or_this);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

static void a_table_that_is_made_anew(void **state)
{
    (void)state;
    change("BEGIN; CREATE TABLE twin (LIKE interrex_ledger INCLUDING ALL);"
           "DROP TABLE interrex_ledger; ALTER TABLE twin RENAME TO interrex_ledger;"
           "GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO worker; COMMIT",
           IRX_REASON_STORE_CHANGED, IRX_REASON_CUT_OFF);
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

static void a_table_that_is_emptied(void **state)
{
    (void)state;
    change("TRUNCATE interrex_ledger", IRX_REASON_RECORD_LOST, IRX_REASON_RECORD_LOST);
}

static void a_row_that_is_deleted(void **state)
{
    (void)state;
    change("DELETE FROM interrex_ledger", IRX_REASON_RECORD_LOST, IRX_REASON_RECORD_LOST);
}

/* The leader does not hear that its row is gone; somebody who knows nothing starts just then. */
static void a_newcomer_after_a_wipe_waits_for_a_leader_it_can_not_know(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        proxy *way = proxy_start(postgres_server_port(server));
        unsigned leader = add_by(proxy_port(way), SAFE);
        troop_await(&members->members[leader].leads, "the first leadership");
        proxy_silence(way, true);
        if (how == 0)
            said(server, "", "DELETE FROM interrex_ledger");
        else
            give_table(server);
        unsigned newcomer = add_by(postgres_server_port(server), SAFE);
        troop_await(&members->members[newcomer].leads, "the newcomer's leadership");
        troop_await_end(members, leader, 1);
        troop_assert_no_overlap(members);
        troop_end(members);
        members = troop_new();
        proxy_stop(way);
        said(server, "", "DELETE FROM interrex_ledger");
    }
}

/* ---- the server refuses -----------------------------------------------------------------------
 */

/* What was refused is told by its code and names `what`; the leadership ends with its deadline, and
 * comes back when an operator has mended it, without anybody being started anew. */
static void refuse(const char *how, const char *back, int code, const char *what)
{
    unsigned leader = gather(2, SAFE);
    assert_int_not_equal(postgres_server_say(server, "%s", how)[0], '-');
    const troop_reign *ended = troop_await_end(members, leader, 1);
    assert_reason(ended, IRX_REASON_EXPIRED, IRX_REASON_CUT_OFF);
    troop_await_error(members, leader, code);
    if (strstr(members->members[leader].error.text, what) == NULL)
        fail_msg("no \"%s\" in: %s", what, members->members[leader].error.text);
    assert_int_not_equal(postgres_server_say(server, "%s", back)[0], '-');
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

static void rights_that_are_withdrawn(void **state)
{
    (void)state;
    refuse("REVOKE UPDATE ON interrex_ledger FROM worker",
           "GRANT UPDATE ON interrex_ledger TO worker", IRX_EAUTH, "UPDATE");
}

/* Under way the tables of such a schema look missing; who connects is told the right. */
static void a_schema_that_is_closed(void **state)
{
    (void)state;
    refuse("REVOKE USAGE ON SCHEMA public FROM public", "GRANT USAGE ON SCHEMA public TO public",
           IRX_EAUTH, "run GRANT USAGE ON SCHEMA public TO worker");
}

static void a_column_that_is_gone(void **state)
{
    (void)state;
    refuse("ALTER TABLE interrex_ledger RENAME beat TO heart",
           "ALTER TABLE interrex_ledger RENAME heart TO beat", IRX_EFOREIGN, "beat");
}

/* The role may not create one, and says what it needs. */
static void a_table_that_is_dropped(void **state)
{
    (void)state;
    unsigned leader = gather(2, SAFE);
    said(server, "", "DROP TABLE interrex_ledger");
    troop_await_end(members, leader, 1);
    troop_await_error(members, leader, IRX_EAUTH);
    give_table(server);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

/* With create_table off nothing is created, even where that would be allowed. */
static void a_table_that_is_not_to_be_created(void **state)
{
    static const char *const given[] = {
        "create_table", "false", "heartbeat_ms", "100", "timeout_ms", "500", NULL};
    (void)state;
    said(server, "", "DROP TABLE interrex_ledger; GRANT CREATE ON SCHEMA public TO worker");
    unsigned first = add_by(postgres_server_port(server), given);
    troop_await_error(members, first, IRX_EFOREIGN);
    assert_non_null(strstr(members->members[first].error.text, "create_table is false"));
    said(server, "t", "SELECT to_regclass('interrex_ledger') IS NULL");
    give_table(server);
    troop_await_leader(members, TROOP_MAX);
}

/* Somebody else's table of the same name is told and left alone. */
static void a_foreign_table_is_left_alone(void **state)
{
    (void)state;
    said(server, "",
         "DROP TABLE interrex_ledger; CREATE TABLE interrex_ledger (name text PRIMARY KEY, n int);"
         "INSERT INTO interrex_ledger VALUES ('theirs', 7);"
         "GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO worker");
    unsigned first = add_by(postgres_server_port(server), SAFE);
    troop_await_error(members, first, IRX_EFOREIGN);
    assert_non_null(strstr(members->members[first].error.text, "interrex_ledger"));
    assert_false(members->members[first].leads);
    said(server, "theirs|7", "SELECT * FROM interrex_ledger");
    give_table(server);
    troop_await_leader(members, TROOP_MAX);
}

/* A server without a connection to spare keeps whoever is connected, tells the others, and lets
 * them in as soon as there is room. */
static void a_full_connection_table(void **state)
{
    (void)state;
    take_server(&(postgres_options){.max_connections = 8, .no_fsync = true});
    unsigned leader = gather(2, PATIENT); /* two connections each, and a line: of five */
    postgres_server_await(server, "5",
                          "SELECT count(*) FROM pg_stat_activity WHERE usename = 'worker'");
    unsigned third = add_by(postgres_server_port(server), PATIENT);
    troop_await_error(members, third, IRX_EUNAVAILABLE);
    assert_non_null(strstr(members->members[third].error.text, "max_connections"));
    assert_false(members->members[third].started);
    assert_true(members->members[leader].leads);
    assert_int_equal(members->members[leader].reigns, 1);
    troop_kill(members, 1 - leader);
    troop_await(&members->members[third].started, "a start");
    assert_true(members->members[leader].leads);
    assert_int_equal(members->members[leader].reigns, 1);
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
        case 0:
        case 1:
            postgres_server_say(server,
                                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE usename = 'worker' AND pid %% 3 = %u",
                                member);
            break;
        case 2: postgres_server_say(server, "DELETE FROM interrex_ledger"); break;
        case 3: give_table(server); break;
        case 4:
            troop_signal(members, member, SIGSTOP);
            troop_pause_ms((int)(random >> 33) % 900);
            troop_signal(members, member, SIGCONT);
            break;
        default: postgres_server_kill(server); postgres_server_restart(server);
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
    const char *part = argc > 1 ? argv[1] : ""; /* or all; and of that what a pattern names */
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    const struct CMUnitTest servers[] = {
        TEST(a_server_that_restarts),
        TEST(a_restart_within_the_lease_is_another_store),
        TEST(a_server_that_is_down_at_start),
        TEST(a_server_that_hangs),
        TEST(a_leader_behind_a_silent_network_says_no_first),
        TEST(a_stop_ends_though_the_server_is_silent),
        TEST(a_fail_over_that_lost_nothing),
        TEST(a_fail_over_that_lost_a_term),
        TEST(a_promotion_beside_a_primary_that_hangs),
        TEST(a_url_that_names_a_standby),
        TEST(a_table_that_is_made_anew),
        TEST(a_table_full_of_the_dead_takes_newcomers),
        TEST(a_table_that_is_emptied),
        TEST(a_row_that_is_deleted),
        TEST(a_newcomer_after_a_wipe_waits_for_a_leader_it_can_not_know),
        TEST(rights_that_are_withdrawn),
        TEST(a_schema_that_is_closed),
        TEST(a_column_that_is_gone),
        TEST(a_table_that_is_dropped),
        TEST(a_table_that_is_not_to_be_created),
        TEST(a_foreign_table_is_left_alone),
        TEST(a_full_connection_table),
        TEST(a_bad_day),
    };
    const struct CMUnitTest sessions[] = {
        TEST(a_killed_leader_is_followed_by_the_waiting_line),
        TEST(under_fast_a_lost_presence_ends_the_term),
        TEST(a_lost_command_session_costs_nothing),
        TEST(a_lost_line_of_the_watch_is_drawn_anew),
        TEST(under_safe_all_sessions_may_end),
        TEST(a_forked_child_keeps_nothing_of_its_parent_alive),
        TEST(settings_of_others_do_not_reach_us),
        TEST(locks_do_not_stack),
        TEST(a_watch_holds_nobody_back),
        TEST(a_row_that_is_locked),
        TEST(a_table_that_is_locked),
    };
    int failed = 0;
    if (strcmp(part, "sessions") != 0)
        failed += cmocka_run_group_tests(servers, open_server, close_server);
    if (strcmp(part, "servers") != 0)
        failed += cmocka_run_group_tests(sessions, open_server, close_server);
    return failed;
}
