/* Whatever cells a server sends, reading them must not crash, leak or read past an end, and what is
 * taken for good must be good. Input: cells of one row, with '|' between them. */
#include "medium/postgres_answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../support/postgres_cells.c" /* a fuzzer is built without the tests' library */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool good)
{
    if (!good)
        abort();
}

static unsigned sum(const char *bytes, size_t length)
{
    unsigned all = 0;
    for (size_t i = 0; i < length; i++)
        all += (unsigned char)bytes[i];
    return all;
}

static void check_members(const irx__pg_answer *answer)
{
    must(answer->member_count <= IRX_PG_MEMBERS_MAX);
    for (size_t i = 0; i < answer->member_count; i++) {
        const irx_member *member = &answer->members[i];
        must(memchr(member->label, '\0', sizeof member->label) != NULL);
        must(member->meta_length <= IRX_META_MAX);
        must(i == 0 || answer->members[i - 1].join <= member->join);
        if (member->meta_length > 0)
            sum(answer->metas + member->meta_at, member->meta_length);
    }
}

static void check(const irx__pg_answer *answer)
{
    const irx_record *record = &answer->record;
    must(answer->index < 2 && answer->status <= IRX_RESULT_FAILED);
    if (answer->has_record) {
        must(record->format >= 1);
        must(record->term < UINT64_C(1) << 53 && record->beat < UINT64_C(1) << 53);
        must(record->format > IRX_FORMAT ||
             (record->value.term == 0) == (record->value.index == 0));
    }
    must(!answer->has_value || (answer->has_record && answer->value_length <= IRX_VALUE_MAX));
    if (answer->has_value)
        sum(answer->value, answer->value_length);
    check_members(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    postgres_cells cells;
    irx__pg_greeting greeting;
    irx__pg_answer answer;
    irx_error error = {0};

    postgres_cells_of(&cells, (const char *)bytes, length);
    int code = irx__pg_read_answer(&cells.rows, 0, 2, "\"t\"", "fuzz", &answer, &error);
    must(code == 0 || (code == error.code && strlen(error.text) > 0));
    if (code == 0)
        check(&answer);
    else
        must(answer.members == NULL && answer.metas == NULL && answer.value == NULL);
    irx__pg_free_answer(&answer);
    if (irx__pg_read_greeting(&cells.rows, &greeting, &error) == 0) {
        must(memchr(greeting.missing, '\0', sizeof greeting.missing) != NULL);
        must(memchr(greeting.remedy, '\0', sizeof greeting.remedy) != NULL);
    }
    return 0;
}
