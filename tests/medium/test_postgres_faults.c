/* The PostgreSQL medium and what sessions, rights, locks and settings at a server can do to it:
 * what is told, with which code, and that it comes back by itself. Whole elections under the faults
 * of servers are in tests/chaos/test_postgres.c. */
#include "cmocka_all.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "peer.h"
#include "postgres_server.h"
#include "postgres_session.h"

static postgres_server *server;
static struct ev_loop *loop;

static int start_server(void **state)
{
    (void)state;
    server = postgres_server_start(NULL);
    loop = ev_loop_new(EVFLAG_AUTO);
    postgres_server_say(server, "CREATE ROLE worker LOGIN");
    return loop == NULL;
}

static int stop_server(void **state)
{
    (void)state;
    ev_loop_destroy(loop);
    postgres_server_stop(server);
    return 0;
}

/* A table with the few rights that the pages name. */
static int give_table(void **state)
{
    char text[8192];
    (void)state;
    irx_schema(NULL, NULL, text, sizeof text);
    postgres_server_say(server, "SET client_min_messages = warning; SET lock_timeout = '5s';"
                                "DROP TABLE IF EXISTS interrex_ledger CASCADE;"
                                "GRANT USAGE ON SCHEMA public TO public;"
                                "REVOKE CREATE ON SCHEMA public FROM worker;"
                                "ALTER ROLE worker RESET ALL; ALTER DATABASE postgres RESET ALL");
    assert_int_not_equal(postgres_server_say(server, "%s", text)[0], '-');
    postgres_server_say(server, "GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO worker");
    return 0;
}

static const char *worker_url(const char *more)
{
    static char url[192];
    snprintf(url, sizeof url, "postgres://worker@127.0.0.1:%d/postgres%s",
             postgres_server_port(server), more);
    return url;
}

static peer *new_worker(const char *more)
{
    return peer_new(&irx__medium_postgres, loop, worker_url(more), "interrex");
}

static void must_say(const char *sql)
{
    const char *reply = postgres_server_say(server, "%s", sql);
    if (reply[0] == '-')
        fail_msg("%s: %s", sql, reply);
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

/* ---- what is missing --------------------------------------------------------------------------
 */

typedef struct lack {
    const char *sql; /* brings it about */
    int code;
    const char *names; /* in the error */
} lack;

static const lack lacks[] = {
    {"REVOKE SELECT ON interrex_ledger FROM worker", IRX_EAUTH, "SELECT"},
    {"REVOKE INSERT ON interrex_ledger FROM worker", IRX_EAUTH, "INSERT"},
    {"REVOKE UPDATE ON interrex_ledger FROM worker", IRX_EAUTH, "UPDATE"},
    {"REVOKE ALL ON interrex_ledger FROM worker", IRX_EAUTH, "SELECT"},
    {"ALTER TABLE interrex_ledger DROP COLUMN hold_ns", IRX_EFOREIGN, "hold_ns"},
    {"ALTER TABLE interrex_ledger RENAME members TO m", IRX_EFOREIGN, "members"},
    {"ALTER TABLE interrex_ledger ALTER COLUMN renewed_at TYPE bool USING true", IRX_EFOREIGN,
     "renewed_at"},
    {"DROP TABLE interrex_ledger; CREATE VIEW interrex_ledger AS SELECT 'x'::text AS name;"
     "GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO worker",
     IRX_EFOREIGN, "interrex_ledger"},
    {"DROP TABLE interrex_ledger", IRX_EAUTH, "may not make it: run GRANT CREATE ON SCHEMA"},
};

static void mend(void)
{
    postgres_server_say(server, "DROP VIEW IF EXISTS interrex_ledger");
    postgres_server_say(server, "DROP VIEW interrex_ledger");
    give_table(NULL);
}

/* A medium that would come up over such a table would have every claim fail, or worse; and one that
 * had to be made anew after the mending would need its process restarted. */
static void what_is_missing_is_told_at_once_and_may_be_mended(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++) {
        peer *p = new_worker("");
        must_say(lacks[i].sql);
        for (int channel = 0; channel < 2; channel++) {
            if (peer_up(p, (irx_channel)channel))
                fail_msg("it came up after %s", lacks[i].sql);
            if (p->why.code != lacks[i].code || strstr(p->why.text, lacks[i].names) == NULL)
                fail_msg("%s: %s", lacks[i].sql, p->why.text);
        }
        mend();
        assert_true(peer_up(p, IRX_CHANNEL_PRESENCE));
        assert_true(peer_up(p, IRX_CHANNEL_COMMAND));
        peer_seat *s = peer_sit(p, "mended", "host:1");
        peer_lead(s);
        peer_end(s);
    }
}

