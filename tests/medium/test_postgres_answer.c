/* Reading what the statements answer: what is good is read as it is, what is not is refused with
 * its name. Pure: no server. That nothing does harm is tests/fuzz/fuzz_postgres_answer.c's. */
#include "cmocka_all.h"

#include "medium/postgres_answer.h"
#include "medium/postgres_error.h"
#include "postgres_cells.h"

#include <stdio.h>
#include <string.h>

#define G "fedcba9876543210fedcba9876543210"
#define H "0123456789abcdef0123456789abcdef"

static irx__pg_answer answer;
static irx_error error;

static int read_text(const char *text, size_t count)
{
    postgres_cells cells;
    postgres_cells_of(&cells, text, strlen(text));
    return irx__pg_read_answer(&cells.rows, 0, count, "\"t\"", "billing", &answer, &error);
}

enum { FIELDS = 22 };

/* A good answer, but for this column. */
static int read_with(int column, const char *text)
{
    static char line[300000];
    const char *fields[FIELDS] = {
        "0",      "OK",   G,
        "0",      "1",    G,
        "5",      G,      G,
        "host:1", "42",   "15",
        "lease",  "fast", "1",
        H,        "",     "5",
        "2",      "9",    G " 2 - 0 - second\n" H " 1 " G " 1 00ff7c first one",
        "00ff"};
    line[0] = '\0';
    if (column >= 0)
        fields[column] = text;
    char *at = line;
    for (int i = 0; i < FIELDS; i++)
        at += snprintf(at, sizeof line - (size_t)(at - line), "%s%s", i > 0 ? "|" : "", fields[i]);
    return read_text(line, 3);
}

static void refuse(int column, const char *text, int code)
{
    if (read_with(column, text) != code)
        fail_msg("column %d: \"%.60s\"", column, text);
    if (code == 0)
        irx__pg_free_answer(&answer);
    else
        assert_true(answer.members == NULL && answer.metas == NULL && answer.value == NULL);
}

/* What a good row says arrives as it was said. */
static void good_rows_are_read(void **state)
{
    (void)state;
    assert_int_equal(read_with(0, "2"), 0);
    assert_int_equal(answer.index, 2);
    assert_true(answer.status == IRX_RESULT_OK && answer.has_record && !answer.busy);
    assert_int_equal(answer.record.term, 5);
    assert_int_equal(answer.record.beat, 42);
    assert_int_equal(answer.record.hold_ns, 15);
    assert_true(answer.record.presence_seen && answer.record.takeover == IRX_TAKEOVER_FAST);
    assert_int_equal(answer.record.epoch.hi, 0x0123456789abcdef);
    assert_int_equal(answer.epoch.hi, 0xfedcba9876543210);
    assert_int_equal(answer.members_version, 9);
    assert_int_equal(answer.member_count, 2);
    assert_string_equal(answer.members[0].label, "first one"); /* in the order of joining */
    assert_true(answer.members[0].candidate && answer.members[0].meta_length == 3);
    assert_memory_equal(answer.metas + answer.members[0].meta_at, "\0\xff|", 3);
    assert_true(irx_id_none(answer.members[1].process) && answer.members[1].meta_length == 0);
    assert_true(answer.has_value && answer.value_length == 2);
    assert_memory_equal(answer.value, "\0\xff", 2);
    irx__pg_free_answer(&answer);
}

static void what_is_not_told_is_not_there(void **state)
{
    (void)state;
    refuse(20, "\\N", 0);
    assert_int_equal(read_with(20, ""), 0); /* an empty table is one */
    assert_true(answer.has_members && answer.member_count == 0);
    irx__pg_free_answer(&answer);
    assert_int_equal(read_with(21, ""), 0); /* as is an empty value */
    assert_true(answer.has_value && answer.value_length == 0);
    irx__pg_free_answer(&answer);
    assert_int_equal(read_text("0|ABSENT|" G "|0|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|"
                               "\\N|\\N|\\N|0|\\N|\\N",
                               1),
                     0);
    assert_false(answer.has_record || answer.has_members || answer.has_value);
    assert_int_equal(read_with(1, "BUSY"), 0);
    assert_true(answer.busy && answer.status == IRX_RESULT_FAILED);
    irx__pg_free_answer(&answer);
    assert_int_equal(read_with(1, "FULL"), IRX_EFULL);
    assert_int_equal(answer.status, IRX_RESULT_FAILED);
    assert_non_null(strstr(error.text, "billing"));
}

