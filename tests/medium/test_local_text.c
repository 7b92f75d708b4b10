/* local: the text of records and tables, and the names of directories. */
#include "cmocka_all.h"
#include "medium/local_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static irx_record sample(void)
{
    irx_record record = {
        .format = IRX_FORMAT,
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = IRX_TAKEOVER_SAFE,
        .presence_seen = true,
        .incarnation = {1, 2},
        .term = UINT64_MAX,
        .session = {UINT64_MAX, 3},
        .process = {4, UINT64_MAX},
        .beat = 12345678901234567890u,
        .hold_ns = INT64_MAX,
        .epoch = {5, 6},
        .successor = {7, 8},
    };
    snprintf(record.label, sizeof record.label, "%s", "host 1:\t100%\n\x01\xc3\xa9\x7f");
    return record;
}

static void record_survives_the_text(void **state)
{
    char text[IRX__LOCAL_RECORD_MAX];
    irx_record record = sample(), read;
    (void)state;
    size_t length = irx__local_print_record(&record, text);
    text[length] = '\0';
    assert_int_equal(irx__local_parse_record(text, &read), 0);
    assert_int_equal(read.format, record.format);
    assert_int_equal(read.protocol, record.protocol);
    assert_int_equal(read.takeover, record.takeover);
    assert_int_equal(read.presence_seen, record.presence_seen);
    assert_true(irx_id_equal(read.incarnation, record.incarnation));
    assert_true(read.term == record.term);
    assert_true(irx_id_equal(read.session, record.session));
    assert_true(irx_id_equal(read.process, record.process));
    assert_true(read.beat == record.beat);
    assert_true(read.hold_ns == record.hold_ns);
    assert_true(irx_id_equal(read.epoch, record.epoch));
    assert_true(irx_id_equal(read.successor, record.successor));
    assert_string_equal(read.label, record.label);
}

/* The longest label there can be, all of it escaped, still fits. */
static void longest_record_fits(void **state)
{
    char text[IRX__LOCAL_RECORD_MAX];
    irx_record record = sample(), read;
    (void)state;
    memset(record.label, '%', IRX_LABEL_MAX);
    record.label[IRX_LABEL_MAX] = '\0';
    size_t length = irx__local_print_record(&record, text);
    assert_true(length < sizeof text);
    text[length] = '\0';
    assert_int_equal(irx__local_parse_record(text, &read), 0);
    assert_string_equal(read.label, record.label);
}

/* A record that was cut off anywhere, or has one other byte, is not ours. (Another format number is
 * a newer record's.) */
static void damaged_record_is_foreign(void **state)
{
    char text[IRX__LOCAL_RECORD_MAX], damaged[IRX__LOCAL_RECORD_MAX + 1];
    irx_record record = sample(), read;
    (void)state;
    size_t length = irx__local_print_record(&record, text);
    size_t number = strlen("interrex-record ");
    text[length] = '\0';
    for (size_t cut = 0; cut < length; cut++) {
        memcpy(damaged, text, cut);
        damaged[cut] = '\0';
        assert_int_equal(irx__local_parse_record(damaged, &read), IRX_EFOREIGN);
    }
    for (size_t at = 0; at < length; at++) {
        memcpy(damaged, text, length + 1);
        damaged[at] = (char)(damaged[at] ^ 1);
        int code = irx__local_parse_record(damaged, &read);
        if (at != number)
            assert_int_equal(code, IRX_EFOREIGN);
    }
    snprintf(damaged, sizeof damaged, "%s\n", text);
    assert_int_equal(irx__local_parse_record(damaged, &read), IRX_EFOREIGN);
}

static void newer_record_is_read_as_far_as_known(void **state)
{
    irx_record read;
    (void)state;
    assert_int_equal(irx__local_parse_record("interrex-record 2\nterm 9\ncolour blue\n", &read), 0);
    assert_int_equal(read.format, 2);
    assert_int_equal(read.term, 9);
    assert_true(irx_id_none(read.session));
    assert_int_equal(irx__local_parse_record("interrex-record 2\nterm nine\n", &read),
                     IRX_EFOREIGN);
}

static void table_survives_the_text(void **state)
{
    irx__table table = {0}, read = {0};
    irx_error error;
    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        irx_member row = {
            .session = {i, 100 - i}, .process = {i, 100 - i}, .join = 50 - i, .candidate = i % 3};
        memset(row.label, i % 2 ? '%' : 'x', IRX_LABEL_MAX);
        assert_int_equal(irx__table_put(&table, &row, NULL, &error), 0);
    }
    assert_true(irx__table_remove(&table, (irx_id){0, 100}));
    assert_int_equal(table.last_join, 50);
    size_t room = irx__local_table_room(&table);
    char *text = malloc(room + 1);
    size_t length = irx__local_print_table(&table, text, room);
    assert_true(length < room);
    text[length] = '\0';
    assert_int_equal(irx__local_parse_table(text, &read), 0);
    assert_int_equal(read.last_join, 50); /* though its row is gone */
    assert_int_equal(read.count, 49);
    for (size_t i = 0; i < read.count; i++) {
        assert_true(irx_id_equal(read.rows[i].session, table.rows[i].session));
        assert_int_equal(read.rows[i].join, table.rows[i].join);
        assert_int_equal(read.rows[i].candidate, table.rows[i].candidate);
        assert_string_equal(read.rows[i].label, table.rows[i].label);
        assert_true(i == 0 || read.rows[i - 1].join < read.rows[i].join);
    }
    irx__table_free(&read);
    /* Cut off or changed anywhere, it is foreign. */
    for (size_t at = 0; at < length; at += 7) {
        char saved = text[at];
        text[at] = (char)(saved ^ 1);
        assert_int_equal(irx__local_parse_table(text, &read), IRX_EFOREIGN);
        irx__table_free(&read);
        text[at] = '\0';
        assert_int_equal(irx__local_parse_table(text, &read), IRX_EFOREIGN);
        irx__table_free(&read);
        text[at] = saved;
    }
    free(text);
    irx__table_free(&table);
}

/* No two names meet, none leaves its place, and every component fits a file system. */
static void names_are_apart(void **state)
{
    static const char *const names[] = {"a", "A",  ".",  "..", "a/b", "a%2Fb", "a%252Fb",
                                        "~", "~a", "a~", "%",  "%7E", "/",     "//"};
    enum { COUNT = sizeof names / sizeof *names };
    char paths[COUNT + 3][IRX__LOCAL_NAME_MAX], name[IRX_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        irx__local_name(names[i], paths[i]);
    for (size_t i = 0; i < 3; i++) {
        memset(name, '/', IRX_NAME_MAX);
        name[IRX_NAME_MAX - i] = '\0';
        irx__local_name(name, paths[COUNT + i]);
    }
    for (size_t i = 0; i < COUNT + 3; i++) {
        assert_true(paths[i][0] != '.' && paths[i][0] != '/' && paths[i][0] != '~');
        for (const char *part = paths[i]; part;
             part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
            assert_in_range(strcspn(part, "/"), 1, 255);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(paths[i], paths[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_survives_the_text),
        cmocka_unit_test(longest_record_fits),
        cmocka_unit_test(damaged_record_is_foreign),
        cmocka_unit_test(newer_record_is_read_as_far_as_known),
        cmocka_unit_test(table_survives_the_text),
        cmocka_unit_test(names_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
