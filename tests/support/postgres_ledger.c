/* Carries out the medium's statements as the medium would, but for everything that makes it fast or
 * patient. */
#include "postgres_ledger.h"

#include "cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

postgres_ledger postgres_ledger_here;

irx__pg_greeting postgres_ledger_greet(postgres_session *session, const irx__pg_texts *texts)
{
    irx__pg_greeting greeting;
    irx_error error;
    const irx__pg_rows *rows = postgres_session_ask(session, texts->text[IRX_PG_CONNECT], 0, NULL);
    if (rows == NULL)
        fail_msg("%s", postgres_session_error(session));
    if (irx__pg_read_greeting(rows, &greeting, &error) != 0)
        fail_msg("%s", error.text);
    return greeting;
}

int postgres_ledger_begin(void **state)
{
    postgres_ledger *here = &postgres_ledger_here;
    (void)state;
    here->server = postgres_server_start(NULL);
    here->session = postgres_session_open(postgres_server_port(here->server), NULL);
    assert_int_equal(irx__pg_texts_make(&here->texts, "", "interrex", NULL), 0);
    postgres_session_say(here->session, here->texts.schema);
    assert_string_equal(postgres_session_error(here->session), "");
    irx__pg_greeting greeting = postgres_ledger_greet(here->session, &here->texts);
    here->epoch = greeting.epoch;
    here->oid = greeting.ledger_oid;
    return 0;
}

int postgres_ledger_end(void **state)
{
    (void)state;
    postgres_session_close(postgres_ledger_here.session);
    irx__pg_texts_free(&postgres_ledger_here.texts);
    postgres_server_stop(postgres_ledger_here.server);
    return 0;
}

int postgres_ledger_empty(void **state)
{
    (void)state;
    postgres_session_say(postgres_ledger_here.session, "DELETE FROM interrex_ledger");
    return 0;
}

irx_id actor(uint64_t n)
{
    return n == 0 ? (irx_id){0, 0} : (irx_id){0xfedcba9876543210, UINT64_C(0xf000000000000000) + n};
}

void become_present(postgres_session *session, irx_id process)
{
    char text[64];
    snprintf(text, sizeof text, "SELECT pg_advisory_lock(%" PRId64 ")",
             irx__pg_process_key(process));
    postgres_session_say(session, "SET lock_timeout = '20s'"); /* somebody else may be it still */
    postgres_session_say(session, text);
    assert_string_equal(postgres_session_error(session), "");
    postgres_session_say(session, "RESET lock_timeout");
}

irx_op op_of(irx_op_kind kind, uint64_t n)
{
    return (irx_op){
        .kind = kind,
        .epoch = postgres_ledger_here.epoch,
        .session = actor(n),
        .process = actor(n),
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = IRX_TAKEOVER_FAST,
        .incarnation = actor(n),
        .candidate = true,
        .push = true,
        .hold_ns = 1507500000,
    };
}

void send_statement(postgres_session *session, int statement, const irx_op *op, const char *name)
{
    char channel[IRX_PG_CHANNEL_MAX];
    char label[32];
    irx__pg_values values;
    irx__pg_election_channel(postgres_ledger_here.oid, name, channel);
    snprintf(label, sizeof label, "host:%" PRIu64, op->session.lo & 0xff);
    irx__pg_question question = {.op = op, .name = name, .label = label, .channel = channel};
    assert_int_equal(irx__pg_values_of(&values, &question, 1, 3), 0);
    postgres_session_send(session, postgres_ledger_here.texts.text[statement], values.count,
                          values.list);
    irx__pg_values_free(&values);
}

void send_op(postgres_session *session, const irx_op *op, const char *name)
{
    send_statement(session, (int)op->kind, op, name);
}

irx__pg_answer receive_op(postgres_session *session, const char *name)
{
    irx__pg_answer answer;
    irx_error error;
    const irx__pg_rows *rows = postgres_session_receive(session);
    if (rows == NULL)
        fail_msg("%s", postgres_session_error(session));
    assert_int_equal(rows->rows, 1);
    int code =
        irx__pg_read_answer(rows, 0, 1, postgres_ledger_here.texts.ledger, name, &answer, &error);
    if (code != 0 && code != IRX_EFULL)
        fail_msg("%s", error.text);
    return answer;
}

irx__pg_answer apply_op(postgres_session *session, const irx_op *op, const char *name)
{
    send_op(session, op, name);
    return receive_op(session, name);
}

irx_status_kind status_of(postgres_session *session, const irx_op *op, const char *name)
{
    irx__pg_answer answer = apply_op(session, op, name);
    irx__pg_free_answer(&answer);
    return answer.status;
}

void expect_of(irx_op *op, const irx_record *record)
{
    op->expected.incarnation = record->incarnation;
    op->expected.term = record->term;
    op->expected.session = record->session;
    op->expected.beat = record->beat;
}

void make_held(const char *name, uint64_t n)
{
    postgres_session *session = postgres_ledger_here.session;
    irx_op create = op_of(IRX_OP_CREATE, n);
    irx__pg_answer answer = apply_op(session, &create, name);
    irx_op claim = op_of(IRX_OP_CLAIM, n);
    expect_of(&claim, &answer.record);
    claim.term = 1;
    claim.beat = 1;
    assert_int_equal(status_of(session, &claim, name), IRX_RESULT_OK);
}
