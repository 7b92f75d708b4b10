/* Elections through a real pgbouncer, which hands the server's sessions from one client to the
 * next: what works, what is refused and how that is told, and that nothing of ours stays in a
 * session that the next client gets. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "pgbouncer.h"
#include "postgres_server.h"
#include "postgres_session.h"

static postgres_server *server;
static pgbouncer *pooler; /* of the present test */

enum { MEMBERS = 2 };

typedef struct member {
    irx_election *e;
    char url[128];
    unsigned warnings; /* of code IRX_EUNSUPPORTED */
    unsigned errors;   /* of any code */
    irx_error last;
} member;

static int start_server(void **state)
{
    (void)state;
    server = postgres_server_start(NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    postgres_server_stop(server);
    return 0;
}

/* One session at the server for all who come: what one leaves there the next one finds. */
static int start(const char *mode)
{
    static const char *const narrow[] = {"admin_users = postgres", "default_pool_size = 1", NULL};
    bool session = strcmp(mode, "session") == 0;
    postgres_server_say(server, "DROP TABLE IF EXISTS interrex_ledger");
    pooler = pgbouncer_start(server, mode, session ? NULL : narrow);
    return 0;
}

static int start_transaction(void **state)
{
    (void)state;
    return start("transaction");
}

static int start_session(void **state)
{
    (void)state;
    return start("session");
}

static int start_statement(void **state)
{
    (void)state;
    return start("statement");
}

static int stop(void **state)
{
    (void)state;
    pgbouncer_stop(pooler);
    return 0;
}

/* Members that share a URL share a connection, so each has one of its own. */
static void open_by(member *m, int port, int number, const char *timeout_ms)
{
    *m = (member){0};
    snprintf(m->url, sizeof m->url,
             "postgres://postgres@127.0.0.1:%d/postgres?application_name=m%d", port, number);
    m->e = open_election(m->url, "pooled", "heartbeat_ms", "100", "timeout_ms", timeout_ms, NULL);
    assert_int_equal(irx_election_start(m->e), 0);
}

static void open_pair(member pair[MEMBERS], const char *timeout_ms)
{
    for (int i = 0; i < MEMBERS; i++)
        open_by(&pair[i], pgbouncer_port(pooler), i, timeout_ms);
}

static void take_events(member *m)
{
    irx_event *event;
    while (irx_election_next_event(m->e, &event, 0) == 0) {
        if (event->kind == IRX_WARNING || event->kind == IRX_ERROR)
            m->last = event->error;
        m->warnings += event->kind == IRX_WARNING && event->error.code == IRX_EUNSUPPORTED;
        m->errors += event->kind == IRX_ERROR;
        irx_event_free(event);
    }
}

static void close_pair(member pair[MEMBERS])
{
    for (int i = 0; i < MEMBERS; i++)
        irx_election_close(pair[i].e);
}

static int leader_of(member pair[MEMBERS])
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    for (;;) {
        for (int i = 0; i < MEMBERS; i++)
            if (irx_election_is_leader(pair[i].e))
                return i;
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
}

static void await_beats(int count)
{
    char sql[128];
    long beat = atol(postgres_server_say(server, "SELECT beat FROM interrex_ledger"));
    snprintf(sql, sizeof sql, "SELECT beat >= %ld FROM interrex_ledger", beat + count);
    postgres_server_await(server, "t", sql);
}

static void await_value(irx_election *e, const char *text)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    for (bool same = false; !same;) {
        irx_value *value = NULL;
        assert_true(now_ms() < until_ms);
        if (irx_election_value(e, &value) == 0 && value != NULL) {
            same = value->length == strlen(text) && memcmp(value->data, text, value->length) == 0;
            irx_value_free(value);
        }
        sleep_ms(1);
    }
}

static void await_members(irx_election *e, size_t want)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    for (size_t count = 0; count != want;) {
        irx_member_info *members;
        assert_true(now_ms() < until_ms);
        assert_int_equal(irx_election_members(e, &members, &count), 0);
        irx_members_free(members);
        sleep_ms(1);
    }
}

static irx_id session_of(const member *m)
{
    irx_status status;
    assert_int_equal(irx_election_status(m->e, &status), 0);
    return status.session;
}

/* Nobody is told, but everybody looks before who gave up may claim again. */
static void hand_over(member *from, member *to)
{
    assert_int_equal(irx_election_transfer(from->e, session_of(to)), 0);
    await_leading(to->e);
    assert_false(irx_election_is_leader(from->e));
}

