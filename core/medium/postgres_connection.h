/* A connection to a PostgreSQL server on a libev loop: one statement at a time. */
#ifndef IRX_POSTGRES_CONNECTION_H
#define IRX_POSTGRES_CONNECTION_H

#include "medium/postgres_place.h"

#include <ev.h>

typedef struct irx__pg_connection irx__pg_connection;

/* Rows as a reader sees them, wherever they come from; a cell is text, null where the column is. */
typedef struct irx__pg_rows {
    const void *source;
    int rows;
    int columns;
    const char *(*cell)(const void *source, int row, int column, size_t *length);
} irx__pg_rows;

/* What became of a statement: rows, or a refusal. Valid during the call only. */
typedef struct irx__pg_outcome {
    const irx__pg_rows *rows; /* null: refused */
    bool harmless;            /* refused, and surely nothing was applied */
    char sqlstate[6];
    irx_error why; /* refused: what, and what to do about it */
} irx__pg_outcome;

/* A statement with parameters. Once ready, the connection prepares it when it first meets its
 * number, unless it leads through a pooler. */
typedef struct irx__pg_statement {
    unsigned number; /* below IRX_PG_STATEMENTS_MAX */
    const char *text;
} irx__pg_statement;

enum { IRX_PG_STATEMENTS_MAX = 32 };

typedef struct irx__pg_hooks {
    /* Authenticated; nothing was said yet. */
    void (*opened)(void *owner, irx__pg_connection *connection);
    /* The statement under way has ended; another may be asked from within. */
    void (*answered)(void *owner, irx__pg_connection *connection, const irx__pg_outcome *outcome);
    void (*notified)(void *owner, irx__pg_connection *connection, const char *channel,
                     const char *payload);
    /* The connection, or the attempt, failed; it is closed and may be opened again from here. */
    void (*failed)(void *owner, irx__pg_connection *connection, const irx_error *why);
    /* Every event of the loop is wrapped in these two, so that the owner knows when it may free
     * itself. */
    void (*enter)(void *owner);
    void (*leave)(void *owner);
} irx__pg_hooks;

typedef enum irx__pg_state {
    IRX_PG_CLOSED,
    IRX_PG_CONNECTING, /* names are looked up, hosts tried, TLS and passwords exchanged */
    IRX_PG_GREETING,   /* open, until irx__pg_ready */
    IRX_PG_READY
} irx__pg_state;

struct irx__pg_connection {
    struct ev_loop *loop;
    const irx__pg_hooks *hooks;
    void *owner;
    irx__pg_place *place;
    irx__pg_state state;
    uint64_t
        serial;  /* of the present attempt: callbacks compare it to see whether they closed it */
    bool busy;   /* a statement is under way */
    bool pooled; /* a pooler answers: the server behind it changes from statement to statement */
    int server_version; /* as PQserverVersion: 150004 */
    int backend;        /* as PQbackendPID: the process that let us in, or a pooler's invention */
    /* ---- the connection's own */
    const irx__libpq *pq;
    struct pg_conn *pg;
    int fd; /* libpq's, -1: none; it may change while CONNECTING */
    ev_io reading;
    ev_io writing;
    ev_timer attempt; /* bounds the way from open to ready */
    ev_timer soon;    /* fed, never started: runs once the loop's present round is over */
    irx__pg_waiter waiter;
    size_t turn;     /* of the place's hosts, with which this attempt began */
    bool half;       /* of the attempt's time is over */
    bool unread;     /* bytes wait where the loop can't see them */
    bool has_failed; /* an error waits for `soon` */
    irx_error failure;
    bool has_last_words; /* what the server said when it ended the connection */
    irx_error last_words;
    /* ---- of the statement under way */
    bool preparing;
    unsigned number; /* IRX_PG_STATEMENTS_MAX: none */
    int value_count;
    char **values; /* while it is prepared: a copy, in one piece */
    struct pg_result *result;
    int many;                   /* results that make up the answer; 0: the last one is */
    int taken;                  /* of them, those before `result` */
    struct pg_result **results; /* they */
    uint64_t received;          /* by the socket, when it began */
    uint32_t prepared;          /* a bit for each statement number that this server knows */
    unsigned generation;        /* of the names of prepared statements */
};

void irx__pg_connection_init(irx__pg_connection *connection, struct ev_loop *loop,
                             const irx__pg_hooks *hooks, void *owner, irx__pg_place *place);

/* Begins an attempt. It ends by `opened` or `failed`, never from within the call. */
void irx__pg_open(irx__pg_connection *connection);
/* The greeting went well: the attempt is over. */
void irx__pg_ready(irx__pg_connection *connection);

/* Sends a statement; only while none is under way. Values are text, null is NULL, and are copied.
 * It fails by way of the hook, never from within the call. */
void irx__pg_ask(irx__pg_connection *connection, const irx__pg_statement *statement, int count,
                 const char *const *values);
/* Prepares a statement that will be asked, where the connection does not lead through a pooler;
 * only while none is under way. Refused as any. */
void irx__pg_prepare(irx__pg_connection *connection, const irx__pg_statement *statement);
bool irx__pg_is_prepared(const irx__pg_connection *connection, unsigned number);
/* What the server knows it by. */
enum { IRX_PG_PREPARED_MAX = 32 };
void irx__pg_prepared_name(const irx__pg_connection *connection, unsigned number, char name[]);
/* Sends one or more statements without parameters; the outcome is the last one's, or the first
 * refusal's. */
void irx__pg_say(irx__pg_connection *connection, const char *text);
/* As that, of so many statements that give one row each: the rows of the outcome are theirs. They
 * are one transaction: all of them are applied, or none. */
void irx__pg_say_many(irx__pg_connection *connection, const char *text, int count);

/* Ends it soon, by way of the hook and never from within the call. Nothing where it is closed. */
void irx__pg_fail(irx__pg_connection *connection, const irx_error *why);
/* Closes at once, without waiting for the server, and tells nobody. */
void irx__pg_close(irx__pg_connection *connection);
/* In a forked child: the descriptor alone. No malloc, no lock, not a byte to the server. */
void irx__pg_forked(irx__pg_connection *connection);

#endif
