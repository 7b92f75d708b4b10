/* What the PostgreSQL medium does beyond what the contract asks of every medium: what goes together
 * in one statement, rows that somebody holds locked, several media at one server, and what is let
 * in of what anybody may say on our channels. Against a real server. */
#include "cmocka_all.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handles.h"
#include "peer.h"
#include "postgres_server.h"
#include "postgres_session.h"
#include "runtime/clock.h"
#include "runtime/error.h"

static postgres_server *server;
static struct ev_loop *loop;

enum { MANY = 40 };

static int start_server(void **state)
{
    (void)state;
    server = postgres_server_start(NULL);
    loop = ev_loop_new(EVFLAG_AUTO);
    return loop == NULL;
}

static int stop_server(void **state)
{
    (void)state;
    ev_loop_destroy(loop);
    postgres_server_stop(server);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    postgres_server_say(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE backend_type = 'client backend'"
                                " AND pid <> pg_backend_pid();" /* what a failed test left */
                                "SET client_min_messages = warning; SET lock_timeout = '5s';"
                                "DROP TABLE IF EXISTS interrex_ledger, other_ledger");
    return 0;
}

static peer *open_peer(const char *more)
{
    char url[160];
    snprintf(url, sizeof url, "%s%s", postgres_server_url(server), more);
    return peer_open(&irx__medium_postgres, loop, url, "interrex");
}

static bool await_said(const char *expected, const char *sql)
{
    for (int i = 0; i < PEER_WAIT_MS / 10; i++) {
        if (strcmp(postgres_server_say(server, "%s", sql), expected) == 0)
            return true;
        peer_run_ms(loop, 10);
    }
    print_message("%s: %s, never %s\n", sql, postgres_server_say(server, "%s", sql), expected);
    return false;
}

/* One process that leads many elections, called e0, e1, ... */
typedef struct crowd {
    peer *p;
    peer_seat *seats[MANY];
    irx_record held[MANY];
} crowd;

static crowd lead_many(int count)
{
    crowd c = {.p = open_peer("")};
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "e%d", i);
        c.seats[i] = peer_sit(c.p, name, "host:1");
        c.held[i] = peer_lead(c.seats[i]);
    }
    return c;
}

static void disperse(crowd *c, int count)
{
    for (int i = 0; i < count; i++)
        peer_free(c->seats[i]);
    peer_close(c->p);
}

static void renew_all(crowd *c, int count, uint64_t beat)
{
    for (int i = 0; i < count; i++) {
        irx_op op = peer_renew(c->seats[i], &c->held[i], beat);
        peer_submit(c->seats[i], &op);
    }
}

static irx_result await_result(peer_seat *s)
{
    assert_true(peer_wait(loop, &s->results, s->submitted));
    return s->log[s->results % PEER_LOG_MAX];
}

/* ---- together ---------------------------------------------------------------------------------
 */

/* If each election asked by itself, a thousand of them would cost a thousand round trips, and as
 * many waits for the disk, per heartbeat. */
static void what_waits_goes_in_one_statement(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    renew_all(&c, MANY, 10);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(await_result(c.seats[i]).status, IRX_RESULT_OK);
    assert_string_equal(postgres_server_say(server, "SELECT count(DISTINCT xmin::text), min(beat),"
                                                    " max(beat) FROM interrex_ledger"),
                        "1|10|10");
    disperse(&c, MANY);
}

