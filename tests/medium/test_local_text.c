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

/* Every byte, in every place of a line. */
static void fill(unsigned char *bytes, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(i + seed + i / 256);
}

static void metas_survive_the_text(void **state)
{
    static const uint32_t lengths[] = {0, 1, 256, IRX_META_MAX, 0, 3};
    enum { COUNT = sizeof lengths / sizeof *lengths };
    irx__table table = {0}, read = {0};
    unsigned char meta[IRX_META_MAX];
    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        irx_member row = {.session = {1, i + 1}, .join = i + 1, .meta_length = lengths[i]};
        fill(meta, lengths[i], i);
        assert_int_equal(irx__table_put(&table, &row, meta, NULL), 0);
    }
    size_t room = irx__local_table_room(&table);
    char *text = malloc(room + 1);
    text[irx__local_print_table(&table, text, room)] = '\0';
    assert_int_equal(irx__local_parse_table(text, &read), 0);
    assert_int_equal(read.count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        fill(meta, lengths[i], i);
        assert_int_equal(read.rows[i].meta_length, lengths[i]);
        if (lengths[i] > 0)
            assert_memory_equal(read.metas + read.rows[i].meta_at, meta, lengths[i]);
    }
    irx__table_free(&read);
    free(text);
    irx__table_free(&table);
}

/* What rows that went or changed have left behind does not grow for ever. */
static void metas_take_no_more_room_than_they_need(void **state)
{
    irx__table table = {0};
    unsigned char meta[IRX_META_MAX];
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        irx_member row = {.session = {1, i % 3 + 1}, .join = i % 3 + 1};
        row.meta_length = i % IRX_META_MAX;
        fill(meta, row.meta_length, i);
        assert_int_equal(irx__table_put(&table, &row, meta, NULL), 0);
        if (i % 7 == 0)
            irx__table_remove(&table, (irx_id){1, (i + 1) % 3 + 1});
        const irx_member *put = irx__table_find(&table, row.session);
        assert_memory_equal(table.metas + put->meta_at, meta, row.meta_length);
    }
    assert_true(table.metas_room <= 8 * IRX_META_MAX);
    irx__table_free(&table);
}

static void value_survives_the_text(void **state)
{
    static const size_t lengths[] = {0, 1, 255, 1000, IRX_VALUE_MAX};
    static unsigned char bytes[IRX_VALUE_MAX];
    char *text = malloc(IRX__LOCAL_VALUE_MAX);
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        irx_version version = {7, i + 1}, read = {0, 0};
        void *value;
        size_t length;
        fill(bytes, lengths[i], (unsigned)i);
        size_t printed = irx__local_print_value(version, bytes, lengths[i], text);
        assert_in_range(printed, lengths[i], IRX__LOCAL_VALUE_MAX - 1);
        assert_int_equal(irx__local_parse_value(text, &read, &value, &length), 0);
        assert_int_equal(read.term, 7);
        assert_int_equal(read.index, i + 1);
        assert_int_equal(length, lengths[i]);
        assert_memory_equal(value, bytes, length);
        free(value);
        /* The version stands in the first bytes. */
        text[IRX__LOCAL_VERSION_MAX < printed ? IRX__LOCAL_VERSION_MAX - 1 : printed] = '\0';
        read = (irx_version){0, 0};
        assert_int_equal(irx__local_parse_version(text, &read), 0);
        assert_int_equal(read.index, i + 1);
    }
    /* All of them are what is escaped: that is the most room. */
    memset(bytes, '%', sizeof bytes);
    irx_version last = {UINT64_MAX, UINT64_MAX};
    assert_true(irx__local_print_value(last, bytes, sizeof bytes, text) < IRX__LOCAL_VALUE_MAX);
    assert_true(strchr(text + sizeof "interrex-value 1", '\n') - text < IRX__LOCAL_VERSION_MAX - 1);
    free(text);
}

static void damaged_value_is_foreign(void **state)
{
    char text[256];
    irx_version version;
    void *value;
    size_t length;
    (void)state;
    size_t printed = irx__local_print_value((irx_version){5, 2}, "a\nb%", 4, text);
    assert_true(printed < sizeof text - 1);
    for (size_t at = 0; at < printed; at++) {
        char saved = text[at];
        text[at] = (char)(saved ^ 1);
        assert_int_equal(irx__local_parse_value(text, &version, &value, &length), IRX_EFOREIGN);
        text[at] = '\0';
        assert_int_equal(irx__local_parse_value(text, &version, &value, &length), IRX_EFOREIGN);
        text[at] = saved;
    }
    assert_int_equal(irx__local_parse_value(text, &version, &value, &length), 0);
    free(value);
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
        cmocka_unit_test(metas_survive_the_text),
        cmocka_unit_test(metas_take_no_more_room_than_they_need),
        cmocka_unit_test(value_survives_the_text),
        cmocka_unit_test(damaged_value_is_foreign),
        cmocka_unit_test(names_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