/* A row that somebody else wrote must not become a leadership. */
static void a_column_that_says_what_it_can_not_is_foreign(void **state)
{
    static const struct {
        int column;
        const char *text;
    } bad[] = {
        {4, "0"},
        {4, "\\N"},
        {4, "-1"},
        {5, "x"},
        {5, ""},
        {6, "-1"},
        {6, "\\N"},
        {6, "9007199254740992"},
        {6, "05"},
        {7, "fedc"},
        {7, "\\N"},
        {8, G "0"},
        {9, "\\N"},
        {10, "1.0"},
        {11, "-5"},
        {12, "raft"},
        {13, "never"},
        {14, "t"},
        {14, "\\N"},
        {15, ""},
        {16, "x"},
        {17, "0"},
        {18, "0"},
        {19, "-1"},
        {20, "x"},
        {20, G},
        {20, "\n"},
        {20, G " 1 - 1 -"},
        {20, G " 1 - 2 - l"},
        {20, G " x - 1 - l"},
        {20, G " 1 " G " 1  l"},
        {20, G " 1 - 1 0 l"},
        {20, G " 1 - 1 0g l"},
        {20, " 1 - 1 - l"},
        {20, G " 1 - 1 - l\n\n"},
        {21, "0"},
        {21, "0g"},
        {21, "0F"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool empty_label = strcmp(bad[i].text, G " 1 - 1 -") == 0;
        refuse(bad[i].column, bad[i].text, empty_label ? 0 : IRX_EFOREIGN);
    }
    assert_int_equal(read_with(6, "a \x01 b"), IRX_EFOREIGN);
    assert_non_null(strstr(error.text, "\"term\" is \"a ? b\""));
}

static void what_no_statement_answers_is_refused(void **state)
{
    (void)state;
    refuse(0, "3", IRX_EPROTOCOL); /* three were asked */
    refuse(0, "\\N", IRX_EPROTOCOL);
    refuse(1, "YES", IRX_EPROTOCOL);
    refuse(1, "\\N", IRX_EPROTOCOL);
    refuse(2, "\\N", IRX_EPROTOCOL);
    refuse(3, "\\N", IRX_EPROTOCOL);
    assert_int_equal(read_text("", 1), IRX_EPROTOCOL);
    assert_int_equal(answer.status, IRX_RESULT_UNKNOWN);
    assert_int_equal(read_text("0|STALE|" G "|0|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|"
                               "\\N|\\N|\\N|0|\\N|\\N",
                               1),
                     IRX_EPROTOCOL); /* compared with what? */
}

/* What a newer format changed is not ours to judge, but that it is one must be told. */
static void a_newer_format_is_told_as_such(void **state)
{
    (void)state;
    assert_int_equal(read_with(4, "2"), 0);
    assert_int_equal(answer.record.format, 2);
    assert_false(answer.has_value);
    irx__pg_free_answer(&answer);
    static const char *const members[] = {"of another shape", G " 1 - 1 - x", ""};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "0|OK|" G "|0|2|" G "|5|" G "|" G "|host:1|42|15|lease|fast|1|" H "||5|2|9|%s|00",
                 members[i]);
        assert_int_equal(read_text(line, 1), 0);
        assert_int_equal(answer.record.format, 2);
        assert_false(answer.has_members);
        irx__pg_free_answer(&answer);
    }
}

static void values_and_metas_have_bounds(void **state)
{
    static char text[2 * IRX_VALUE_MAX + 3];
    static char row[2 * IRX_META_MAX + 64];
    (void)state;
    memset(text, '0', 2 * IRX_VALUE_MAX);
    refuse(21, text, 0);
    memset(text, '0', 2 * IRX_VALUE_MAX + 2);
    refuse(21, text, IRX_EFOREIGN);
    snprintf(row, sizeof row, G " 1 - 1 %0*d l", 2 * IRX_META_MAX, 0);
    refuse(20, row, 0);
    snprintf(row, sizeof row, G " 1 - 1 %0*d l", 2 * IRX_META_MAX + 2, 0);
    refuse(20, row, IRX_EFOREIGN);
    snprintf(row, sizeof row, G " 1 - 1 - %0*d", IRX_LABEL_MAX + 1, 0);
    refuse(20, row, IRX_EFOREIGN);
}

static int greet(const char *text, irx__pg_greeting *greeting)
{
    postgres_cells cells;
    postgres_cells_of(&cells, text, strlen(text));
    return irx__pg_read_greeting(&cells.rows, greeting, &error);
}

static void greetings_are_read_or_refused(void **state)
{
    static const char *const bad[] = {"",
                                      G "|1|0|1|5|\\N",
                                      G "|1|0|1|5|\\N|app|more",
                                      "\\N|1|0|1|5|\\N|app",
                                      G "|\\N|0|1|5|\\N|app",
                                      G "|4294967296|0|1|5|\\N|app",
                                      G "|1|t|1|5|\\N|app",
                                      G "|1|0|\\N|5|\\N|app",
                                      G "|1|0|1|0x5|\\N|app",
                                      G "|1|0|1|5|\\N|\\N",
                                      "x|1|0|1|5|\\N|app"};
    irx__pg_greeting greeting;
    (void)state;
    assert_int_equal(greet(G "|4294967295|0|1|77|column term|app", &greeting), 0);
    assert_true(greeting.durable && !greeting.standby && greeting.ledger_oid == UINT32_MAX);
    assert_int_equal(greeting.backend, 77);
    assert_string_equal(greeting.missing, "column term");
    assert_string_equal(greeting.remedy, "app");
    assert_int_equal(greet("\\N|\\N|0|0|77|\\N|app", &greeting), 0);
    assert_true(greeting.ledger_oid == 0 && irx_id_none(greeting.epoch));
    assert_int_equal(greet("\\N|5|1|1|77|\\N|app", &greeting), 0);
    assert_true(greeting.standby);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (greet(bad[i], &greeting) != IRX_EPROTOCOL)
            fail_msg("%s", bad[i]);
}

/* libpq's own messages have a line for each host, and hints behind them. */
static void what_is_said_becomes_one_line(void **state)
{
    char said[IRX_PG_SAID_MAX];
    (void)state;
    irx__pg_said(said, "to a: refused\n\tIs it running?\nto b: refused\n\tIs it?\n\tReally?\n");
    assert_string_equal(said, "to a: refused to b: refused");
    irx__pg_said(said, "one\ntwo\n");
    assert_string_equal(said, "one two");
    irx__pg_said(said, "\n\x01\x7f");
    assert_string_equal(said, "??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_rows_are_read),
        cmocka_unit_test(what_is_not_told_is_not_there),
        cmocka_unit_test(a_column_that_says_what_it_can_not_is_foreign),
        cmocka_unit_test(what_no_statement_answers_is_refused),
        cmocka_unit_test(a_newer_format_is_told_as_such),
        cmocka_unit_test(values_and_metas_have_bounds),
        cmocka_unit_test(greetings_are_read_or_refused),
        cmocka_unit_test(what_is_said_becomes_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
