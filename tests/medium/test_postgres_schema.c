/* The table: who may make it, under which names, what a greeting says where it is not as it should
 * be, and what an epoch ends by. */
#include "cmocka_all.h"

#include "interrex.h"
#include "postgres_ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HERE postgres_ledger_here

static postgres_session *open_session(const char *user)
{
    return postgres_session_open(postgres_server_port(HERE.server), user);
}

static void must_say(postgres_session *session, const char *text)
{
    postgres_session_say(session, text);
    assert_string_equal(postgres_session_error(session), "");
}

/* Instances that start together all find no table: none of them may fail for another's having made
 * it. */
static void eight_may_make_it_at_once(void **state)
{
    enum { COUNT = 8 };
    postgres_session *sessions[COUNT];
    irx__pg_texts texts;
    (void)state;
    assert_int_equal(irx__pg_texts_make(&texts, "apart", "many", NULL), 0);
    for (int i = 0; i < COUNT; i++)
        sessions[i] = open_session(NULL);
    for (int i = 0; i < COUNT; i++)
        postgres_session_begin(sessions[i], texts.schema);
    for (int i = 0; i < COUNT; i++) {
        postgres_session_receive(sessions[i]);
        assert_string_equal(postgres_session_error(sessions[i]), "");
        postgres_session_close(sessions[i]);
    }
    assert_int_not_equal(postgres_ledger_greet(HERE.session, &texts).ledger_oid, 0);
    must_say(HERE.session, texts.schema); /* and again */
    irx__pg_texts_free(&texts);
}

/* A name is a name, whatever is in it. */
static void hostile_names_stay_names(void **state)
{
    static const char *const names[] = {"\"; DROP TABLE interrex_ledger; --",
                                        "'); DROP TABLE interrex_ledger; --",
                                        "\\'; DROP TABLE x; --",
                                        "{ledger}",
                                        "$$",
                                        "Name With Blanks",
                                        "\xc3\xa4"};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
        const char *name = names[i / 2];
        irx__pg_texts texts;
        postgres_session_say(HERE.session, i % 4 < 2 ? "SET standard_conforming_strings = on"
                                                     : "SET standard_conforming_strings = off");
        assert_int_equal(irx__pg_texts_make(&texts, i % 2 ? name : "", name, NULL), 0);
        assert_int_equal(postgres_ledger_greet(HERE.session, &texts).ledger_oid, 0);
        must_say(HERE.session, texts.schema);
        irx__pg_greeting greeting = postgres_ledger_greet(HERE.session, &texts);
        assert_int_not_equal(greeting.ledger_oid, 0);
        assert_string_equal(greeting.missing, "");
        irx__pg_texts_free(&texts);
    }
    must_say(HERE.session, "RESET standard_conforming_strings; TABLE interrex_ledger");
}

static void names_that_can_not_be_are_refused(void **state)
{
    char name[80];
    irx__pg_texts texts;
    irx_error error;
    (void)state;
    memset(name, 'n', sizeof name);
    name[57] = '\0';
    assert_int_equal(irx__pg_texts_make(&texts, "", name, &error), IRX_ECONFIG);
    assert_non_null(strstr(error.text, "56"));
    assert_int_equal(irx_schema(NULL, name, NULL, 0), 0);
    name[56] = '\0';
    assert_true(irx_schema(name, name, NULL, 0) > 0);
    assert_int_equal(irx_schema("a$interrex$", NULL, NULL, 0), 0);
    assert_int_equal(irx_schema(NULL, "", NULL, 0), 0);
}

/* What a migration prints is what the medium would run. */
static void the_public_text_is_the_mediums(void **state)
{
    size_t length = irx_schema(NULL, NULL, NULL, 0);
    char *text = malloc(length + 1);
    char few[8];
    (void)state;
    assert_int_equal(irx_schema(NULL, NULL, text, length + 1), length);
    assert_string_equal(text, HERE.texts.schema);
    assert_int_equal(irx_schema("", "interrex", few, sizeof few), length);
    assert_memory_equal(few, text, 7);
    assert_int_equal(few[7], '\0');
    free(text);
}

/* An operator gives what the pages say is enough; a statement that wants more would fail in
 * production first. */