/* Asks where something is missing; true if that was refused. */
static bool ask_bent(peer_seat *s, const irx_op *op, const char *why)
{
    const unsigned *downs = &s->peer->downs[IRX_CHANNEL_COMMAND];
    unsigned told = s->results + *downs;
    peer_submit(s, op);
    for (int waited = 0; s->results + *downs == told; waited++) {
        assert_true(waited < PEER_WAIT_MS);
        peer_run_ms(s->peer->loop, 1);
    }
    if (s->why.code != 0 && s->log[s->results % PEER_LOG_MAX].status != IRX_RESULT_FAILED)
        fail_msg("%s: it is not sure that nothing was applied: %s", why, s->why.text);
    return s->why.code != 0;
}

/* Under way: the operation that was refused says why, and what was learned in the greeting is
 * learned again. */
static void what_goes_missing_under_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++) {
        peer *p = new_worker("");
        assert_true(peer_up(p, IRX_CHANNEL_PRESENCE) && peer_up(p, IRX_CHANNEL_COMMAND));
        peer_seat *s = peer_sit(p, "bent", "host:1");
        irx_record held = peer_lead(s);
        must_say(lacks[i].sql);
        const irx_op ops[] = {peer_op(s, IRX_OP_READ), peer_op(s, IRX_OP_JOIN),
                              peer_renew(s, &held, held.beat + 1)};
        bool refused = false;
        for (int j = 0; p->up[IRX_CHANNEL_COMMAND] && j < 3; j++)
            refused = ask_bent(s, &ops[j], lacks[i].sql) || refused;
        peer_run_ms(loop, 10);
        if (!refused && p->up[IRX_CHANNEL_COMMAND])
            fail_msg("nothing was refused after %s", lacks[i].sql);
        mend();
        for (int attempts = 0; !p->up[IRX_CHANNEL_COMMAND]; attempts++) {
            assert_true(attempts < 10);
            peer_up(p, IRX_CHANNEL_COMMAND);
        }
        /* The table is another one: whoever still greets the old one is told so once. */
        if (peer_say(s, IRX_OP_READ).status != IRX_RESULT_ABSENT) {
            peer_run_ms(loop, 50);
            if (!p->up[IRX_CHANNEL_COMMAND])
                assert_true(peer_up(p, IRX_CHANNEL_COMMAND));
            assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
        }
        peer_end(s);
    }
}

