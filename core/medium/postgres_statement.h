/* The statements of the PostgreSQL medium, made from postgres/ *.sql for one table. */
#ifndef IRX_POSTGRES_STATEMENT_H
#define IRX_POSTGRES_STATEMENT_H

#include "interrex_engine.h"

/* One for each kind of operation, in its order, and then those of the medium's own. */
enum {
    IRX_PG_CONNECT = IRX_OP_PUBLISH + 1, /* is this ours, may we, what does it promise */
    IRX_PG_SETTINGS,                     /* of a session */
    IRX_PG_RENEW_ONE,                    /* RENEW of one record that waits for a locked row */
    IRX_PG_SEND,                         /* a message to a process, or to everybody */
    IRX_PG_WAIT,                         /* until a process's presence ends, or lock_timeout */
    IRX_PG_GONE,                         /* which of these processes are gone */
    IRX_PG_STATEMENTS
};

/* Texts with the table's name in place. */
typedef struct irx__pg_texts {
    char *text[IRX_PG_STATEMENTS];
    char *schema;   /* creates what is missing; nothing where it is there */
    char *creation; /* the same, to be said on a session of ours */
    char *ledger;   /* the table, quoted and qualified, for errors and to_regclass */
} irx__pg_texts;

/* `schema` may be empty: the first one of the search_path. 0, IRX_ECONFIG where a name can't be one
 * of PostgreSQL, or IRX_ENOMEM. */
int irx__pg_texts_make(irx__pg_texts *texts, const char *schema, const char *namespace_name,
                       irx_error *error);
void irx__pg_texts_free(irx__pg_texts *texts);

/* Names of channels: of an election, and of a process. */
enum { IRX_PG_CHANNEL_MAX = 64 };
void irx__pg_election_channel(uint32_t ledger_oid, const char *name, char channel[]);
void irx__pg_process_channel(irx_id process, char channel[]);
/* The key of a process's advisory lock. */
int64_t irx__pg_process_key(irx_id process);
/* IRX_PG_WAIT for this process: statements without parameters, to be freed. Null without memory. */
char *irx__pg_wait_text(const irx__pg_texts *texts, irx_id process);

#endif
