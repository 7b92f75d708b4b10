/* Starts and stops a real PostgreSQL server. Decides nothing about what is tested, and must leave
 * nothing of it behind. */
#include "postgres_server.h"

#include "cmocka_all.h"
#include "postgres_processes.h"
#include "postgres_say.h"
#include "unprivileged.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_MS = 10, STEPS_MAX = 6000, ANSWERS_MAX = 2000, PORTS_MAX = 5, URL_MAX = 256 };

struct postgres_server {
    pid_t pid; /* of the postmaster; 0: not running */
    pid_t keeper;
    int port;
    bool secure;
    postgres_server *primary; /* of a standby that has not been promoted */
    bool is_waited_for;       /* commits of the primary wait for this standby */
    char directory[TEMP_PATH_MAX];
    char url[URL_MAX];
    char socket_url[URL_MAX];
    char conninfo[URL_MAX];
    char *reply;
};

static _Noreturn void give_up(const postgres_server *server, const char *what)
{
    unprivileged_give_up(what, server->directory);
}

static void run(postgres_server *server)
{
    char program[96];
    char data[TEMP_PATH_MAX + 8];
    char port[8];
    char *argv[] = {program, "-D", data, "-p", port, NULL};
    postgres_program(program, sizeof program, "postgres");
    snprintf(data, sizeof data, "%s/data", server->directory);
    snprintf(port, sizeof port, "%d", server->port);
    server->pid = unprivileged_start(server->directory, argv, SIGQUIT);
}

static bool has_ended(postgres_server *server)
{
    if (server->pid == 0 || waitpid(server->pid, NULL, WNOHANG) == server->pid)
        server->pid = 0;
    return server->pid == 0;
}

/* False when it ended without an answer. */
static bool comes_up(postgres_server *server)
{
    char *why = NULL;
    for (int i = 0; i < STEPS_MAX; i++) {
        char *reply = postgres_say(server->conninfo, "SELECT 1", &why);
        const bool good = reply != NULL && strcmp(reply, "1") == 0;
        free(reply);
        if (good)
            return true;
        if (has_ended(server)) {
            free(why);
            return false;
        }
        if (i < STEPS_MAX - 1)
            free(why);
        why = NULL;
        unprivileged_pause_ms(STEP_MS);
    }
    give_up(server, "it does not answer");
}

static void set_port(postgres_server *server, int port)
{
    const char *directory = server->directory;
    server->port = port;
    if (server->secure)
        snprintf(server->url, URL_MAX,
                 "postgres://postgres:secret@localhost:%d/postgres"
                 "?sslmode=verify-full&sslrootcert=%s/server.crt",
                 port, directory);
    else
        snprintf(server->url, URL_MAX, "postgres://postgres@127.0.0.1:%d/postgres", port);
    snprintf(server->socket_url, URL_MAX, "postgres://postgres@/postgres?host=%s&port=%d",
             directory, port);
    snprintf(server->conninfo, URL_MAX,
             "host=%s port=%d user=postgres dbname=postgres connect_timeout=30", directory, port);
}

/* Until it gets a port that nobody else took in between. */
static void start_somewhere(postgres_server *server)
{
    for (int i = 0; i < PORTS_MAX; i++) {
        set_port(server, unprivileged_free_port());
        run(server);
        if (comes_up(server))
            return;
    }
    give_up(server, "it does not start");
}

