/* Elections whose sessions at the server are ended, forked, bent by settings or held up by locks of
 * others. */
#include "postgres.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres_session.h"

/* What a session of ours is there for. */
#define HAS_PRESENCE                                                                               \
    "EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.locktype = 'advisory'"            \
    " AND l.mode = 'ExclusiveLock' AND l.granted)"
#define IS_LINE "a.query LIKE '%PERFORM pg_advisory_xact_lock_shared(%'"
#define IS_COMMAND "NOT " HAS_PRESENCE " AND NOT " IS_LINE

/* Ends the sessions of a member that are like this, and waits for that; there must be one at least.
 */
static void end_sessions(unsigned member, const char *like)
{
    const char *reply = postgres_server_say(server,
                                            "SELECT count(pg_terminate_backend(a.pid, 10000))"
                                            " FROM pg_stat_activity AS a"
                                            " WHERE a.application_name = 'm%u' AND %s",
                                            member, like);
    if (reply[0] == '-' || strcmp(reply, "0") == 0)
        fail_msg("no session of member %u is like %s: %s", member, like, reply);
}

static void await_lines(unsigned member, const char *count)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pg_stat_activity AS a"
             " WHERE application_name = 'm%u' AND state = 'active' AND %s",
             member, IS_LINE);
    postgres_server_await(server, count, sql);
}

/* ---- presence ---------------------------------------------------------------------------------
 */

/* By the wait alone: a lease of two minutes runs out for nobody here. */
void a_killed_leader_is_followed_by_the_waiting_line(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        unsigned leader = round == 0 ? gather(4, PATIENT) : troop_await_leader(members, TROOP_MAX);
        uint64_t term = members->members[leader].list[0].term;
        troop_kill(members, leader);
        unsigned next = troop_await_leader(members, leader);
        assert_int_equal(members->members[next].list[0].term, term + 1);
    }
    troop_assert_no_overlap(members);
}

void under_fast_a_lost_presence_ends_the_term(void **state)
{
    (void)state;
    unsigned leader = gather(3, PATIENT);
    end_sessions(leader, HAS_PRESENCE);
    assert_reason(troop_await_end(members, leader, 1), IRX_REASON_PRESENCE_LOST,
                  IRX_REASON_SUPERSEDED);
    unsigned next = troop_await_leader(members, TROOP_MAX);
    for (unsigned i = 0; i < 3; i++)
        if (i != leader)
            troop_kill(members, i);
    /* It is back, and watches, if it does not lead already. */
    troop_await_leader(members, next == leader ? TROOP_MAX : next);
    troop_await(&members->members[leader].leads, "the return of whoever lost its presence");
}

/* The number of the server process that a member's commands go to; 0: none yet. */
static int command_of(unsigned member)
{
    return atoi(postgres_server_say(server,
                                    "SELECT COALESCE(max(a.pid), 0) FROM pg_stat_activity AS a"
                                    " WHERE a.application_name = 'm%u' AND %s",
                                    member, IS_COMMAND));
}

void a_lost_command_session_costs_nothing(void **state)
{
    (void)state;
    unsigned leader = gather(2, PATIENT);
    for (int round = 0; round < 3; round++) {
        int before = command_of(leader);
        int after = before;
        end_sessions(leader, IS_COMMAND);
        for (int waited = 0; after == before || after == 0; waited += 10) {
            assert_true(waited < TROOP_WAIT_MS);
            troop_pause_ms(10);
            after = command_of(leader);
        }
        assert_true(members->members[leader].leads);
        assert_int_equal(members->members[leader].reigns, 1);
    }
    assert_int_not_equal(members->members[leader].errors, 0); /* it was told */
    postgres_server_await(server, "t",
                          "SELECT renewed_at > clock_timestamp() - interval '900 ms'"
                          " FROM interrex_ledger"); /* it renews again */
}