/* What an error tells to run helps, as it stands, step by step; or there is a table in the end. */
static void what_is_told_to_run_helps(void **state)
{
    static const struct {
        const char *lack;
        const char *url;
    } cases[] = {
        {"REVOKE USAGE ON SCHEMA public FROM public", ""},
        {"REVOKE USAGE ON SCHEMA public FROM public", "?schema=public"},
        {"REVOKE INSERT ON interrex_ledger FROM worker", ""},
        {"REVOKE USAGE ON SCHEMA public FROM public; REVOKE ALL ON interrex_ledger FROM worker",
         ""},
        {"DROP TABLE interrex_ledger", ""},
        {"DROP TABLE interrex_ledger; REVOKE USAGE ON SCHEMA public FROM public", ""},
        {"CREATE SCHEMA \"The Jobs\"", "?schema=The%20Jobs"},
        {"DROP SCHEMA IF EXISTS \"The Jobs\" CASCADE", "?schema=The%20Jobs"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must_say("SET client_min_messages = warning; DROP SCHEMA IF EXISTS \"The Jobs\" CASCADE");
        must_say(cases[i].lack);
        peer *p = new_worker(cases[i].url);
        int steps = 0;
        for (; !peer_up(p, IRX_CHANNEL_COMMAND); steps++) {
            const char *told = strstr(p->why.text, "run GRANT ");
            if (steps == 3 || told == NULL || p->why.code != IRX_EAUTH)
                fail_msg("%s, step %d: %s", cases[i].lack, steps, p->why.text);
            char *statement = strdup(told + 4);
            char *rest = strstr(statement, ", or have");
            if (rest != NULL)
                *rest = '\0';
            must_say(statement);
            free(statement);
        }
        assert_int_not_equal(steps, 0);
        peer_close(p);
        must_say("REVOKE ALL ON SCHEMA public FROM worker; REVOKE CREATE ON DATABASE postgres FROM "
                 "worker");
        give_table(NULL);
    }
}

/* The first start: both connections of every member make the table, and the disk is slow. */
static void who_makes_the_table_just_now_is_waited_for(void **state)
{
    (void)state;
    must_say("DROP TABLE interrex_ledger");
    must_say("GRANT CREATE ON SCHEMA public TO worker");
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN");
    postgres_session_say(other, "SELECT pg_advisory_xact_lock(1769109624, 1)");
    peer *p = new_worker("");
    peer_connect(p, IRX_CHANNEL_COMMAND);
    peer_connect(p, IRX_CHANNEL_PRESENCE);
    peer_run_ms(loop, 400);
    postgres_session_say(other, "COMMIT");
    postgres_session_close(other);
    for (int channel = 0; channel < 2; channel++) {
        assert_true(peer_wait(loop, &p->ups[channel], 1));
        assert_int_equal(p->downs[channel], 0);
    }
    peer_close(p);
}

/* ---- locks ------------------------------------------------------------------------------------
 */

/* A process leads many elections; somebody holds all rows but one, for longer than any lease. That
 * one's leadership must not end for it, and all others' must. */
static void one_lease_goes_on_among_rows_that_are_held(void **state)
{
    enum { COUNT = 16 };
    irx_election *e[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "e%d", i);
        e[i] = open_election(worker_url(""), name, "takeover", "safe", "timeout_ms", "4000", NULL);
        assert_int_equal(irx_election_start(e[i]), 0);
    }
    for (int i = 0; i < COUNT; i++)
        await_leading(e[i]);
    postgres_session *other = postgres_session_open(postgres_server_port(server), NULL);
    postgres_session_say(other, "BEGIN");
    postgres_session_say(other, "SELECT name FROM interrex_ledger WHERE name <> 'e0' FOR UPDATE");
    for (int i = 1; i < COUNT; i++)
        expect_event(e[i], IRX_DEFEATED);
    sleep_ms(4200); /* a lease more */
    assert_true(irx_election_is_leader(e[0]));
    assert_true(no_event_waits(e[0], IRX_DEFEATED));
    for (int i = 1; i < COUNT; i++)
        assert_false(irx_election_is_leader(e[i]));
    postgres_session_say(other, "COMMIT");
    postgres_session_close(other);
    for (int i = 1; i < COUNT; i++)
        await_leading(e[i]);
    for (int i = 0; i < COUNT; i++)
        irx_election_close(e[i]);
}

/* A session tells something, and its commit waits for a standby that is stopped. */
static void hold_notifications(postgres_server *standby, postgres_session *by)
{
    postgres_server_signal_all(standby, SIGSTOP);
    postgres_session_begin(by, "SELECT pg_logical_emit_message(true, '', ''); NOTIFY somebody");
    assert_true(await_said("1", "SELECT count(*) FROM pg_stat_activity"
                                " WHERE wait_event = 'SyncRep'"));
}

/* Whoever tells something holds a lock of the whole database until its commit is on a standby's
 * disk. That is no row which somebody keeps: it is waited for longer than for one, and what waits
 * in vain says nothing about rows. */
static void a_commit_waits_for_the_notification_of_another(void **state)
{
    (void)state;
    must_say("ALTER ROLE worker SET synchronous_commit = local");
    postgres_server *standby = postgres_server_standby(server, true);
    peer *p = new_worker("");
    assert_true(peer_up(p, IRX_CHANNEL_COMMAND));
    peer_seat *s = peer_sit(p, "told", "host:1");
    irx_record held = peer_lead(s);
    postgres_session *slow = postgres_session_open(postgres_server_port(server), NULL);
    irx_op op = peer_publish(s, &held, "v", 1);
    bool waited = false;
    /* On a busy machine the standby may be back too late, or we too late to see that it waits. */
    for (int attempt = 0; !waited; attempt++) {
        assert_true(attempt < 20);
        hold_notifications(standby, slow);
        peer_submit(s, &op);
        peer_run_ms(loop, 120); /* a row is waited for for 50 ms */
        waited = s->results < s->submitted;
        postgres_server_signal_all(standby, SIGCONT);
        postgres_session_receive(slow);
        assert_true(peer_wait(loop, &s->results, s->submitted));
        waited = waited && s->log[s->results % PEER_LOG_MAX].status == IRX_RESULT_OK;
    }
    hold_notifications(standby, slow);
    assert_int_equal(peer_do(s, &op).status, IRX_RESULT_FAILED);
    assert_int_equal(s->why.code, IRX_EUNAVAILABLE);
    assert_non_null(strstr(s->why.text, "NOTIFY"));
    postgres_server_signal_all(standby, SIGCONT);
    postgres_session_receive(slow);
    waited = false;
    op = peer_renew(s, &held, held.beat + 1);
    for (int attempt = 0; !waited; attempt++) {
        assert_true(attempt < 20);
        postgres_session_say(slow, "BEGIN; SELECT name FROM interrex_ledger FOR UPDATE");
        peer_submit(s, &op);
        peer_run_ms(loop, 20);
        postgres_session_say(slow, "ROLLBACK");
        assert_true(peer_wait(loop, &s->results, s->submitted));
        waited = s->log[s->results % PEER_LOG_MAX].status == IRX_RESULT_OK;
    }
    postgres_session_close(slow);
    peer_end(s);
    postgres_server_stop(standby);
}