/* All that a ledger is there for; a statement that needs a session of its own fails here. */
static void take_part(void)
{
    member pair[MEMBERS];
    uint64_t ticket;
    open_pair(pair, "1000");
    int leader = leader_of(pair);
    await_following(pair[1 - leader].e);
    await_members(pair[0].e, 2);
    await_members(pair[1].e, 2);
    await_beats(5);
    assert_int_equal(irx_election_publish(pair[leader].e, "first", 5, &ticket), 0);
    assert_int_equal(await_settled(pair[leader].e, ticket, NULL), 0);
    await_value(pair[1 - leader].e, "first");
    hand_over(&pair[leader], &pair[1 - leader]);
    await_following(pair[leader].e);
    assert_int_equal(irx_election_publish(pair[1 - leader].e, "second", 6, &ticket), 0);
    assert_int_equal(await_settled(pair[1 - leader].e, ticket, NULL), 0);
    await_value(pair[leader].e, "second");
    assert_int_equal(irx_election_guarantee(pair[leader].e), IRX_GUARANTEE_TERM);
    irx_election_close(pair[1 - leader].e);
    await_leading(pair[leader].e);
    irx_election_close(pair[leader].e);
    postgres_server_await(server, "0",
                          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
}

static void a_pair_through_sessions_that_change(void **state)
{
    (void)state;
    take_part();
}

static void a_pair_through_sessions_of_their_own(void **state)
{
    (void)state;
    take_part();
}

static void a_pair_through_single_statements(void **state)
{
    (void)state;
    take_part();
}

/* A pooler stays one: told once, as a warning, and not with every attempt. */
static void that_there_is_no_presence_is_said_once(void **state)
{
    (void)state;
    member pair[MEMBERS];
    open_pair(pair, "5000"); /* no statement is late on a busy machine */
    leader_of(pair);
    await_beats(30);
    for (int i = 0; i < MEMBERS; i++) {
        take_events(&pair[i]);
        if (pair[i].errors != 0 || pair[i].warnings != 1)
            fail_msg("member %d: %u errors, %u warnings, the last: %s", i, pair[i].errors,
                     pair[i].warnings, pair[i].last.text);
        assert_non_null(strstr(pair[i].last.text, "pooler"));
    }
    close_pair(pair);
}

/* pgbouncer invents the number of the server's process also where a session keeps its process: that
 * this could be had with presence is not to be known. */
static void it_is_a_pooler_in_every_mode(void **state)
{
    that_there_is_no_presence_is_said_once(state);
    postgres_server_await(server, "0", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
}

/* Nobody behind a pooler hears anything; who sends must be told so, and not wait. */
static void a_message_reaches_nobody_and_says_so(void **state)
{
    (void)state;
    member pair[MEMBERS];
    uint64_t ticket;
    open_pair(pair, "1000");
    int leader = leader_of(pair);
    await_following(pair[1 - leader].e);
    await_members(pair[leader].e, 2);
    assert_int_equal(irx_election_send(pair[leader].e, IRX_TO_MEMBER, session_of(&pair[1 - leader]),
                                       "x", 1, &ticket),
                     0);
    assert_int_equal(await_settled(pair[leader].e, ticket, NULL), IRX_ENOMEMBER);
    assert_int_equal(
        irx_election_send(pair[1 - leader].e, IRX_TO_LEADER, (irx_id){0, 0}, "x", 1, &ticket), 0);
    assert_int_equal(await_settled(pair[1 - leader].e, ticket, NULL), IRX_ENOMEMBER);
    close_pair(pair);
}

/* The pool has one session: the next client gets the very one that ours had. */
static void nothing_of_ours_stays_in_the_session(void **state)
{
    static const char *const left[] = {
        "SELECT count(*) FROM pg_prepared_statements",
        "SELECT count(*) FROM pg_listening_channels()",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
        "SELECT COALESCE(string_agg(name || ' = ' || setting, ', '), '0')"
        " FROM pg_settings WHERE source = 'session'"
        " AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone',"
        " 'standard_conforming_strings',"
        " 'transaction_read_only')", /* which pgbouncer sets, or begin anew with a transaction */
        "SELECT count(*) FROM pg_class WHERE relpersistence = 't'",
    };
    (void)state;
    member pair[MEMBERS];
    uint64_t ticket;
    open_pair(pair, "1000");
    int leader = leader_of(pair);
    await_following(pair[1 - leader].e);
    assert_int_equal(irx_election_publish(pair[leader].e, "v", 1, &ticket), 0);
    assert_int_equal(await_settled(pair[leader].e, ticket, NULL), 0);
    for (int round = 0; round < 3; round++) {
        await_beats(3);
        for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
            if (strcmp(pgbouncer_say(pooler, "postgres", left[i]), "0") != 0)
                fail_msg("%s: %s", left[i], pgbouncer_say(pooler, "postgres", left[i]));
    }
    postgres_server_await(server, "1",
                          "SELECT count(*) FROM pg_stat_activity"
                          " WHERE client_port = -1 AND backend_type = 'client backend'"
                          " AND pid <> pg_backend_pid()");
    close_pair(pair);
    assert_string_equal(pgbouncer_say(pooler, "postgres", left[2]), "0");
}

/* An operator exchanges the sessions behind the pooler, or holds all clients up for a while. */
static void a_pooler_that_reconnects_or_pauses(void **state)
{
    (void)state;
    member pair[MEMBERS];
    open_pair(pair, "1000");
    int leader = leader_of(pair);
    await_beats(2);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(pgbouncer_say(pooler, "pgbouncer", "RECONNECT"), "");
        await_beats(3);
    }
    leader = leader_of(pair);
    assert_string_equal(pgbouncer_say(pooler, "pgbouncer", "PAUSE"), "");
    irx_event *event = await_event(pair[leader].e, IRX_DEFEATED);
    assert_true(event->reason == IRX_REASON_EXPIRED || event->reason == IRX_REASON_CUT_OFF);
    irx_event_free(event);
    assert_false(irx_election_is_leader(pair[1 - leader].e));
    assert_int_not_equal(pgbouncer_say(pooler, "pgbouncer", "RESUME")[0], '-');
    leader_of(pair);
    await_beats(3);
    close_pair(pair);
}

/* One with presence and one without: the latter is missed and misses by the lease, not for ever. */
static void one_member_direct_and_one_through_it(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        member pair[MEMBERS];
        uint64_t ticket;
        int ports[MEMBERS] = {pgbouncer_port(pooler), postgres_server_port(server)};
        open_by(&pair[first], ports[first], first, "1000");
        await_leading(pair[first].e);
        open_by(&pair[1 - first], ports[1 - first], 1 - first, "1000");
        await_following(pair[1 - first].e);
        await_members(pair[1].e, 2);
        await_members(pair[0].e, 2);
        /* Who is heard directly can be told something through the pooler. */
        assert_int_equal(
            irx_election_send(pair[0].e, IRX_TO_MEMBER, session_of(&pair[1]), "hello", 5, &ticket),
            0);
        assert_int_equal(await_settled(pair[0].e, ticket, NULL), 0);
        irx_event_free(await_message(pair[1].e, "hello"));
        assert_int_equal(
            irx_election_send(pair[1].e, IRX_TO_MEMBER, session_of(&pair[0]), "hello", 5, &ticket),
            0);
        assert_int_equal(await_settled(pair[1].e, ticket, NULL), IRX_ENOMEMBER);
        hand_over(&pair[first], &pair[1 - first]);
        irx_election_close(pair[1 - first].e);
        await_leading(pair[first].e);
        irx_election_close(pair[first].e);
        postgres_server_say(server, "DELETE FROM interrex_ledger");
    }
}

