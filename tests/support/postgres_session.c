/* A blocking libpq session for tests. Its declarations are its own: it must not use the connection
 * that the medium has. */
#include "postgres_session.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pg_conn;
struct pg_result;

typedef struct pg_notify {
    char *channel;
    int pid;
    char *payload;
} pg_notify;

enum { CONNECTION_OK = 0, COMMAND_OK = 1, TUPLES_OK = 2 }; /* as in every libpq.so.5 */
enum { LOCK_STEPS_MAX = 10000 };                           /* of 2 ms */

static struct {
    struct pg_conn *(*connectdb)(const char *conninfo);
    int (*status)(const struct pg_conn *pg);
    char *(*errorMessage)(const struct pg_conn *pg);
    int (*backendPID)(const struct pg_conn *pg);
    void (*finish)(struct pg_conn *pg);
    int (*sendQuery)(struct pg_conn *pg, const char *text);
    int (*sendQueryParams)(struct pg_conn *pg, const char *text, int count, const unsigned *types,
                           const char *const *values, const int *lengths, const int *formats,
                           int result_format);
    struct pg_result *(*getResult)(struct pg_conn *pg);
    pg_notify *(*notifies)(struct pg_conn *pg);
    void (*freemem)(void *memory);
    int (*resultStatus)(const struct pg_result *result);
    char *(*resultErrorField)(const struct pg_result *result, int field);
    int (*ntuples)(const struct pg_result *result);
    int (*nfields)(const struct pg_result *result);
    char *(*getvalue)(const struct pg_result *result, int row, int column);
    int (*getlength)(const struct pg_result *result, int row, int column);
    int (*getisnull)(const struct pg_result *result, int row, int column);
    void (*clear)(struct pg_result *result);
} pq;

struct postgres_session {
    struct pg_conn *pg;
    struct pg_result *result;
    irx__pg_rows rows;
    char error[512];
};

static void give_up(const char *what)
{
    fprintf(stderr, "session of a test: %s\n", what);
    abort();
}

static void load(void)
{
    static const char *const names[] = {
        "PQconnectdb",    "PQstatus",           "PQerrorMessage", "PQbackendPID", "PQfinish",
        "PQsendQuery",    "PQsendQueryParams",  "PQgetResult",    "PQnotifies",   "PQfreemem",
        "PQresultStatus", "PQresultErrorField", "PQntuples",      "PQnfields",    "PQgetvalue",
        "PQgetlength",    "PQgetisnull",        "PQclear",
    };
    void *library = dlopen("libpq.so.5", RTLD_NOW);
    if (library == NULL)
        give_up(dlerror());
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *function = dlsym(library, names[i]);
        if (function == NULL)
            give_up(names[i]);
        memcpy((char *)&pq + i * sizeof function, &function, sizeof function);
    }
}

static const char *cell(const void *source, int row, int column, size_t *length)
{
    const struct pg_result *result = source;
    if (pq.getisnull(result, row, column))
        return NULL;
    *length = (size_t)pq.getlength(result, row, column);
    return pq.getvalue(result, row, column);
}

postgres_session *postgres_session_open(int port, const char *user)
{
    char conninfo[128];
    postgres_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        give_up("out of memory");
    if (pq.clear == NULL)
        load();
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d dbname=postgres user=%s", port,
             user != NULL ? user : "postgres");
    session->pg = pq.connectdb(conninfo);
    if (pq.status(session->pg) != CONNECTION_OK)
        give_up(pq.errorMessage(session->pg));
    return session;
}

void postgres_session_close(postgres_session *session)
{
    if (session->result != NULL)
        pq.clear(session->result);
    pq.finish(session->pg);
    free(session);
}

int postgres_session_pid(const postgres_session *session)
{
    return pq.backendPID(session->pg);
}

void postgres_session_send(postgres_session *session, const char *text, int count,
                           const char *const *values)
{
    if (!pq.sendQueryParams(session->pg, text, count, NULL, values, NULL, NULL, 0))
        give_up(pq.errorMessage(session->pg));
}

void postgres_session_begin(postgres_session *session, const char *text)
{
    if (!pq.sendQuery(session->pg, text))
        give_up(pq.errorMessage(session->pg));
}

/* The last result, or the refusal. */
static void receive(postgres_session *session)
{
    struct pg_result *result;
    if (session->result != NULL)
        pq.clear(session->result);
    session->result = NULL;
    session->error[0] = '\0';
    while ((result = pq.getResult(session->pg)) != NULL) {
        int status = pq.resultStatus(result);
        if (status != TUPLES_OK && status != COMMAND_OK)
            snprintf(session->error, sizeof session->error, "%s: %s",
                     pq.resultErrorField(result, 'C'), pq.resultErrorField(result, 'M'));
        if (session->result != NULL)
            pq.clear(session->result);
        session->result = result;
    }
}

const irx__pg_rows *postgres_session_receive(postgres_session *session)
{
    receive(session);
    if (session->error[0] != '\0')
        return NULL;
    session->rows = (irx__pg_rows){
        .source = session->result,
        .rows = pq.ntuples(session->result),
        .columns = pq.nfields(session->result),
        .cell = cell,
    };
    return &session->rows;
}

const irx__pg_rows *postgres_session_ask(postgres_session *session, const char *text, int count,
                                         const char *const *values)
{
    postgres_session_send(session, text, count, values);
    return postgres_session_receive(session);
}

const char *postgres_session_say(postgres_session *session, const char *text)
{
    static char refused[600];
    postgres_session_begin(session, text);
    receive(session);
    snprintf(refused, sizeof refused, "-%s", session->error);
    if (session->error[0] != '\0')
        return refused;
    return pq.ntuples(session->result) > 0 ? pq.getvalue(session->result, 0, 0) : "";
}

const char *postgres_session_error(const postgres_session *session)
{
    return session->error;
}

void postgres_session_await_lock(postgres_session *session, const postgres_session *other)
{
    char text[128];
    snprintf(text, sizeof text, "SELECT count(*) FROM pg_locks WHERE pid = %d AND NOT granted",
             postgres_session_pid(other));
    for (int i = 0; strcmp(postgres_session_say(session, text), "0") == 0; i++) {
        if (i == LOCK_STEPS_MAX)
            give_up("a statement that should wait for a lock does not");
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

int postgres_session_heard(postgres_session *session, const char *channel)
{
    int heard = 0;
    pg_notify *notify;
    postgres_session_say(session, "SELECT 1");
    while ((notify = pq.notifies(session->pg)) != NULL) {
        heard += strcmp(notify->channel, channel) == 0;
        pq.freemem(notify);
    }
    return heard;
}