static FILE *append_to(const postgres_server *server, const char *name)
{
    char path[TEMP_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/data/%s", server->directory, name);
    FILE *file = fopen(path, "a");
    if (file == NULL)
        give_up(server, name);
    return file;
}

static void configure(const postgres_server *server, const postgres_options *options)
{
    FILE *file = append_to(server, "postgresql.conf");
    const int connections = options->max_connections > 0 ? options->max_connections : 50;
    fprintf(file,
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '%s'\ncluster_name = '%s'\n"
            "max_connections = %d\nfsync = %s\nshared_buffers = '4MB'\nhuge_pages = off\n"
            "dynamic_shared_memory_type = mmap\nlog_line_prefix = '%%m [%%p] '\n",
            server->directory, strrchr(server->directory, '/') + 1, connections,
            options->no_fsync ? "off" : "on");
    if (server->secure)
        fprintf(file, "ssl = on\nssl_cert_file = '%s/server.crt'\nssl_key_file = '%s/server.key'\n",
                server->directory, server->directory);
    for (int i = 0; options->extra != NULL && options->extra[i] != NULL; i++)
        fprintf(file, "%s\n", options->extra[i]);
    fclose(file);
}

/* Its own certificate is the authority that clients trust. */
static void make_secure(const postgres_server *server)
{
    char *argv[] = {"openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=localhost",
                    "-addext",
                    "subjectAltName=DNS:localhost",
                    "-keyout",
                    "server.key",
                    "-out",
                    "server.crt",
                    NULL};
    char path[TEMP_PATH_MAX + 32];
    unprivileged_run("openssl makes no certificate", server->directory, argv);
    snprintf(path, sizeof path, "%s/data/pg_hba.conf", server->directory);
    if (truncate(path, 0) != 0)
        give_up(server, path);
    FILE *file = append_to(server, "pg_hba.conf");
    fprintf(file, "local all all trust\nlocal replication all trust\n"
                  "hostssl all all all scram-sha-256\n");
    fclose(file);
}

static postgres_server *make(void)
{
    postgres_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        unprivileged_give_up("out of memory", NULL);
    unprivileged_directory(server->directory, "postgres");
    server->keeper = unprivileged_keeper(server->directory, postgres_processes_sweep);
    return server;
}

postgres_server *postgres_server_start(const postgres_options *options)
{
    char program[96];
    /* Small files of the log, as a new one is filled with zeros first. */
    char *argv[] = {program,
                    "-D",
                    "data",
                    "-U",
                    "postgres",
                    "-A",
                    "trust",
                    "--locale=C",
                    "--encoding=UTF8",
                    "--wal-segsize=1",
                    "--no-sync",
                    "--no-instructions",
                    NULL};
    postgres_server *server = make();
    const postgres_options none = {0};
    options = options != NULL ? options : &none;
    server->secure = options->secure;
    postgres_program(program, sizeof program, "initdb");
    unprivileged_run("initdb fails; is the package postgresql installed?", server->directory, argv);
    if (server->secure)
        make_secure(server);
    configure(server, options);
    start_somewhere(server);
    if (server->secure)
        postgres_server_say(server, "ALTER ROLE postgres PASSWORD 'secret'");
    return server;
}

/* Waits until SQL, whose answer is t or f, answers t. */
static void wait_until(postgres_server *server, const char *what, const char *sql)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        if (strcmp(postgres_server_say(server, "%s", sql), "t") == 0)
            return;
        unprivileged_pause_ms(STEP_MS);
    }
    fprintf(stderr, "a server for a test says: %s\n", server->reply);
    give_up(server, what);
}

postgres_server *postgres_server_standby(postgres_server *primary, bool synchronous)
{
    char program[96];
    char *argv[] = {program, "-D",   "data",      "-d", primary->conninfo,
                    "-c",    "fast", "--no-sync", NULL};
    const postgres_options same = {
        .max_connections = atoi(postgres_server_say(primary, "SHOW max_connections")),
        .no_fsync = strcmp(postgres_server_say(primary, "SHOW fsync"), "off") == 0,
    };
    postgres_server *server = make();
    const char *name = strrchr(server->directory, '/') + 1;
    char sql[URL_MAX];
    postgres_program(program, sizeof program, "pg_basebackup");
    unprivileged_run("pg_basebackup fails", server->directory, argv);
    server->primary = primary;
    configure(server, &same);
    FILE *file = append_to(server, "postgresql.conf");
    fprintf(file, "primary_conninfo = '%s application_name=%s'\n", primary->conninfo, name);
    fclose(file);
    fclose(append_to(server, "standby.signal"));
    start_somewhere(server);
    server->is_waited_for = synchronous;
    if (synchronous)
        postgres_server_say(primary, "ALTER SYSTEM SET synchronous_standby_names = '\"%s\"'", name);
    postgres_server_say(primary, "SELECT pg_reload_conf()");
    snprintf(sql, sizeof sql,
             "SELECT count(*) = 1 FROM pg_stat_replication"
             " WHERE application_name = '%s' AND state = 'streaming' AND sync_state = '%s'",
             name, synchronous ? "sync" : "async");
    wait_until(primary, "the standby does not follow", sql);
    return server;
}