void a_lost_line_of_the_watch_is_drawn_anew(void **state)
{
    (void)state;
    unsigned leader = gather(2, PATIENT);
    unsigned deputy = 1 - leader;
    for (int round = 0; round < 3; round++) {
        await_lines(deputy, "1");
        end_sessions(deputy, IS_LINE);
    }
    await_lines(deputy, "1");
    assert_int_equal(members->members[leader].reigns, 1);
    troop_kill(members, leader);
    troop_await(&members->members[deputy].leads, "the deputy's leadership");
}

void under_safe_all_sessions_may_end(void **state)
{
    (void)state;
    unsigned leader = gather(3, STEADY);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++)
            end_sessions(i, "true");
        postgres_server_await(server, "3",
                              "SELECT count(*) FROM pg_stat_activity AS a WHERE " HAS_PRESENCE);
        assert_true(members->members[leader].leads);
        assert_int_equal(members->members[leader].reigns, 1);
    }
    postgres_server_await(server, "t",
                          "SELECT renewed_at > clock_timestamp() - interval '90 ms'"
                          " FROM interrex_ledger");
    troop_assert_no_overlap(members);
}

void a_forked_child_keeps_nothing_of_its_parent_alive(void **state)
{
    (void)state;
    unsigned leader = gather(2, PATIENT);
    troop_member *parent = &members->members[leader];
    parent->fork = true;
    troop_await(&parent->forked, "a fork");
    assert_int_equal(parent->child_says, IRX_EFORKED);
    postgres_server_await(server, "t",
                          "SELECT renewed_at > clock_timestamp() - interval '900 ms'"
                          " FROM interrex_ledger"); /* the fork took nothing from the parent */
    assert_true(parent->leads);
    assert_int_equal(parent->reigns, 1);
    assert_int_equal(parent->errors, 0);
    troop_kill(members, leader);
    troop_await_leader(members, leader);
    assert_int_equal(kill(parent->child, 0), 0); /* it lives */
    troop_assert_no_overlap(members);
}

/* ---- what operators set -----------------------------------------------------------------------
 */

/* Time-outs for the sessions of applications, and what a transaction begins with. */
void settings_of_others_do_not_reach_us(void **state)
{
    static const char *const settings[] = {
        "idle_session_timeout = '300ms'",
        "idle_in_transaction_session_timeout = '100ms'",
        "statement_timeout = '250ms'",
        "lock_timeout = '50ms'",
        "client_connection_check_interval = '100ms'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "synchronous_commit = off",
        "search_path = '$user', public",
        "DateStyle = 'German'",
        "IntervalStyle = 'sql_standard'",
        "TimeZone = 'Asia/Kathmandu'",
        "bytea_output = 'escape'",
        "standard_conforming_strings = off",
        "extra_float_digits = -15",
        "enable_indexscan = off",
        "jit_above_cost = 0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        assert_string_equal(postgres_server_say(server, "ALTER %s SET %s",
                                                i % 2 == 0 ? "ROLE worker" : "DATABASE postgres",
                                                settings[i]),
                            "");
    /* The database's reach the operator too. */
    unsigned leader = gather(3, PATIENT);
    unsigned errors[3]; /* until a session is settled it is under them, and may be tried again */
    postgres_server_await(server, "3",
                          "SELECT count(*) FROM pg_stat_activity AS a WHERE " HAS_PRESENCE);
    for (unsigned i = 0; i < 3; i++)
        await_lines(i, i == leader ? "0" : "1");
    for (unsigned i = 0; i < 3; i++)
        errors[i] = members->members[i].errors;
    troop_pause_ms(1200); /* four times what an idle session is allowed */
    for (unsigned i = 0; i < 3; i++)
        if (members->members[i].errors != errors[i])
            fail_msg("member %u: %s", i, members->members[i].error.text);
    troop_kill(members, leader);
    unsigned next = troop_await_leader(members, leader);
    assert_int_equal(members->members[next].errors, errors[next]);
    troop_end(members);
    members = NULL;
}

#define LOCKS "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"

/* A lock taken twice is not given up by its end once: who watches would wait for ever. */
void locks_do_not_stack(void **state)
{
    (void)state;
    gather(3, FAST);
    for (int round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 3; i++)
            end_sessions(i, "true");
        postgres_server_await(server, "3", LOCKS);
        troop_await_leader(members, TROOP_MAX);
    }
    postgres_server_await(server, "3", LOCKS);
    troop_end(members);
    members = NULL;
    postgres_server_await(server, "0", LOCKS);
    postgres_server_await(server, "0",
                          "SELECT count(*) FROM pg_stat_activity WHERE usename = 'worker'");
}

