/* Decides how a member table is written as text, as strictly as a record is (local_text.c). Pure:
 * it must never touch a file.
 *
 *     interrex-members 1
 *     last_join 7
 *     row <session> <join> <candidate> <label>
 *     meta <what that member says of itself>       only where it says something
 *     …
 *     check <FNV-1a, 64 bits> */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "medium/local_escape.h"
#include "medium/local_text.h"

#define TITLE "interrex-members 1\n"
#define META "meta "

size_t irx__local_table_room(const irx__table *table)
{
    size_t room = 128;
    for (size_t i = 0; i < table->count; i++)
        room += IRX__LOCAL_ROW_MAX + 3 * (size_t)table->rows[i].meta_length;
    return room;
}

static size_t print_row(const irx__table *table, const irx_member *row, char *text)
{
    char session[33];
    irx_id_print(row->session, session);
    size_t length =
        (size_t)sprintf(text, "row %s %" PRIu64 " %d ", session, row->join, row->candidate);
    length += irx__escape(row->label, strlen(row->label), "", text + length);
    text[length++] = '\n';
    if (row->meta_length == 0)
        return length;
    length += (size_t)sprintf(text + length, META);
    length += irx__escape(table->metas + row->meta_at, row->meta_length, "", text + length);
    text[length++] = '\n';
    return length;
}

size_t irx__local_print_table(const irx__table *table, char *text, size_t room)
{
    assert(room >= irx__local_table_room(table));
    size_t length = (size_t)sprintf(text, TITLE "last_join %" PRIu64 "\n", table->last_join);
    for (size_t i = 0; i < table->count; i++)
        length += print_row(table, &table->rows[i], text + length);
    return irx__seal(text, length);
}

/* ---- parsing --------------------------------------------------------------------------------- */

static bool parse_row(const char *text, const char *line_end, irx_member *row)
{
    const char *join = text + strlen("row ") + 33;
    *row = (irx_member){0};
    if (join >= line_end || strncmp(text, "row ", 4) != 0 || join[-1] != ' ' ||
        !irx__parse_digits(text + 4, 32, &row->session))
        return false;
    const char *candidate = memchr(join, ' ', (size_t)(line_end - join));
    if (!candidate || line_end - candidate < 3 || candidate[2] != ' ' ||
        (candidate[1] != '0' && candidate[1] != '1') ||
        !irx__parse_number(join, (size_t)(candidate - join), &row->join))
        return false;
    row->candidate = candidate[1] == '1';
    row->process = row->session; /* presence is per session here */
    return irx__unescape_text(candidate + 3, (size_t)(line_end - candidate) - 3, row->label,
                              sizeof row->label);
}

/* The row's second line, where there is one: what is written there is never nothing. */
static bool parse_meta(const char **text, const char *end, irx_member *row, void *meta)
{
    size_t title = strlen(META), length;
    if (strncmp(*text, META, title) != 0)
        return true;
    const char *line_end = memchr(*text, '\n', (size_t)(end - *text));
    if (!line_end || !irx__unescape(*text + title, (size_t)(line_end - *text) - title, meta,
                                    IRX_META_MAX, &length))
        return false;
    row->meta_length = (uint32_t)length;
    *text = line_end + 1;
    return length > 0;
}

int irx__local_parse_table(const char *text, irx__table *table)
{
    char meta[IRX_META_MAX];
    const char *end;
    uint64_t last_join;
    size_t title = strlen(TITLE "last_join ");
    if (strncmp(text, TITLE "last_join ", title) != 0 || !irx__is_sealed(text, &end))
        return IRX_EFOREIGN;
    const char *line_end = strchr(text + title, '\n');
    if (!line_end ||
        !irx__parse_number(text + title, (size_t)(line_end - text) - title, &last_join))
        return IRX_EFOREIGN;
    text = line_end + 1;
    while (text < end) {
        irx_member row;
        line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end || !parse_row(text, line_end, &row) || irx__table_find(table, row.session))
            return IRX_EFOREIGN;
        text = line_end + 1;
        if (!parse_meta(&text, end, &row, meta))
            return IRX_EFOREIGN;
        if (irx__table_put(table, &row, meta, NULL) != 0)
            return IRX_ENOMEM;
    }
    if (last_join > table->last_join)
        table->last_join = last_join;
    return 0;
}