void postgres_server_catch_up(postgres_server *standby)
{
    char sql[URL_MAX];
    snprintf(sql, sizeof sql, "SELECT pg_last_wal_replay_lsn() >= '%s'",
             postgres_server_say(standby->primary, "SELECT pg_current_wal_insert_lsn()"));
    wait_until(standby, "the standby does not catch up", sql);
}

void postgres_server_promote(postgres_server *standby)
{
    standby->primary = NULL;
    wait_until(standby, "it is not promoted", "SELECT pg_promote()");
}

int postgres_server_port(const postgres_server *server)
{
    return server->port;
}

int postgres_server_pid(const postgres_server *server)
{
    return server->pid;
}

const char *postgres_server_directory(const postgres_server *server)
{
    return server->directory;
}

const char *postgres_server_url(const postgres_server *server)
{
    return server->url;
}

const char *postgres_server_socket_url(const postgres_server *server)
{
    return server->socket_url;
}

const char *postgres_server_say(postgres_server *server, const char *format, ...)
{
    va_list arguments;
    char *sql = NULL;
    char *why = NULL;
    va_start(arguments, format);
    if (vasprintf(&sql, format, arguments) < 0)
        give_up(server, "out of memory");
    va_end(arguments);
    free(server->reply);
    server->reply = postgres_say(server->conninfo, sql, &why);
    free(sql);
    if (server->reply == NULL)
        give_up(server, why);
    return server->reply;
}

void postgres_server_await(postgres_server *server, const char *expected, const char *sql)
{
    for (int i = 0; strcmp(postgres_server_say(server, "%s", sql), expected) != 0; i++) {
        if (i == ANSWERS_MAX)
            fail_msg("%s: \"%s\", never \"%s\"", sql, server->reply, expected);
        unprivileged_pause_ms(STEP_MS);
    }
}

void postgres_server_signal(postgres_server *server, int signal)
{
    if (server->pid == 0 || kill(server->pid, signal) != 0)
        give_up(server, "kill");
}

void postgres_server_signal_all(postgres_server *server, int signal)
{
    if (postgres_processes_signal(server->directory, signal) == 0)
        give_up(server, "there is nobody to signal");
}

void postgres_server_kill(postgres_server *server)
{
    while (postgres_processes_signal(server->directory, SIGKILL) > 0) {
    }
    unprivileged_reap(&server->pid);
}

void postgres_server_shutdown(postgres_server *server, bool immediate)
{
    postgres_server_signal(server, immediate ? SIGQUIT : SIGINT);
    postgres_server_signal(server, SIGCONT);
    unprivileged_reap(&server->pid);
}

void postgres_server_restart(postgres_server *server)
{
    for (int i = 0; i < PORTS_MAX; i++) {
        run(server);
        if (comes_up(server))
            return;
        unprivileged_pause_ms(1000); /* somebody's connection happens to have this port */
    }
    give_up(server, "it does not start again");
}

/* As the user that it runs as: a piece of shared memory is freed by its owner. */
static void sweep(postgres_server *server)
{
    pid_t sweeper = unprivileged_fork();
    if (sweeper == 0) {
        postgres_processes_sweep(server->directory);
        _exit(0);
    }
    unprivileged_reap(&sweeper);
    unprivileged_reap(&server->pid);
}

void postgres_server_stop(postgres_server *server)
{
    if (server == NULL)
        return;
    if (server->is_waited_for && server->primary != NULL && server->primary->pid != 0) {
        postgres_server_say(server->primary, "ALTER SYSTEM RESET synchronous_standby_names");
        postgres_server_say(server->primary, "SELECT pg_reload_conf()");
    }
    sweep(server);
    unprivileged_dismiss(&server->keeper, server->directory);
    free(server->reply);
    free(server);
}