/* ---- sessions ---------------------------------------------------------------------------------
 */

/* A line of the watch that is cut tells nobody gone; the end that comes later is told. */
static void a_watch_outlives_its_lines(void **state)
{
    static const char lines[] = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                                " AND query LIKE '%PERFORM pg_advisory_xact_lock_shared(%'"
                                " AND pid <> pg_backend_pid()";
    static const char cut[] = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
                              " WHERE query LIKE '%PERFORM pg_advisory_xact_lock_shared(%'"
                              " AND pid <> pg_backend_pid()";
    enum { WATCHED = 6 };
    (void)state;
    peer *watcher = new_worker("");
    assert_true(peer_up(watcher, IRX_CHANNEL_COMMAND));
    peer_seat *at[WATCHED];
    peer_seat *leaders[WATCHED];
    for (int i = 0; i < WATCHED; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        peer *p = new_worker("");
        assert_true(peer_up(p, IRX_CHANNEL_PRESENCE));
        at[i] = peer_sit(watcher, name, "watcher");
        leaders[i] = peer_sit(p, name, "leader");
        peer_watch(at[i], peer_presence(leaders[i]));
    }
    for (int round = 0; round < 2; round++) {
        assert_true(await_said("4", lines));
        must_say(cut);
    }
    assert_true(await_said("1", "SELECT count(pg_terminate_backend(pid, 10000))"
                                " FROM pg_stat_activity" /* who asks for the others */
                                " WHERE query LIKE '%unnest($1::text[]) AS p (process)%'"
                                " AND pid <> pg_backend_pid()"));
    assert_true(await_said("4", lines));
    for (int i = 0; i < WATCHED; i++)
        assert_int_equal(at[i]->gones, 0);
    for (int i = 0; i < WATCHED; i++) {
        peer_end(leaders[i]);
        assert_true(peer_wait(loop, &at[i]->gones, 1));
        peer_free(at[i]);
    }
    peer_close(watcher);
}

/* How often the server has written ERROR to its log. */
static int count_errors(void)
{
    char path[256];
    char line[4096];
    int count = 0;
    snprintf(path, sizeof path, "%s/log", postgres_server_directory(server));
    FILE *log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log) != NULL)
        count += strstr(line, "ERROR:") != NULL;
    fclose(log);
    return count;
}

/* Two lines for each round of each watch would fill an operator's disk, and hide what matters. */
static void an_idle_pair_leaves_nothing_in_the_log(void **state)
{
    irx_election *e[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        char more[32];
        snprintf(more, sizeof more, "?application_name=m%d", i);
        e[i] = open_election(worker_url(more), "idle", NULL);
        assert_int_equal(irx_election_start(e[i]), 0);
        if (i == 0)
            await_leading(e[0]);
    }
    await_following(e[1]);
    assert_true(await_said("1", "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                                " AND query LIKE '%advisory_xact_lock_shared(%'"
                                " AND pid <> pg_backend_pid()"));
    int before = count_errors();
    sleep_ms(3000);
    assert_int_equal(count_errors() - before, 0);
    for (int i = 2; i-- > 0;)
        irx_election_close(e[i]);
}