static void few_rights_suffice(void **state)
{
    static const irx_op_kind kinds[] = {
        IRX_OP_JOIN, IRX_OP_CREATE, IRX_OP_CLAIM,         IRX_OP_RENEW,   IRX_OP_PUBLISH,
        IRX_OP_READ, IRX_OP_STRIKE, IRX_OP_CLAIM_IF_GONE, IRX_OP_RELEASE, IRX_OP_LEAVE};
    (void)state;
    must_say(HERE.session, "CREATE ROLE app LOGIN;"
                           "REVOKE ALL ON SCHEMA public FROM public;"
                           "GRANT USAGE ON SCHEMA public TO app;"
                           "GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO app");
    postgres_session *app = open_session("app");
    assert_string_equal(postgres_ledger_greet(app, &HERE.texts).missing, "");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        irx_op op = op_of(kinds[i], 1);
        op.data = "v";
        op.length = 1;
        irx__pg_answer answer = apply_op(app, &op, "billing");
        irx__pg_free_answer(&answer);
    }
    irx_op op = op_of(IRX_OP_RENEW, 1);
    send_statement(app, IRX_PG_RENEW_ONE, &op, "billing");
    receive_op(app, "billing");
    const char *const send[] = {"interrex:x", "payload", NULL};
    const char *const gone[] = {"{}"};
    assert_non_null(postgres_session_ask(app, HERE.texts.text[IRX_PG_SEND], 3, send));
    char *wait = irx__pg_wait_text(&HERE.texts, actor(17));
    assert_string_equal(postgres_session_say(app, wait), "t");
    free(wait);
    assert_non_null(postgres_session_ask(app, HERE.texts.text[IRX_PG_GONE], 1, gone));
    postgres_session_close(app);
}

/* A message to one that is gone is said not to have left; to everybody it always leaves. */
static void a_message_leaves_for_those_who_are_there(void **state)
{
    char key[24];
    const char *values[] = {"interrex:x", "payload", NULL};
    size_t length;
    const irx__pg_rows *rows =
        postgres_session_ask(HERE.session, HERE.texts.text[IRX_PG_SEND], 3, values);
    (void)state;
    assert_string_equal(rows->cell(rows->source, 0, 0, &length), "t");
    snprintf(key, sizeof key, "%lld", (long long)irx__pg_process_key(actor(1)));
    values[2] = key;
    rows = postgres_session_ask(HERE.session, HERE.texts.text[IRX_PG_SEND], 3, values);
    assert_int_equal(rows->rows, 1);
    assert_string_equal(rows->cell(rows->source, 0, 0, &length), "f");
    postgres_session *there = open_session(NULL);
    become_present(there, actor(1));
    rows = postgres_session_ask(HERE.session, HERE.texts.text[IRX_PG_SEND], 3, values);
    assert_string_equal(rows->cell(rows->source, 0, 0, &length), "t");
    postgres_session_close(there);
}

/* The first thing that is missing is named, one after another, so that each can be given. */
static void what_is_missing_is_named(void **state)
{
    (void)state;
    irx__pg_texts texts;
    assert_int_equal(irx__pg_texts_make(&texts, "closed", "interrex", NULL), 0);
    must_say(HERE.session, texts.schema);
    must_say(HERE.session, "CREATE ROLE stranger LOGIN");
    postgres_session *stranger = open_session("stranger");
    assert_string_equal(postgres_ledger_greet(stranger, &texts).missing, "USAGE");
    assert_string_equal(postgres_ledger_greet(stranger, &texts).remedy,
                        "GRANT USAGE ON SCHEMA closed TO stranger");
    must_say(HERE.session, "GRANT USAGE ON SCHEMA closed TO stranger");
    assert_string_equal(postgres_ledger_greet(stranger, &texts).missing, "SELECT");
    must_say(HERE.session, "GRANT SELECT, INSERT ON closed.interrex_ledger TO stranger");
    assert_string_equal(postgres_ledger_greet(stranger, &texts).missing, "UPDATE");
    must_say(HERE.session, "GRANT UPDATE ON closed.interrex_ledger TO stranger");
    assert_string_equal(postgres_ledger_greet(stranger, &texts).missing, "");
    must_say(HERE.session, "ALTER TABLE closed.interrex_ledger RENAME hold_ns TO hold");
    assert_string_equal(postgres_ledger_greet(stranger, &texts).missing, "column hold_ns");
    postgres_session_close(stranger);
    irx__pg_texts_free(&texts);
}

