/* libpq as a blocking client, loaded when first used, for what a test says beside the medium. Its
 * declarations are its own, as its header need not be installed; it must not use the medium's. */
#include "postgres_say.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pg_conn;
struct pg_result;

enum { CONNECTION_OK = 0, COMMAND_OK = 1, TUPLES_OK = 2 }; /* as in every libpq.so.5 */

static struct {
    struct pg_conn *(*connectdb)(const char *conninfo);
    int (*status)(const struct pg_conn *connection);
    char *(*errorMessage)(const struct pg_conn *connection);
    void (*finish)(struct pg_conn *connection);
    struct pg_result *(*exec)(struct pg_conn *connection, const char *sql);
    int (*resultStatus)(const struct pg_result *result);
    char *(*resultErrorMessage)(const struct pg_result *result);
    int (*ntuples)(const struct pg_result *result);
    int (*nfields)(const struct pg_result *result);
    char *(*getvalue)(const struct pg_result *result, int row, int column);
    void (*clear)(struct pg_result *result);
} pq;

static void give_up(const char *what)
{
    fprintf(stderr, "libpq for a test: %s\n", what);
    abort();
}

static void load(void)
{
    const struct {
        const char *name;
        void *to;
    } wanted[] = {
        {"PQconnectdb", &pq.connectdb},
        {"PQstatus", &pq.status},
        {"PQerrorMessage", &pq.errorMessage},
        {"PQfinish", &pq.finish},
        {"PQexec", &pq.exec},
        {"PQresultStatus", &pq.resultStatus},
        {"PQntuples", &pq.ntuples},
        {"PQresultErrorMessage", &pq.resultErrorMessage},
        {"PQnfields", &pq.nfields},
        {"PQgetvalue", &pq.getvalue},
        {"PQclear", &pq.clear},
    };
    void *library = dlopen("libpq.so.5", RTLD_NOW);
    if (library == NULL)
        give_up(dlerror());
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *function = dlsym(library, wanted[i].name);
        if (function == NULL)
            give_up(wanted[i].name);
        memcpy(wanted[i].to, &function, sizeof function);
    }
}

static char *copy(const char *text)
{
    char *copied = strdup(text);
    if (copied == NULL)
        give_up("out of memory");
    copied[strcspn(copied, "\n")] = '\0';
    return copied;
}

static char *read_rows(const struct pg_result *result)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    if (to == NULL)
        give_up("out of memory");
    for (int row = 0; row < pq.ntuples(result); row++)
        for (int column = 0; column < pq.nfields(result); column++) {
            const char *before = column > 0 ? "|" : row > 0 ? "\n" : "";
            fprintf(to, "%s%s", before, pq.getvalue(result, row, column));
        }
    if (pq.resultStatus(result) != COMMAND_OK && pq.resultStatus(result) != TUPLES_OK) {
        const char *error = pq.resultErrorMessage(result);
        fprintf(to, "-%.*s", (int)strcspn(error, "\n"), error);
    }
    fclose(to);
    return text;
}

char *postgres_say(const char *conninfo, const char *sql, char **why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char *text = NULL;
    pthread_once(&once, load);
    struct pg_conn *connection = pq.connectdb(conninfo);
    if (connection == NULL)
        give_up("out of memory");
    if (pq.status(connection) == CONNECTION_OK) {
        struct pg_result *result = pq.exec(connection, sql);
        text = read_rows(result);
        pq.clear(result);
    } else if (why != NULL) {
        *why = copy(pq.errorMessage(connection));
    }
    pq.finish(connection);
    return text;
}