/* A wait needs PL/pgSQL, which a database can do without: then ends are asked for. */
static void a_watch_without_a_language_to_wait_in(void **state)
{
    static const char *const lacks_it[][2] = {
        {"DROP EXTENSION plpgsql", "CREATE EXTENSION plpgsql"},
        {"REVOKE USAGE ON LANGUAGE plpgsql FROM public",
         "GRANT USAGE ON LANGUAGE plpgsql TO public"},
    };
    (void)state;
    for (int i = 0; i < 2; i++) {
        must_say(lacks_it[i][0]);
        peer *watcher = new_worker("");
        peer_seat *at = peer_sit(watcher, "spoken", "watcher");
        assert_true(peer_up(watcher, IRX_CHANNEL_COMMAND));
        for (int round = 0; round < 2; round++) {
            peer *p = new_worker("");
            assert_true(peer_up(p, IRX_CHANNEL_PRESENCE));
            peer_seat *leader = peer_sit(p, "spoken", "leader");
            int before = count_errors();
            peer_watch(at, peer_presence(leader));
            peer_run_ms(loop, 1200);
            assert_int_equal(count_errors() - before, round == 0 ? 1 : 0); /* asked once */
            assert_int_equal(at->gones, round);
            peer_end(leader);
            assert_true(peer_wait(loop, &at->gones, (unsigned)round + 1));
        }
        must_say(lacks_it[i][1]);
        peer_end(at);
    }
}

/* What is asked of a session that is then ended is not known to have failed; the connection says
 * why, and a new one has all that the old one had. */