/* A wait without an end would be a snapshot without an end: dead rows of all tables would stay, and
 * an index would never be built. */
void a_watch_holds_nobody_back(void **state)
{
    (void)state;
    unsigned leader = gather(2, PATIENT);
    await_lines(1 - leader, "1");
    said(server, "",
         "DROP TABLE IF EXISTS bystander;"
         "CREATE TABLE bystander AS SELECT generate_series(1, 5000) AS n");
    postgres_session *admin = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(admin, "SET statement_timeout = '25s'");
    static const char *const works[] = {
        "CREATE INDEX CONCURRENTLY bystander_n ON bystander (n)",
        "CREATE INDEX CONCURRENTLY ledger_term ON interrex_ledger (term)",
        "DROP INDEX CONCURRENTLY ledger_term",
    };
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
        assert_string_equal(postgres_session_say(admin, works[i]), "");
    assert_string_equal(postgres_session_say(admin, "DELETE FROM bystander"), "");
    for (int waited = 0;; waited += 20) { /* pages whose rows nobody can see any more are cut off */
        assert_string_equal(postgres_session_say(admin, "VACUUM bystander"), "");
        if (strcmp(postgres_session_say(admin, "SELECT pg_relation_size('bystander')"), "0") == 0)
            break;
        assert_true(waited < TROOP_WAIT_MS);
        troop_pause_ms(20);
    }
    assert_string_equal(postgres_session_say(admin, "VACUUM FULL interrex_ledger"), "");
    postgres_session_close(admin);
    said(server, "", "DROP TABLE bystander");
    await_lines(1 - leader, "1"); /* and the watch is still there */
    assert_int_equal(members->members[leader].reigns, 1);
    troop_kill(members, leader);
    troop_await_leader(members, leader);
}

/* ---- locks of others --------------------------------------------------------------------------
 */

/* Waits for the end of every leadership; the member that had the last one. */
static unsigned await_vacancy(void)
{
    unsigned last = 0;
    uint64_t term = 0;
    for (unsigned i = 0; i < members->count; i++) {
        unsigned reigns = members->members[i].reigns;
        if (reigns > 0 && troop_await_end(members, i, reigns)->term > term) {
            term = members->members[i].list[reigns - 1].term;
            last = i;
        }
    }
    assert_true(term > 0);
    return last;
}

/* A renewal that can not be written is none: the leadership ends, nobody else's begins, and all is
 * well when the lock is gone. */
static void hold(const char *lock)
{
    gather(3, SAFE);
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN");
    assert_int_not_equal(postgres_session_say(other, lock)[0], '-');
    uint64_t term =
        strtoull(postgres_session_say(other, "SELECT term FROM interrex_ledger"), NULL, 10);
    unsigned leader = await_vacancy();
    assert_reason(troop_await_end(members, leader, members->members[leader].reigns),
                  IRX_REASON_EXPIRED, IRX_REASON_CUT_OFF);
    troop_await_error(members, leader, IRX_EUNAVAILABLE);
    troop_pause_ms(1200); /* two holds, in which the others try */
    for (unsigned i = 0; i < 3; i++) {
        const troop_member *member = &members->members[i];
        assert_false(member->leads);
        assert_true(member->reigns == 0 || member->list[member->reigns - 1].term <= term);
    }
    assert_string_equal(postgres_session_say(other, "COMMIT"), "");
    postgres_session_close(other);
    troop_await_leader(members, TROOP_MAX);
    troop_assert_no_overlap(members);
}

void a_row_that_is_locked(void **state)
{
    (void)state;
    hold("SELECT name FROM interrex_ledger FOR UPDATE");
}

void a_table_that_is_locked(void **state)
{
    (void)state;
    hold("LOCK TABLE interrex_ledger IN ACCESS EXCLUSIVE MODE");
}
