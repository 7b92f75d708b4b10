/* The support that PostgreSQL tests stand on: if a server of theirs lies, so do they. */
#include "cmocka_all.h"
#include "pgbouncer.h"
#include "postgres_processes.h"
#include "postgres_say.h"
#include "postgres_server.h"
#include "unprivileged.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

/* The server that most of these share. */
static int start(void **state)
{
    *state = postgres_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    postgres_server_stop(*state);
    return 0;
}

/* The piece of shared memory that a server has; -1: none. */
static int segment_of(const char *directory)
{
    char path[TEMP_PATH_MAX + 32];
    int id = -1;
    snprintf(path, sizeof path, "%s/data/postmaster.pid", directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(
        fscanf(file, "%*[^\n]\n%*[^\n]\n%*[^\n]\n%*[^\n]\n%*[^\n]\n%*[^\n]\n%*s %d", &id), 1);
    fclose(file);
    return id;
}

static bool has_segment(int id)
{
    struct shmid_ds segment;
    return shmctl(id, IPC_STAT, &segment) == 0;
}

/* If servers shared anything, tests that run side by side would meet in one ledger. */
static void two_servers_know_nothing_of_each_other(void **state)
{
    postgres_server *one = *state;
    postgres_server *other = postgres_server_start(
        &(postgres_options){.max_connections = 20,
                            .no_fsync = true,
                            .extra = (const char *const[]){"jit = off", NULL}});
    assert_int_not_equal(postgres_server_port(one), postgres_server_port(other));
    postgres_server_say(one, "CREATE TABLE here (a int)");
    assert_string_equal(postgres_server_say(one, "SELECT to_regclass('here') IS NULL, 1"), "f|1");
    assert_string_equal(postgres_server_say(other, "SELECT to_regclass('here') IS NULL"), "t");
    assert_string_equal(postgres_server_say(one, "SHOW fsync"), "on");
    assert_string_equal(postgres_server_say(one, "SHOW max_connections"), "50");
    assert_string_equal(postgres_server_say(other, "SHOW fsync"), "off");
    assert_string_equal(postgres_server_say(other, "SHOW max_connections"), "20");
    assert_string_equal(postgres_server_say(other, "SHOW jit"), "off");
    assert_string_equal(postgres_server_say(other, "SELECT * FROM here"),
                        "-ERROR:  relation \"here\" does not exist");
    postgres_server_stop(other);
    assert_string_equal(postgres_server_say(one, "SELECT count(*) FROM here"), "0");
}

/* A URL that leads elsewhere would have every test speak to somebody else's server. */
static void both_urls_lead_to_it(void **state)
{
    const char *const urls[] = {postgres_server_url(*state), postgres_server_socket_url(*state)};
    char directory[TEMP_PATH_MAX + 8];
    snprintf(directory, sizeof directory, "%s/data", postgres_server_directory(*state));
    for (int i = 0; i < 2; i++) {
        char *reply = postgres_say(urls[i], "SHOW data_directory", NULL);
        assert_non_null(reply);
        assert_string_equal(reply, directory);
        free(reply);
    }
}

/* If a process survived the kill, the restart would meet it, and what it still writes. */
static void a_killed_server_comes_back_with_its_data(void **state)
{
    const char *directory = postgres_server_directory(*state);
    const int port = postgres_server_port(*state);
    postgres_server_say(*state, "CREATE TABLE kept AS SELECT 7 AS a");
    postgres_server_kill(*state);
    assert_int_equal(postgres_processes_signal(directory, 0), 0);
    postgres_server_restart(*state);
    assert_int_equal(postgres_server_port(*state), port);
    assert_string_equal(postgres_server_say(*state, "SELECT a FROM kept"), "7");
    for (int immediate = 0; immediate < 2; immediate++) {
        postgres_server_shutdown(*state, immediate != 0);
        assert_int_equal(postgres_processes_signal(directory, 0), 0);
        postgres_server_restart(*state);
        assert_string_equal(postgres_server_say(*state, "SELECT a FROM kept"), "7");
    }
}

/* A standby that did not follow, or stayed one, would let the tests of a failover pass unseen. */
static void a_standby_follows_and_is_promoted(void **state)
{
    postgres_server *standby = postgres_server_standby(*state, false);
    postgres_server_say(*state, "CREATE TABLE followed AS SELECT 8 AS a");
    postgres_server_catch_up(standby);
    assert_string_equal(postgres_server_say(standby, "SELECT a, pg_is_in_recovery() FROM followed"),
                        "8|t");
    postgres_server_promote(standby);
    assert_string_equal(postgres_server_say(standby, "UPDATE followed SET a = 9 RETURNING a"), "9");
    assert_string_equal(postgres_server_say(*state, "SELECT a FROM followed"), "8");
    postgres_server_stop(standby);
}

/* A synchronous standby that is left behind would hold every later commit of its primary. */
static void commits_wait_for_a_synchronous_standby(void **state)
{
    postgres_server *standby = postgres_server_standby(*state, true);
    postgres_server_say(*state, "CREATE TABLE awaited AS SELECT 1 AS a");
    assert_string_equal(postgres_server_say(*state, "SELECT sync_state FROM pg_stat_replication"),
                        "sync");
    postgres_server_signal_all(standby, SIGSTOP);
    pid_t client = fork();
    assert_true(client >= 0);
    if (client == 0)
        _exit(postgres_say(postgres_server_url(*state), "UPDATE awaited SET a = 2", NULL) == NULL);
    postgres_server_await(*state, "1",
                          "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    assert_string_equal(postgres_server_say(*state, "SELECT a FROM awaited"), "1");
    postgres_server_signal_all(standby, SIGCONT);
    unprivileged_reap(&client);
    assert_string_equal(postgres_server_say(*state, "SELECT a FROM awaited"), "2");
    postgres_server_stop(standby);
    assert_string_equal(postgres_server_say(*state, "UPDATE awaited SET a = 3 RETURNING a"), "3");
}

/* A pooler in another mode than asked for would hide what only shows behind that one. */
static void a_pooler_stands_before_it(void **state)
{
    pgbouncer *pooler = pgbouncer_start(*state, "transaction", NULL);
    assert_string_equal(pgbouncer_say(pooler, "postgres", "SELECT 1 + 1"), "2");
    const char *config = pgbouncer_say(pooler, "pgbouncer", "SHOW CONFIG");
    assert_non_null(strstr(config, "pool_mode|transaction|"));
    pgbouncer *other =
        pgbouncer_start(*state, "session", (const char *const[]){"max_client_conn = 7", NULL});
    config = pgbouncer_say(other, "pgbouncer", "SHOW CONFIG");
    assert_non_null(strstr(config, "pool_mode|session|"));
    assert_non_null(strstr(config, "max_client_conn|7|"));
    pgbouncer_stop(other);
    pgbouncer_stop(pooler);
}

/* If the name of the host, the password or the encryption were not asked for, no test would notice
 * that the library ignores them. */
static void a_secure_server_wants_all_of_it(void **state)
{
    (void)state;
    postgres_server *server = postgres_server_start(&(postgres_options){.secure = true});
    const int port = postgres_server_port(server);
    char *why = NULL;
    char url[256];
    char *reply = postgres_say(postgres_server_url(server),
                               "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &why);
    assert_null(why);
    assert_string_equal(reply, "t");
    free(reply);
    snprintf(url, sizeof url, "postgres://postgres:secret@127.0.0.1:%d/postgres?sslmode=disable",
             port);
    assert_null(postgres_say(url, "SELECT 1", NULL));
    snprintf(url, sizeof url, "postgres://postgres:wrong@127.0.0.1:%d/postgres?sslmode=require",
             port);
    assert_null(postgres_say(url, "SELECT 1", NULL));
    snprintf(url, sizeof url,
             "postgres://postgres:secret@127.0.0.1:%d/postgres?sslmode=verify-full&sslrootcert=%s/"
             "server.crt",
             port, postgres_server_directory(server));
    assert_null(postgres_say(url, "SELECT 1", NULL)); /* the certificate is localhost's */
    postgres_server_stop(server);
}

/* What stays behind runs on for days on a developer's machine. */
static void nothing_is_left_of_a_stopped_server(void **state)
{
    (void)state;
    char directory[TEMP_PATH_MAX];
    for (int how = 0; how < 3; how++) {
        postgres_server *server = postgres_server_start(NULL);
        snprintf(directory, sizeof directory, "%s", postgres_server_directory(server));
        const int segment = segment_of(directory);
        assert_true(has_segment(segment));
        if (how == 1)
            postgres_server_kill(server);
        if (how == 2)
            postgres_server_signal_all(server, SIGSTOP);
        postgres_server_stop(server);
        assert_int_equal(postgres_processes_signal(directory, 0), 0);
        assert_false(has_segment(segment));
        assert_int_equal(access(directory, F_OK), -1);
    }
}

typedef struct left {
    char directory[TEMP_PATH_MAX];
    int segment;
} left;

/* A test program of its own, which starts servers, tells what they have, and waits for its end. */
static _Noreturn void live(int tell)
{
    left what = {.segment = -1};
    postgres_server *server = postgres_server_start(NULL);
    pgbouncer *pooler = pgbouncer_start(server, "session", NULL);
    (void)pooler;
    postgres_server_signal(server, SIGSTOP);
    snprintf(what.directory, sizeof what.directory, "%s", postgres_server_directory(server));
    what.segment = segment_of(what.directory);
    if (write(tell, &what, sizeof what) != sizeof what)
        abort();
    for (;;)
        pause();
}

/* A crash of a test must not cost the machine a server, a piece of shared memory or a directory;
 * what is stopped could not even end by itself. */
static void nothing_is_left_of_a_killed_test(void **state)
{
    (void)state;
    int tell[2];
    left what;
    assert_int_equal(pipe(tell), 0);
    pid_t test = fork();
    assert_true(test >= 0);
    if (test == 0)
        live(tell[1]);
    close(tell[1]);
    assert_int_equal(read(tell[0], &what, sizeof what), sizeof what);
    assert_true(postgres_processes_signal(what.directory, 0) > 1);
    kill(test, SIGKILL);
    unprivileged_reap(&test);
    for (int i = 0; i < 3000 && access(what.directory, F_OK) == 0; i++)
        unprivileged_pause_ms(10);
    assert_int_equal(access(what.directory, F_OK), -1);
    assert_int_equal(postgres_processes_signal(what.directory, 0), 0);
    assert_false(has_segment(what.segment));
    close(tell[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_servers_know_nothing_of_each_other),
        cmocka_unit_test(both_urls_lead_to_it),
        cmocka_unit_test(a_killed_server_comes_back_with_its_data),
        cmocka_unit_test(a_standby_follows_and_is_promoted),
        cmocka_unit_test(commits_wait_for_a_synchronous_standby),
        cmocka_unit_test(a_pooler_stands_before_it),
        cmocka_unit_test(a_secure_server_wants_all_of_it),
        cmocka_unit_test(nothing_is_left_of_a_stopped_server),
        cmocka_unit_test(nothing_is_left_of_a_killed_test),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