static void an_administrator_ends_all_sessions(void **state)
{
    (void)state;
    peer *p = new_worker("");
    assert_true(peer_up(p, IRX_CHANNEL_PRESENCE) && peer_up(p, IRX_CHANNEL_COMMAND));
    peer_seat *s = peer_sit(p, "ended", "host:1");
    irx_record held = peer_lead(s);
    for (int round = 0; round < 3; round++) {
        irx_id process = p->id[IRX_CHANNEL_PRESENCE];
        must_say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker'");
        for (int channel = 0; channel < 2; channel++) {
            assert_true(peer_wait(loop, &p->downs[channel], (unsigned)round + 1));
            assert_int_equal(p->why.code, IRX_EUNREACHABLE);
            assert_non_null(strstr(p->why.text, "administrator"));
        }
        assert_true(peer_up(p, IRX_CHANNEL_PRESENCE) && peer_up(p, IRX_CHANNEL_COMMAND));
        assert_false(irx_id_equal(process, p->id[IRX_CHANNEL_PRESENCE]));
        irx_op op = peer_renew(s, &held, held.beat + 1 + (uint64_t)round);
        assert_int_equal(peer_do(s, &op).status, IRX_RESULT_OK);
        assert_true(s->log[s->results % PEER_LOG_MAX].record.presence_seen);
        peer_tell_all(s, "again");
        assert_true(peer_heard(s, (unsigned)round + 1, s, "again"));
        assert_true(await_said("1", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"));
    }
    peer_end(s);
    assert_true(await_said("0", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"));
}

/* ---- settings ---------------------------------------------------------------------------------
 */

/* An answer must mean that the server's disk has it. Told to be in no hurry, the server flushes
 * what nobody waits for after ten seconds. */
static void a_renewal_is_on_disk_whatever_is_set(void **state)
{
    (void)state;
    must_say("ALTER ROLE worker SET synchronous_commit = off");
    must_say("ALTER SYSTEM SET wal_writer_delay = '10s'");
    must_say("SELECT pg_reload_conf()");
    peer *p = new_worker("");
    assert_true(peer_up(p, IRX_CHANNEL_PRESENCE) && peer_up(p, IRX_CHANNEL_COMMAND));
    peer_seat *s = peer_sit(p, "durable", "host:1");
    irx_record held = peer_lead(s);
    postgres_session *lazy = postgres_session_open(postgres_server_port(server), "worker");
    bool lags = false;
    for (uint64_t i = 1; i <= 20; i++) {
        irx_op op = peer_renew(s, &held, held.beat + i);
        char *before = strdup(postgres_server_say(server, "SELECT pg_current_wal_insert_lsn()"));
        assert_int_equal(peer_do(s, &op).status, IRX_RESULT_OK);
        assert_string_equal(
            postgres_server_say(server, "SELECT pg_current_wal_flush_lsn() > '%s'", before), "t");
        /* Whoever does not see to it lags: else this would show nothing. */
        snprintf(before, strlen(before) + 1, "%s",
                 postgres_server_say(server, "SELECT pg_current_wal_insert_lsn()"));
        postgres_session_say(lazy, "UPDATE interrex_ledger SET label = label");
        lags = lags || postgres_server_say(server, "SELECT pg_current_wal_flush_lsn() > '%s'",
                                           before)[0] == 'f';
        free(before);
    }
    assert_true(lags);
    postgres_session_close(lazy);
    peer_end(s);
    must_say("ALTER SYSTEM RESET wal_writer_delay");
    must_say("SELECT pg_reload_conf()");
}

/* Told to begin every transaction read-only, the table must still be made where it is missing. */
static void a_table_is_made_where_sessions_begin_read_only(void **state)
{
    (void)state;
    must_say("DROP TABLE interrex_ledger");
    must_say("GRANT CREATE ON SCHEMA public TO worker");
    must_say("ALTER ROLE worker SET default_transaction_read_only = on");
    must_say("ALTER ROLE worker SET default_transaction_isolation = 'serializable'");
    peer *p = new_worker("");
    bool up = peer_up(p, IRX_CHANNEL_COMMAND);
    if (!up)
        fail_msg("%s", p->why.text);
    peer_seat *s = peer_sit(p, "made", "host:1");
    peer_lead(s);
    peer_end(s);
}

/* ---- what it promises -------------------------------------------------------------------------
 */

static void await_guarantee(const char *url, irx_guarantee expected)
{
    irx_election *e = open_election(url, "promise", "takeover", "safe", NULL);
    assert_int_equal(irx_election_start(e), 0);
    await_leading(e);
    if (irx_election_guarantee(e) != expected)
        fail_msg("%s: guarantee %d", url, (int)irx_election_guarantee(e));
    irx_election_close(e);
}

/* libpq alone reads a service that the URL names: it may stand for several hosts. */
static void a_service_may_be_several_hosts(void **state)
{
    char path[256];
    char url[160];
    (void)state;
    snprintf(path, sizeof path, "%s/services", postgres_server_directory(server));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "[two]\nhost=127.0.0.1,127.0.0.1\nport=%d,%d\n", postgres_server_port(server),
            postgres_server_port(server));
    fclose(file);
    assert_int_equal(setenv("PGSERVICEFILE", path, 1), 0);
    await_guarantee("postgres://worker@/postgres?service=two", IRX_GUARANTEE_TERM);
    /* What the URL itself says comes before the service. */
    snprintf(url, sizeof url, "postgres://worker@127.0.0.1:%d/postgres?service=two",
             postgres_server_port(server));
    await_guarantee(url, IRX_GUARANTEE_EXCLUSIVE);
    assert_int_equal(setenv("PGSERVICE", "two", 1), 0); /* which we see */
    await_guarantee("postgres://worker@/postgres", IRX_GUARANTEE_TERM);
    unsetenv("PGSERVICE");
    unsetenv("PGSERVICEFILE");
}

/* Whoever builds on exclusive leadership must not be told of it by a server that forgets, nor where
 * several may answer. */
static void the_guarantee_is_no_more_than_the_server_keeps(void **state)
{
    char several[160];
    (void)state;
    await_guarantee(worker_url(""), IRX_GUARANTEE_EXCLUSIVE);
    snprintf(several, sizeof several,
             "postgres://worker@127.0.0.1:%d,127.0.0.1:%d/postgres?target_session_attrs=read-write",
             postgres_server_port(server), postgres_server_port(server));
    await_guarantee(several, IRX_GUARANTEE_TERM);
    must_say("ALTER SYSTEM SET fsync = off");
    must_say("SELECT pg_reload_conf()");
    assert_true(await_said("off", "SHOW fsync"));
    await_guarantee(worker_url(""), IRX_GUARANTEE_TERM);
    must_say("ALTER SYSTEM RESET fsync");
    must_say("SELECT pg_reload_conf()");
}

#define TEST(name) cmocka_unit_test_setup(name, give_table)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(what_is_missing_is_told_at_once_and_may_be_mended),
        TEST(what_goes_missing_under_way),
        TEST(what_is_told_to_run_helps),
        TEST(who_makes_the_table_just_now_is_waited_for),
        TEST(one_lease_goes_on_among_rows_that_are_held),
        TEST(a_commit_waits_for_the_notification_of_another),
        TEST(a_watch_outlives_its_lines),
        TEST(an_idle_pair_leaves_nothing_in_the_log),
        TEST(a_watch_without_a_language_to_wait_in),
        TEST(an_administrator_ends_all_sessions),
        TEST(a_renewal_is_on_disk_whatever_is_set),
        TEST(a_table_is_made_where_sessions_begin_read_only),
        TEST(a_service_may_be_several_hosts),
        TEST(the_guarantee_is_no_more_than_the_server_keeps),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
