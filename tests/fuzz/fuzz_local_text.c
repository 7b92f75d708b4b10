/* Whatever a local directory's file holds, reading it must not crash, leak or read past its end,
 * and what is taken for ours is exactly one of each thing, and the same after it was written again.
 * A file with a wrong sum is refused before anything else, so each is also tried with the right
 * one. */
#include "medium/local_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { SEAL_SIZE = 23 /* "check ", 16 digits and a newline */ };

static void must(bool good)
{
    if (!good)
        abort();
}

/* How many lines of the text begin with these bytes. */
static unsigned lines_beginning(const char *text, const char *with, size_t length)
{
    unsigned count = 0;
    for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL)
        count += strncmp(text, with, length) == 0;
    return count;
}

/* Each line that we would write stands in what was read, once. */
static void check_lines(const char *read, const char *written)
{
    for (const char *line = written; *line; line = strchr(line, '\n') + 1)
        must(lines_beginning(read, line, strcspn(line, " ")) == 1);
}

static void try_record(const char *text)
{
    irx_record record, again;
    char written[IRX__LOCAL_RECORD_MAX];
    memset(&record, 0, sizeof record); /* the bytes between its fields too */
    memset(&again, 0, sizeof again);
    int code = irx__local_parse_record(text, &record);
    must(code == 0 || code == IRX_EFOREIGN);
    if (code != 0)
        return;
    must(record.format >= 1);
    must(memchr(record.label, '\0', sizeof record.label) != NULL);
    must(record.hold_ns >= 0);
    if (record.format > IRX_FORMAT)
        return;
    size_t length = irx__local_print_record(&record, written);
    must(length < sizeof written);
    written[length] = '\0';
    check_lines(text, written);
    must(irx__local_parse_record(written, &again) == 0);
    must(irx_id_equal(record.incarnation, again.incarnation) && record.term == again.term);
    must(irx_id_equal(record.session, again.session) && record.beat == again.beat);
    must(irx_id_equal(record.process, again.process) && record.hold_ns == again.hold_ns);
    must(irx_id_equal(record.epoch, again.epoch) && record.takeover == again.takeover);
    must(irx_id_equal(record.successor, again.successor) && record.protocol == again.protocol);
    must(record.presence_seen == again.presence_seen);
    must(strcmp(record.label, again.label) == 0);
}

/* How many rows say something. */
static size_t saying(const irx__table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        count += table->rows[i].meta_length > 0;
    return count;
}

static void check_meta(const irx__table *table, const irx_member *row, const irx__table *again,
                       const irx_member *same)
{
    must(row->meta_length <= IRX_META_MAX && row->meta_length == same->meta_length);
    must(row->meta_at + row->meta_length <= table->metas_used);
    must(row->meta_length == 0 ||
         memcmp(table->metas + row->meta_at, again->metas + same->meta_at, row->meta_length) == 0);
}

static void try_table(const char *text)
{
    irx__table table = {0}, again = {0};
    int code = irx__local_parse_table(text, &table);
    must(code == 0 || code == IRX_EFOREIGN);
    if (code == 0) {
        size_t room = irx__local_table_room(&table);
        char *written = malloc(room + 1);
        must(written != NULL);
        size_t length = irx__local_print_table(&table, written, room);
        must(length < room);
        written[length] = '\0';
        must(lines_beginning(text, "row ", 4) == table.count);
        must(lines_beginning(text, "meta ", 5) == saying(&table));
        must(lines_beginning(text, "check ", 6) == 1);
        must(irx__local_parse_table(written, &again) == 0);
        must(again.count == table.count && again.last_join == table.last_join);
        for (size_t i = 0; i < table.count; i++) {
            must(irx_id_equal(table.rows[i].session, again.rows[i].session));
            must(table.rows[i].join == again.rows[i].join);
            must(table.rows[i].candidate == again.rows[i].candidate);
            must(strcmp(table.rows[i].label, again.rows[i].label) == 0);
            check_meta(&table, &table.rows[i], &again, &again.rows[i]);
        }
        free(written);
    }
    irx__table_free(&table);
    irx__table_free(&again);
}

static void try_value(const char *text)
{
    irx_version version = {0, 0}, head = {0, 0}, again = {0, 0};
    void *value = NULL, *same = NULL;
    size_t length, same_length;
    int first = irx__local_parse_version(text, &head);
    must(first == 0 || first == IRX_EFOREIGN);
    int code = irx__local_parse_value(text, &version, &value, &length);
    must(code == 0 || code == IRX_EFOREIGN);
    if (code != 0)
        return;
    must(first == 0 && head.term == version.term && head.index == version.index);
    must(version.term > 0 && version.index > 0 && length <= IRX_VALUE_MAX);
    must(lines_beginning(text, "check ", 6) == 1);
    must(lines_beginning(text, "bytes ", 6) == 1);
    char *written = malloc(IRX__LOCAL_VALUE_MAX);
    must(written != NULL);
    must(irx__local_print_value(version, value, length, written) < IRX__LOCAL_VALUE_MAX);
    must(irx__local_parse_value(written, &again, &same, &same_length) == 0);
    must(again.term == version.term && again.index == version.index && same_length == length);
    must(length == 0 || memcmp(same, value, length) == 0);
    free(written);
    free(same);
    free(value);
}

static void try_all(const char *text)
{
    try_record(text);
    try_table(text);
    try_value(text);
}

static void append_seal(char *text, size_t length)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    snprintf(text + length, SEAL_SIZE + 1, "check %016" PRIx64 "\n", sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = malloc(length + 1); /* exact, for the sanitizers */
    must(text != NULL);
    memcpy(text, bytes, length);
    text[length] = '\0';
    try_all(text);
    free(text);

    text = malloc(length + SEAL_SIZE + 1);
    must(text != NULL);
    memcpy(text, bytes, length);
    text[length] = '\0';
    append_seal(text, strlen(text));
    try_all(text);
    free(text);
    return 0;
}
