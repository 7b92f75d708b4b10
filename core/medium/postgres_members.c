/* Reads a member table, of which each row is a line "session join process|- 0|1 meta|- label".
 * Decides which rows are ours; it must never take a part of a row for the whole, and never skip
 * one: a member that is there and not seen would be missing from a rank. */
#include "medium/postgres_members.h"

#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

/* Cuts off what is before the next `separator`, or all. */
static irx__pg_cell cut(irx__pg_cell *rest, char separator)
{
    irx__pg_cell part = *rest;
    const char *at = rest->length > 0 ? memchr(rest->bytes, separator, rest->length) : NULL;
    if (at == NULL) {
        rest->bytes += rest->length;
        rest->length = 0;
        return part;
    }
    part.length = (size_t)(at - part.bytes);
    rest->bytes = at + 1;
    rest->length -= part.length + 1;
    return part;
}

/* `metas` has room for the meta behind the first `used` bytes. */
static bool read_row(irx__pg_cell row, irx_member *member, char *metas, size_t used)
{
    irx__pg_cell session = cut(&row, ' ');
    irx__pg_cell join = cut(&row, ' ');
    irx__pg_cell process = cut(&row, ' ');
    irx__pg_cell candidate = cut(&row, ' ');
    irx__pg_cell meta = cut(&row, ' ');

    if (!irx__pg_read_id(session, false, &member->session) ||
        !irx__pg_read_number(join, IRX_PG_NUMBER_MAX, &member->join) ||
        !irx__pg_read_flag(candidate, &member->candidate) ||
        (!irx__pg_cell_is(process, "-") && !irx__pg_read_id(process, false, &member->process)))
        return false;
    if (!irx__pg_cell_is(meta, "-")) {
        if (meta.length == 0 || meta.length % 2 != 0 || meta.length / 2 > IRX_META_MAX ||
            !irx__pg_read_hex(meta, metas + used))
            return false;
        member->meta_at = used;
        member->meta_length = (uint32_t)(meta.length / 2);
    }
    return irx__pg_read_label(row, member->label);
}

static int by_join(const void *left, const void *right)
{
    const irx_member *a = left;
    const irx_member *b = right;
    if (a->join != b->join)
        return a->join < b->join ? -1 : 1;
    if (a->session.hi != b->session.hi)
        return a->session.hi < b->session.hi ? -1 : 1;
    return a->session.lo < b->session.lo ? -1 : a->session.lo > b->session.lo;
}

/* How many lines there are, and how many bytes their metas can be together at most. */
static void measure(irx__pg_cell text, size_t *rows, size_t *metas)
{
    *rows = *metas = 0;
    while (text.length > 0) {
        irx__pg_cell row = cut(&text, '\n');
        for (int i = 0; i < 4; i++)
            cut(&row, ' ');
        *metas += cut(&row, ' ').length / 2;
        ++*rows;
    }
}

static int read_rows(irx__pg_cell text, const char *ledger, const char *name,
                     irx__pg_answer *answer, irx_error *error)
{
    size_t used = 0;
    while (text.length > 0) {
        irx__pg_cell row = cut(&text, '\n');
        irx_member *member = &answer->members[answer->member_count];
        if (!read_row(row, member, answer->metas, used))
            return irx__pg_foreign(error, ledger, name, "members", row);
        used += member->meta_length;
        answer->member_count++;
    }
    return 0;
}

int irx__pg_read_members(irx__pg_cell text, const char *ledger, const char *name,
                         irx__pg_answer *answer, irx_error *error)
{
    size_t rows;
    size_t metas;
    int code;

    measure(text, &rows, &metas);
    if (rows > IRX_PG_MEMBERS_MAX)
        return irx__pg_senseless(error, "a member table has more than 65536 rows");
    answer->members = calloc(rows > 0 ? rows : 1, sizeof *answer->members);
    answer->metas = metas > 0 ? malloc(metas) : NULL;
    if (answer->members == NULL || (metas > 0 && answer->metas == NULL))
        code = irx__error_set(error, IRX_ENOMEM, "out of memory for a table of %zu members", rows);
    else
        code = read_rows(text, ledger, name, answer, error);
    if (code != 0) {
        irx__pg_free_answer(answer);
        return code;
    }
    qsort(answer->members, answer->member_count, sizeof *answer->members, by_join);
    answer->has_members = true;
    return 0;
}