static bool is_epoch(irx_id epoch)
{
    return irx_id_equal(postgres_ledger_greet(HERE.session, &HERE.texts).epoch, epoch);
}

/* A table that was dropped, or a server that was started again, may have lost what was in it: a
 * leader of before must notice, also by a connection that has the statement prepared. */
static void an_epoch_ends_with_its_table_and_its_server(void **state)
{
    char text[600];
    irx_op op = op_of(IRX_OP_READ, 1);
    (void)state;
    assert_true(is_epoch(HERE.epoch));
    assert_int_equal(status_of(HERE.session, &op, "nobody"), IRX_RESULT_ABSENT);
    must_say(HERE.session, "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'");
    assert_true(is_epoch(HERE.epoch)); /* it is no matter of taste */
    irx__pg_values values;
    irx__pg_question question = {.op = &op, .name = "nobody"};
    assert_int_equal(irx__pg_values_of(&values, &question, 1, 3), 0);
    snprintf(text, sizeof text, "EXECUTE kept ('%s', '%s', '%s', '%s', '%s')", values.list[0],
             values.list[1], values.list[2], values.list[3], values.list[4]);
    irx__pg_values_free(&values);
    char *prepare = malloc(strlen(HERE.texts.text[IRX_OP_READ]) + 32);
    sprintf(prepare, "PREPARE kept AS %s", HERE.texts.text[IRX_OP_READ]);
    must_say(HERE.session, prepare);
    free(prepare);
    for (int i = 0; i < 8; i++) /* until the plan is a generic one */
        must_say(HERE.session, text);
    must_say(HERE.session, "DROP TABLE interrex_ledger");
    must_say(HERE.session, HERE.texts.schema);
    assert_false(is_epoch(HERE.epoch));
    assert_int_equal(status_of(HERE.session, &op, "nobody"), IRX_RESULT_EPOCH);
    const irx__pg_rows *rows = postgres_session_ask(HERE.session, text, 0, NULL);
    irx__pg_answer answer;
    assert_non_null(rows);
    assert_int_equal(irx__pg_read_answer(rows, 0, 1, "t", "n", &answer, NULL), 0);
    assert_int_equal(answer.status, IRX_RESULT_EPOCH);
    irx_id second = answer.epoch;
    postgres_session_close(HERE.session);
    postgres_server_kill(HERE.server);
    postgres_server_restart(HERE.server);
    HERE.session = open_session(NULL);
    assert_false(is_epoch(second));
}

/* A renewal must not touch an index: three a second and election, for years. */
static void renewals_are_hot_and_small(void **state)
{
    static char meta[4096];
    (void)state;
    make_held("hot", 1);
    irx_op op = op_of(IRX_OP_PUBLISH, 1);
    op.term = 1;
    op.data = meta;
    op.length = sizeof meta;
    assert_int_equal(status_of(HERE.session, &op, "hot"), IRX_RESULT_OK);
    op.kind = IRX_OP_RENEW;
    for (uint64_t beat = 2; beat < 2000; beat++) {
        op.beat = beat;
        assert_int_equal(status_of(HERE.session, &op, "hot"), IRX_RESULT_OK);
    }
    const char *pages = postgres_session_say(
        HERE.session, "SELECT pg_relation_size('interrex_ledger') / 8192 < 8"
                      " AND pg_indexes_size('interrex_ledger') / 8192 <= 2"
                      " AND pg_relation_size(reltoastrelid) / 8192 < 8"
                      " FROM pg_class WHERE oid = 'interrex_ledger'::regclass");
    assert_string_equal(pages, "t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_may_make_it_at_once),
        cmocka_unit_test(hostile_names_stay_names),
        cmocka_unit_test(names_that_can_not_be_are_refused),
        cmocka_unit_test(the_public_text_is_the_mediums),
        cmocka_unit_test(few_rights_suffice),
        cmocka_unit_test(a_message_leaves_for_those_who_are_there),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(renewals_are_hot_and_small),
        cmocka_unit_test(an_epoch_ends_with_its_table_and_its_server),
    };
    return cmocka_run_group_tests(tests, postgres_ledger_begin, postgres_ledger_end);
}
