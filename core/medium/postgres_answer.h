/* Reading what the statements answer: rows in, results out. Pure: no socket, no clock, no state. */
#ifndef IRX_POSTGRES_ANSWER_H
#define IRX_POSTGRES_ANSWER_H

#include "interrex_engine.h"
#include "medium/postgres_connection.h"

enum { IRX_PG_MEMBERS_MAX = 65536 }; /* rows of a member table that we are willing to hold */

/* One row of an answer. */
typedef struct irx__pg_answer {
    size_t index; /* of the question that it answers */
    bool busy;    /* RENEW of many: somebody else holds this row locked; nothing was done */
    irx_status_kind status;
    bool has_record;
    irx_record record;
    irx_id epoch;
    uint64_t join;
    uint64_t members_version;
    bool has_members;    /* a newer table; it becomes the caller's, as `value` does */
    irx_member *members; /* malloc'ed, by join, then by session */
    size_t member_count;
    char *metas;    /* malloc'ed, null where no row has any */
    bool has_value; /* the published value of record.value */
    void *value;    /* malloc'ed */
    size_t value_length;
} irx__pg_answer;

/* What IRX_PG_CONNECT answers. */
typedef struct irx__pg_greeting {
    irx_id epoch;
    uint32_t ledger_oid; /* 0: there is no such table; epoch is none then */
    bool standby;
    bool durable;     /* fsync is on */
    int backend;      /* process id of the server process that answered */
    char missing[64]; /* a column or a privilege that the table, or we, lack; empty: none */
    char remedy[192]; /* the statement that gives our role what it needs */
} irx__pg_greeting;

/* Reads one row; `count` is how many questions were asked. 0, or with *error: IRX_EFOREIGN (a row
 * of the table holds something that is not ours), IRX_EFULL (the member table is), IRX_EPROTOCOL
 * (no such answer exists), IRX_ENOMEM. After a failure answer->index and answer->status are what
 * was told, or UNKNOWN, and nothing is to be freed. A record of a newer format is told with that
 * format and whatever of it could be read. `ledger` and `name` are for the error's text. */
int irx__pg_read_answer(const irx__pg_rows *rows, int row, size_t count, const char *ledger,
                        const char *name, irx__pg_answer *answer, irx_error *error);
int irx__pg_read_greeting(const irx__pg_rows *rows, irx__pg_greeting *greeting, irx_error *error);
/* Frees the table and the value, where there are any. */
void irx__pg_free_answer(irx__pg_answer *answer);

#endif
