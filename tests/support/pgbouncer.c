/* Starts and stops a real pgbouncer: one process, which dies with the test. Decides nothing about
 * what is tested. */
#include "pgbouncer.h"

#include "postgres_say.h"
#include "unprivileged.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_MS = 10, STEPS_MAX = 3000, PORTS_MAX = 5, URL_MAX = 128 };

struct pgbouncer {
    pid_t pid;
    pid_t keeper;
    int port;
    char directory[TEMP_PATH_MAX];
    char url[URL_MAX];
    char *reply;
};

/* Debian keeps it where only root looks for programs. */
static const char *program(void)
{
    return access("/usr/sbin/pgbouncer", X_OK) == 0 ? "/usr/sbin/pgbouncer" : "pgbouncer";
}

static void configure(const pgbouncer *pooler, const postgres_server *server, const char *mode,
                      const char *const extra[])
{
    char path[TEMP_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/pgbouncer.ini", pooler->directory);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        unprivileged_give_up(path, NULL);
    fprintf(file,
            "[databases]\n* = host=%s port=%d user=postgres\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = %s\n",
            postgres_server_directory(server), postgres_server_port(server), pooler->port, mode);
    for (int i = 0; extra != NULL && extra[i] != NULL; i++)
        fprintf(file, "%s\n", extra[i]);
    fclose(file);
    if (chmod(path, 0644) != 0)
        unprivileged_give_up(path, NULL);
}

static bool comes_up(pgbouncer *pooler)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        char *reply = postgres_say(pooler->url, "SELECT 1", NULL);
        const bool good = reply != NULL && strcmp(reply, "1") == 0;
        free(reply);
        if (good)
            return true;
        if (waitpid(pooler->pid, NULL, WNOHANG) == pooler->pid)
            return false;
        unprivileged_pause_ms(STEP_MS);
    }
    unprivileged_give_up("pgbouncer lets nobody through", pooler->directory);
}

/* It ends by itself when the test does, by the signal; its directory has this to wait for alone. */
static void nothing_to_sweep(const char *directory)
{
    (void)directory;
}

pgbouncer *pgbouncer_start(const postgres_server *server, const char *mode,
                           const char *const extra[])
{
    char *argv[] = {(char *)program(), "pgbouncer.ini", NULL};
    pgbouncer *pooler = calloc(1, sizeof *pooler);
    if (pooler == NULL)
        unprivileged_give_up("out of memory", NULL);
    unprivileged_directory(pooler->directory, "pgbouncer");
    pooler->keeper = unprivileged_keeper(pooler->directory, nothing_to_sweep);
    for (int i = 0; i < PORTS_MAX; i++) {
        pooler->port = unprivileged_free_port();
        snprintf(pooler->url, URL_MAX, "postgres://postgres@127.0.0.1:%d/postgres", pooler->port);
        configure(pooler, server, mode, extra);
        pooler->pid = unprivileged_start(pooler->directory, argv, SIGKILL);
        if (comes_up(pooler))
            return pooler;
    }
    unprivileged_give_up("pgbouncer does not start; is its package installed?", pooler->directory);
}

int pgbouncer_port(const pgbouncer *pooler)
{
    return pooler->port;
}

const char *pgbouncer_url(const pgbouncer *pooler)
{
    return pooler->url;
}

const char *pgbouncer_say(pgbouncer *pooler, const char *database, const char *sql)
{
    char conninfo[URL_MAX];
    char *why = NULL;
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d user=postgres dbname=%s",
             pooler->port, database);
    free(pooler->reply);
    pooler->reply = postgres_say(conninfo, sql, &why);
    if (pooler->reply == NULL)
        unprivileged_give_up(why, pooler->directory);
    return pooler->reply;
}

void pgbouncer_stop(pgbouncer *pooler)
{
    if (pooler == NULL)
        return;
    kill(pooler->pid, SIGKILL);
    unprivileged_reap(&pooler->pid);
    unprivileged_dismiss(&pooler->keeper, pooler->directory);
    free(pooler->reply);
    free(pooler);
}