/* The looks for dead members as well: they are one for each election and time-out. */
static void strikes_go_in_one_statement(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    peer *mortal = open_peer("");
    peer_seat *dead[MANY];
    for (int i = 0; i < MANY; i += 2) {
        char name[16];
        snprintf(name, sizeof name, "e%d", i);
        dead[i] = peer_sit(mortal, name, "host:2");
        assert_int_equal(peer_say(dead[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(peer_say(c.seats[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN");
    postgres_session_say(other, "SELECT name FROM interrex_ledger WHERE name = 'e2' FOR UPDATE");
    for (int i = 0; i < MANY; i += 2)
        peer_free(dead[i]);
    peer_close(mortal);
    assert_true(await_said("1", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"));
    for (int i = 0; i < MANY; i++) {
        irx_op strike = peer_op(c.seats[i], IRX_OP_STRIKE);
        peer_submit(c.seats[i], &strike);
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(await_result(c.seats[i]).status, IRX_RESULT_OK);
        assert_int_equal(c.seats[i]->seat.member_count, i == 2 ? 2 : 1); /* that row is held */
    }
    assert_string_equal(postgres_server_say(server,
                                            "SELECT count(DISTINCT xmin::text)"
                                            " FROM interrex_ledger"
                                            " WHERE right(name, 1) IN ('0', '4', '6', '8')"),
                        "1");
    postgres_session_say(other, "COMMIT");
    postgres_session_close(other);
    assert_int_equal(peer_say(c.seats[2], IRX_OP_STRIKE).status, IRX_RESULT_OK);
    assert_int_equal(c.seats[2]->seat.member_count, 1);
    disperse(&c, MANY);
}

/* A process that takes part in many elections reads all their values when it begins. */
static void values_of_many_are_not_too_much_at_once(void **state)
{
    enum { COUNT = 300 };
    static peer_seat *seats[COUNT];
    (void)state;
    peer *p = open_peer("");
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        seats[i] = peer_sit(p, name, "host:1");
        irx_op create = peer_op(seats[i], IRX_OP_CREATE);
        create.incarnation = irx__random_id();
        peer_submit(seats[i], &create);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(await_result(seats[i]).status, IRX_RESULT_OK);
    postgres_server_say(server, "UPDATE interrex_ledger SET value_term = 1, value_index = 1,"
                                " value = decode(repeat('ab', 65536), 'hex')");
    for (int i = 0; i < COUNT; i++) {
        irx_op read = peer_op(seats[i], IRX_OP_READ);
        peer_submit(seats[i], &read);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(await_result(seats[i]).status, IRX_RESULT_OK);
        assert_int_equal(seats[i]->seat.value_length, 65536);
        peer_free(seats[i]);
    }
    peer_close(p);
}

/* What members say of themselves may be more: then less is asked for at once. Fewer would never be
 * known to a process that takes part in all of these. */
static void members_of_many_are_not_too_much_for_long(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    postgres_server_say(
        server, "UPDATE interrex_ledger SET members_version = 1, members = (SELECT"
                " jsonb_object_agg(md5(n::text), n || ' - 0 ' || repeat('ab', 4096) || ' host')"
                " FROM generate_series(1, 60) AS n)");
    peer *p = open_peer("");
    peer_seat *seats[MANY];
    for (int i = 0; i < MANY; i++)
        seats[i] = peer_sit(p, c.seats[i]->seat.name, "host:2");
    int left = MANY;
    for (int round = 0; left > 0; round++) {
        assert_true(round < 5);
        for (int i = 0; i < MANY; i++) {
            irx_op read = peer_op(seats[i], IRX_OP_READ);
            if (seats[i]->seat.member_count == 0)
                peer_submit(seats[i], &read);
        }
        unsigned downs = p->downs[IRX_CHANNEL_COMMAND];
        for (int i = 0; i < MANY && p->downs[IRX_CHANNEL_COMMAND] == downs; i++)
            while (p->downs[IRX_CHANNEL_COMMAND] == downs && seats[i]->seat.member_count == 0)
                peer_run_ms(loop, 1);
        if (p->downs[IRX_CHANNEL_COMMAND] != downs) {
            assert_int_equal(p->why.code, IRX_ETOOLARGE);
            assert_true(peer_up(p, IRX_CHANNEL_COMMAND));
        }
        for (int i = left = 0; i < MANY; i++)
            left += seats[i]->seat.member_count == 0;
    }
    assert_true(p->downs[IRX_CHANNEL_COMMAND] > 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(seats[i]->seat.member_count, 60);
        peer_free(seats[i]);
    }
    peer_close(p);
    disperse(&c, MANY);
}

/* Each answer goes to its question, also where some are refused, and whatever else is asked waits
 * its turn: a release behind a renewal of the same seat must not come before it. */
static void answers_find_their_questions(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    postgres_server_say(server, "UPDATE interrex_ledger SET term = term + 1 WHERE name LIKE '%%3'");
    postgres_server_say(server, "DELETE FROM interrex_ledger WHERE name LIKE '%%7'");
    renew_all(&c, MANY, 20);
    for (int i = 0; i < MANY; i++) {
        irx_op release = peer_release(c.seats[i], &c.held[i]);
        peer_submit(c.seats[i], &release);
        irx_op read = peer_op(c.seats[i], IRX_OP_READ);
        peer_submit(c.seats[i], &read);
    }
    for (int i = 0; i < MANY; i++) {
        peer_seat *s = c.seats[i];
        irx_status_kind expected = i % 10 == 3   ? IRX_RESULT_STALE
                                   : i % 10 == 7 ? IRX_RESULT_ABSENT
                                                 : IRX_RESULT_OK;
        await_result(s);
        const irx_result *renewed = &s->log[(s->results - 2) % PEER_LOG_MAX];
        const irx_result *released = &s->log[(s->results - 1) % PEER_LOG_MAX];
        const irx_result *seen = &s->log[s->results % PEER_LOG_MAX];
        assert_int_equal(renewed->status, expected);
        assert_int_equal(released->status, expected);
        assert_int_equal(seen->status, i % 10 == 7 ? IRX_RESULT_ABSENT : IRX_RESULT_OK);
        if (expected == IRX_RESULT_OK) {
            assert_int_equal(seen->record.beat, 20);
            assert_true(irx_id_none(seen->record.session));
            assert_true(irx_id_equal(seen->record.incarnation, c.held[i].incarnation));
        }
    }
    disperse(&c, MANY);
}

/* A seat that leaves while its question is under way must not get, nor shift, an answer. */
static void a_seat_may_leave_meanwhile(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    renew_all(&c, MANY, 30);
    for (int i = 0; i < MANY; i += 2)
        peer_leave(c.seats[i]);
    for (int i = 1; i < MANY; i += 2)
        assert_int_equal(await_result(c.seats[i]).record.term, c.held[i].term);
    renew_all(&c, 0, 31);
    for (int i = 1; i < MANY; i += 2) {
        irx_op op = peer_renew(c.seats[i], &c.held[i], 31);
        assert_int_equal(peer_do(c.seats[i], &op).status, IRX_RESULT_OK);
    }
    disperse(&c, MANY);
}

/* ---- the line ---------------------------------------------------------------------------------
 */

enum { TALK = 5000 };

static void talk(peer_seat *s)
{
    irx_message message = peer_data(s, (irx_id){0, 0}, "on and on", 9);
    for (int i = 0; i < TALK; i++)
        peer_post(s, &message, (irx_id){0, 0}, (uint64_t)i + 1);
}

/* However much else a process has to say: its leases would run out behind it. */
static void renewals_go_first(void **state)
{
    (void)state;
    crowd c = lead_many(2);
    talk(c.seats[0]);
    irx_op op = peer_renew(c.seats[1], &c.held[1], 10);
    assert_int_equal(peer_do(c.seats[1], &op).status, IRX_RESULT_OK);
    assert_true(c.seats[0]->sents < TALK);
    disperse(&c, 2);
}

/* What does not come to its turn in time while others are answered is refused, and surely was not
 * asked. Counted as without an answer it would cost all elections a connection that is good. */
static void whose_turn_does_not_come_is_refused(void **state)
{
    (void)state;
    crowd c = lead_many(2);
    talk(c.seats[0]);
    irx_op op = peer_op(c.seats[1], IRX_OP_JOIN);
    op.deadline_ns = irx__clock_boot_ns() + 300 * INT64_C(1000000); /* a heartbeat */
    irx_result result = peer_do(c.seats[1], &op);
    assert_int_equal(result.status, IRX_RESULT_FAILED);
    assert_int_equal(result.error_code, IRX_EUNAVAILABLE);
    assert_non_null(strstr(c.seats[1]->why.text, "too much else was asked"));
    assert_true(c.p->up[IRX_CHANNEL_COMMAND]);
    assert_int_equal(peer_say(c.seats[1], IRX_OP_READ).status, IRX_RESULT_OK);
    assert_string_equal(
        postgres_server_say(server, "SELECT members FROM interrex_ledger WHERE name = 'e1'"), "{}");
    disperse(&c, 2);
}

/* ---- rows that are held -----------------------------------------------------------------------
 */

/* Somebody looks at one row, and keeps it: the others' beats go on, and this one's goes on
 * afterwards. */
static void a_held_row_holds_nobody_else_up(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN");
    postgres_session_say(other, "SELECT name FROM interrex_ledger WHERE name = 'e5' FOR UPDATE");
    for (uint64_t beat = 40; beat < 43; beat++) {
        renew_all(&c, MANY, beat);
        for (int i = 0; i < MANY; i++) {
            irx_result result = await_result(c.seats[i]);
            assert_int_equal(result.status, i == 5 ? IRX_RESULT_FAILED : IRX_RESULT_OK);
            if (i == 5)
                assert_int_equal(result.error_code, IRX_EUNAVAILABLE);
        }
    }
    assert_true(c.p->up[IRX_CHANNEL_COMMAND]);
    postgres_session_say(other, "COMMIT");
    postgres_session_close(other);
    irx_op op = peer_renew(c.seats[5], &c.held[5], 44);
    assert_int_equal(peer_do(c.seats[5], &op).status, IRX_RESULT_OK);
    disperse(&c, MANY);
}

/* Each of many held rows is waited for by itself. Whatever other elections ask meanwhile must come
 * between two such waits, not after all of them: their leases would end. */
static void many_held_rows_hold_nobody_up(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN");
    postgres_session_say(other, "SELECT name FROM interrex_ledger WHERE name <> 'e0' FOR UPDATE");
    renew_all(&c, MANY, 50);
    assert_int_equal(await_result(c.seats[0]).status, IRX_RESULT_OK);
    for (uint64_t beat = 51; beat < 54; beat++) {
        irx_op op = peer_renew(c.seats[0], &c.held[0], beat);
        assert_int_equal(peer_do(c.seats[0], &op).status, IRX_RESULT_OK);
    }
    /* Not even a tenth of the waits has passed by then. */
    int refused = 0;
    for (int i = 1; i < MANY; i++)
        refused += c.seats[i]->results == c.seats[i]->submitted;
    if (refused > MANY / 4)
        fail_msg("%d waits came before three renewals", refused);
    postgres_session_say(other, "COMMIT");
    postgres_session_close(other);
    for (int i = 1; i < MANY; i++)
        await_result(c.seats[i]);
    disperse(&c, MANY);
}

/* ---- rows that are refused --------------------------------------------------------------------
 */

static void refuse_row(const char *name)
{
    const char *reply = postgres_server_say(
        server,
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'not this one'; END$$;"
        "CREATE TRIGGER refuses BEFORE UPDATE ON interrex_ledger FOR EACH ROW"
        " WHEN (old.name = '%s') EXECUTE FUNCTION refuse()",
        name);
    assert_int_not_equal(reply[0], '-');
}

/* Somebody's trigger refuses one row: with it the renewals of all others would fail, for ever. */
static void a_refused_row_takes_no_other_with_it(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    refuse_row("e5");
    for (uint64_t beat = 60; beat < 63; beat++) {
        renew_all(&c, MANY, beat);
        for (int i = 0; i < MANY; i++) {
            irx_result result = await_result(c.seats[i]);
            assert_int_equal(result.status, i == 5 ? IRX_RESULT_FAILED : IRX_RESULT_OK);
            if (i == 5)
                assert_int_equal(result.error_code, IRX_EFOREIGN);
        }
    }
    assert_string_equal(postgres_server_say(server,
                                            "SELECT min(beat), max(beat) FROM interrex_ledger"
                                            " WHERE name <> 'e5'"),
                        "62|62");
    disperse(&c, MANY);
}

/* The dead of other elections are struck all the same. */
static void a_refused_strike_takes_no_other_with_it(void **state)
{
    (void)state;
    crowd c = lead_many(MANY);
    postgres_server_say(server,
                        "UPDATE interrex_ledger SET members_version = 1, members ="
                        " jsonb_build_object(md5('dead'), '1 ' || md5('gone') || ' 1 - x')");
    refuse_row("e7");
    for (int i = 0; i < MANY; i++) {
        irx_op strike = peer_op(c.seats[i], IRX_OP_STRIKE);
        peer_submit(c.seats[i], &strike);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(await_result(c.seats[i]).status,
                         i == 7 ? IRX_RESULT_FAILED : IRX_RESULT_OK);
    assert_string_equal(postgres_server_say(server, "SELECT string_agg(name, ',')"
                                                    " FROM interrex_ledger WHERE members <> '{}'"),
                        "e7");
    disperse(&c, MANY);
}

/* A name that the database has no letters for is refused before anything is looked up. */
static void a_name_without_letters_takes_no_other_with_it(void **state)
{
    (void)state;
    postgres_server_say(server, "DROP DATABASE IF EXISTS latin");
    assert_string_equal(postgres_server_say(server, "CREATE DATABASE latin ENCODING 'LATIN1'"
                                                    " LOCALE 'C' TEMPLATE template0"),
                        "");
    char url[128];
    snprintf(url, sizeof url, "postgres://postgres@127.0.0.1:%d/latin",
             postgres_server_port(server));
    peer *p = peer_open(&irx__medium_postgres, loop, url, "interrex");
    peer_seat *seats[MANY];
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, i == 9 ? "\xe2\x98\x83" : "e%d", i);
        seats[i] = peer_sit(p, name, "host:1");
        irx_op read = peer_op(seats[i], IRX_OP_READ);
        peer_submit(seats[i], &read);
    }
    for (int i = 0; i < MANY; i++) {
        irx_result result = await_result(seats[i]);
        assert_int_equal(result.status, i == 9 ? IRX_RESULT_FAILED : IRX_RESULT_ABSENT);
        if (i == 9)
            assert_int_equal(result.error_code, IRX_ECONFIG);
        peer_free(seats[i]);
    }
    peer_close(p);
}

/* ---- several media ----------------------------------------------------------------------------
 */

/* Namespaces and schemas are worlds of their own: a record, a member, a hint or a message of one is
 * nothing in the other. */
static void namespaces_and_schemas_never_meet(void **state)
{
    (void)state;
    postgres_server_say(server, "DROP SCHEMA IF EXISTS apart CASCADE");
    char url[160];
    snprintf(url, sizeof url, "%s?schema=apart", postgres_server_url(server));
    peer *peers[3] = {open_peer(""),
                      peer_open(&irx__medium_postgres, loop, postgres_server_url(server), "other"),
                      peer_open(&irx__medium_postgres, loop, url, "interrex")};
    peer_seat *seats[3];
    for (int i = 0; i < 3; i++)
        seats[i] = peer_sit(peers[i], "same", "host:1");
    for (int i = 0; i < 3; i++)
        assert_true(peer_wait(loop, &seats[i]->hints, 1)); /* it listens */
    assert_true(await_said("3", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"));
    unsigned hints[3];
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            hints[j] = seats[j]->hints;
        assert_int_equal(peer_say(seats[i], IRX_OP_READ).status, IRX_RESULT_ABSENT);
        peer_say(seats[i], IRX_OP_JOIN);
        peer_lead(seats[i]);
        assert_int_equal(seats[i]->seat.member_count, 1);
        peer_tell_all(seats[i], "mine");
        assert_true(peer_heard(seats[i], 1, seats[i], "mine"));
        for (int j = 0; j < 3; j++) {
            if (j != i)
                assert_int_equal(seats[j]->messages, j < i ? 1 : 0);
            if (j > i)
                assert_int_equal(seats[j]->hints, hints[j]);
        }
    }
    for (int i = 0; i < 3; i++)
        peer_end(seats[i]);
    postgres_server_say(server, "DROP SCHEMA apart CASCADE");
}

/* Processes beyond the fourth are asked for by one connection: their ends are told, too. */
static void more_ends_are_told_than_there_are_lines(void **state)
{
    enum { WATCHED = 7 };
    (void)state;
    peer *watcher = open_peer("");
    peer_seat *at[WATCHED];
    peer_seat *leaders[WATCHED];
    for (int i = 0; i < WATCHED; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        at[i] = peer_sit(watcher, name, "watcher");
        leaders[i] = peer_sit(open_peer(""), name, "leader");
        peer_watch(at[i], peer_presence(leaders[i]));
    }
    assert_true(await_said("4", "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                                " AND query LIKE '%PERFORM pg_advisory_xact_lock_shared(%'"
                                " AND pid <> pg_backend_pid()"));
    for (int i = WATCHED; i-- > 0;) {
        irx_id process = peer_presence(leaders[i]);
        assert_int_equal(at[i]->gones, 0);
        peer_end(leaders[i]);
        assert_true(peer_wait(loop, &at[i]->gones, 1));
        assert_true(irx_id_equal(at[i]->gone, process));
    }
    /* Its own presence alone: what a watch could lock it does not keep. */
    assert_string_equal(
        postgres_server_say(server, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
        "1");
    for (int i = 0; i < WATCHED; i++) {
        assert_int_equal(at[i]->gones, 1);
        peer_free(at[i]);
    }
    peer_close(watcher);
}

/* Two seats at one election, and one each at two: one end, told to each that watches. */
static void one_end_is_told_to_all_who_watch(void **state)
{
    (void)state;
    peer *watcher = open_peer("");
    peer_seat *leader = peer_sit(open_peer(""), "a", "leader");
    peer_seat *at[3] = {peer_sit(watcher, "a", "1"), peer_sit(watcher, "b", "2"),
                        peer_sit(watcher, "c", "3")};
    for (int i = 0; i < 3; i++)
        peer_watch(at[i], peer_presence(leader));
    peer_unwatch(at[2]);
    peer_end(leader);
    for (int i = 0; i < 2; i++)
        assert_true(peer_wait(loop, &at[i]->gones, 1));
    assert_int_equal(at[2]->gones, 0);
    for (int i = 0; i < 3; i++)
        peer_free(at[i]);
    peer_close(watcher);
}

/* ---- what is said on our channels -------------------------------------------------------------
 */

/* Whoever may connect may NOTIFY: what is not of our form does nothing, and what follows it is
 * heard. */
static void hostile_notifications_do_nothing(void **state)
{
    static const char *const payloads[] = {
        "x",
        "====",
        "not base64 at all",
        "AAAA",
        "%s%n",
        "\xc3\xa9",
        "/////////////////////////////////////////////w==",
    };
    (void)state;
    peer *p = open_peer("");
    peer_seat *s = peer_sit(p, "chat", "host:1");
    assert_true(peer_wait(loop, &s->hints, 1)); /* it listens */
    peer_tell_all(s, "first");
    assert_true(peer_heard(s, 1, s, "first"));
    char *channels = strdup(
        postgres_server_say(server, "SELECT 'interrex:' || 'interrex_ledger'::regclass::oid"));
    char own[33];
    irx_id_print(peer_presence(s), own);
    unsigned strays = p->strays;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        postgres_server_say(server, "SELECT pg_notify('interrex:%s', $x$%s$x$)", own, payloads[i]);
        postgres_server_say(server, "SELECT pg_notify('%s:x', $x$%s$x$)", channels, payloads[i]);
    }
    postgres_server_say(server, "SELECT pg_notify('interrex:%s', repeat('A', 7999))", own);
    postgres_server_say(server, "SELECT pg_notify('interrex:%s', repeat('!', 7999))", own);
    postgres_server_say(server, "SELECT pg_notify('interrex:%s', '')", own);
    peer_tell_all(s, "last");
    assert_true(peer_heard(s, 2, s, "last"));
    assert_int_equal(s->messages, 2);
    assert_true(p->up[IRX_CHANNEL_PRESENCE] && p->up[IRX_CHANNEL_COMMAND]);
    assert_in_range(p->strays - strays, 0, 5); /* what decodes is the runtime's to judge */
    free(channels);
    peer_end(s);
}

/* One byte beyond what NOTIFY carries would be refused by the server, too late to be told why. */
static void the_largest_message_arrives(void **state)
{
    enum { LARGEST = 5901 };
    static unsigned char data[LARGEST + 1];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    irx_election *e[2];
    for (int i = 0; i < 2; i++) {
        char url[160];
        snprintf(url, sizeof url, "%s?application_name=m%d", postgres_server_url(server), i);
        e[i] = open_election(url, "large", "timeout_ms", "20000", NULL);
        assert_int_equal(irx_election_message_max(e[i]), LARGEST);
        assert_int_equal(irx_election_start(e[i]), 0);
        if (i == 0) /* whoever is first at the server leads */
            await_leading(e[0]);
    }
    await_following(e[1]);
    uint64_t ticket;
    assert_int_equal(
        irx_election_send(e[1], IRX_TO_LEADER, (irx_id){0, 0}, data, LARGEST + 1, &ticket),
        IRX_ETOOLARGE);
    static const irx_audience audiences[] = {IRX_TO_LEADER, IRX_TO_ALL};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            irx_election_send(e[1], audiences[i], (irx_id){0, 0}, data, LARGEST, &ticket), 0);
        assert_int_equal(await_settled(e[1], ticket, NULL), 0);
        irx_event *event = await_event(e[0], IRX_MESSAGE);
        assert_int_equal(event->length, LARGEST);
        assert_memory_equal(event->data, data, LARGEST);
        irx_event_free(event);
    }
    irx_election_close(e[1]);
    irx_election_close(e[0]);
}

/* ---- fork -------------------------------------------------------------------------------------
 */

/* A child has copies of all sockets: a goodbye of its own would end its parent's sessions. */
static void a_forked_child_closes_without_a_word(void **state)
{
    (void)state;
    peer *p = open_peer("?application_name=parent");
    peer *other = open_peer("");
    peer_seat *s = peer_sit(p, "forked", "host:1");
    assert_true(peer_wait(loop, &s->hints, 1)); /* it listens */
    irx_record held = peer_lead(s);
    peer_watch(s, other->id[IRX_CHANNEL_PRESENCE]);
    static const char sessions[] =
        "SELECT string_agg(pid || ' ' || backend_start, ',' ORDER BY pid)"
        " FROM pg_stat_activity WHERE application_name = 'parent'";
    assert_true(await_said("3", "SELECT count(*) FROM pg_stat_activity"
                                " WHERE application_name = 'parent' AND query <> ''"));
    char *before = strdup(postgres_server_say(server, sessions));
    pid_t pid = fork();
    if (pid == 0) {
        p->class->forked(p->medium);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (uint64_t beat = held.beat + 1; beat < held.beat + 4; beat++) {
        irx_op op = peer_renew(s, &held, beat);
        assert_int_equal(peer_do(s, &op).status, IRX_RESULT_OK);
    }
    peer_tell_all(s, "still here");
    assert_true(peer_heard(s, 1, s, "still here"));
    assert_string_equal(postgres_server_say(server, sessions), before);
    free(before);
    peer_close(other);
    assert_true(peer_wait(loop, &s->gones, 1));
    peer_end(s);
}

#define TEST(name) cmocka_unit_test_setup(name, empty)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(what_waits_goes_in_one_statement),
        TEST(strikes_go_in_one_statement),
        TEST(values_of_many_are_not_too_much_at_once),
        TEST(members_of_many_are_not_too_much_for_long),
        TEST(answers_find_their_questions),
        TEST(a_seat_may_leave_meanwhile),
        TEST(renewals_go_first),
        TEST(whose_turn_does_not_come_is_refused),
        TEST(a_held_row_holds_nobody_else_up),
        TEST(many_held_rows_hold_nobody_up),
        TEST(a_refused_row_takes_no_other_with_it),
        TEST(a_refused_strike_takes_no_other_with_it),
        TEST(a_name_without_letters_takes_no_other_with_it),
        TEST(namespaces_and_schemas_never_meet),
        TEST(more_ends_are_told_than_there_are_lines),
        TEST(one_end_is_told_to_all_who_watch),
        TEST(hostile_notifications_do_nothing),
        TEST(the_largest_message_arrives),
        TEST(a_forked_child_closes_without_a_word),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