/* Behind a pooler no session of ours has a lock_timeout: what waits for a row must not gather at
 * the server, a session for each attempt, until the pool or the server is full of them. */
static void what_waits_for_a_row_does_not_pile_up(void **state)
{
    (void)state;
    member one;
    pgbouncer_stop(pooler);
    pooler = pgbouncer_start(server, "transaction", NULL);
    open_by(&one, pgbouncer_port(pooler), 0, "1000");
    await_leading(one.e);
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN; SELECT name FROM interrex_ledger FOR UPDATE");
    expect_event(one.e, IRX_DEFEATED);
    for (int i = 0; i < 30; i++) { /* three seconds of attempts */
        const char *waiting = postgres_server_say(
            server, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        if (atoi(waiting) > 2)
            fail_msg("%s sessions wait", waiting);
        sleep_ms(100);
    }
    postgres_session_say(other, "COMMIT");
    postgres_session_close(other);
    await_leading(one.e);
    irx_election_close(one.e);
}

#define TRANSACTION(name) cmocka_unit_test_setup_teardown(name, start_transaction, stop)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TRANSACTION(a_pair_through_sessions_that_change),
        cmocka_unit_test_setup_teardown(a_pair_through_sessions_of_their_own, start_session, stop),
        cmocka_unit_test_setup_teardown(a_pair_through_single_statements, start_statement, stop),
        TRANSACTION(that_there_is_no_presence_is_said_once),
        cmocka_unit_test_setup_teardown(it_is_a_pooler_in_every_mode, start_session, stop),
        TRANSACTION(a_message_reaches_nobody_and_says_so),
        TRANSACTION(nothing_of_ours_stays_in_the_session),
        TRANSACTION(a_pooler_that_reconnects_or_pauses),
        TRANSACTION(one_member_direct_and_one_through_it),
        TRANSACTION(what_waits_for_a_row_does_not_pile_up),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
