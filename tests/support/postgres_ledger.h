/* A server with the medium's table in it, and operations on that by the medium's own statements,
 * questions and answers; no medium. */
#ifndef POSTGRES_LEDGER_H
#define POSTGRES_LEDGER_H

#include "medium/postgres_answer.h"
#include "medium/postgres_question.h"
#include "postgres_server.h"
#include "postgres_session.h"

typedef struct postgres_ledger {
    postgres_server *server;
    postgres_session *session; /* of the superuser */
    irx__pg_texts texts;
    irx_id epoch;
    uint32_t oid;
} postgres_ledger;

extern postgres_ledger postgres_ledger_here; /* of the program */

/* cmocka's group setup and teardown; the first makes the table. */
int postgres_ledger_begin(void **state);
int postgres_ledger_end(void **state);
/* Empties the table; a test's setup. */
int postgres_ledger_empty(void **state);

/* Reads the greeting by the ledger's session. */
irx__pg_greeting postgres_ledger_greet(postgres_session *session, const irx__pg_texts *texts);

/* {0, n}, and with a high half: so that keys, which are the low half, tell them apart. */
irx_id actor(uint64_t n);
/* Takes the lock that is a process's presence. */
void become_present(postgres_session *session, irx_id process);

/* An operation of the session `n` under the process `n`, at the ledger's epoch. */
irx_op op_of(irx_op_kind kind, uint64_t n);
/* By this statement, which may be another one than the operation's. */
void send_statement(postgres_session *session, int statement, const irx_op *op, const char *name);
void send_op(postgres_session *session, const irx_op *op, const char *name);
/* Ends the test where there is no answer. To be freed by irx__pg_free_answer. */
irx__pg_answer receive_op(postgres_session *session, const char *name);
irx__pg_answer apply_op(postgres_session *session, const irx_op *op, const char *name);
/* As apply, and only the status is of interest. */
irx_status_kind status_of(postgres_session *session, const irx_op *op, const char *name);
/* {term, beat} of what is there, session and process `n`, presence not looked at. */
void expect_of(irx_op *op, const irx_record *record);
/* Makes a record of this name, claimed by `n` in term 1 with incarnation `n`. */
void make_held(const char *name, uint64_t n);

#endif
