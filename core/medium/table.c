/* Decides the order and the numbers of a member table, where its members' metas lie, and whether a
 * seat has an older one. It must
 * never drop a row by itself: whether a member lives is for the store to know. */
#include "medium/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/error.h"

static bool comes_before(const irx_member *a, const irx_member *b)
{
    if (a->join != b->join)
        return a->join < b->join;
    if (a->session.hi != b->session.hi)
        return a->session.hi < b->session.hi;
    return a->session.lo < b->session.lo;
}

static bool is_same(const irx_member *a, const char *metas_of_a, const irx_member *b,
                    const char *metas_of_b)
{
    return irx_id_equal(a->session, b->session) && irx_id_equal(a->process, b->process) &&
           a->join == b->join && a->candidate == b->candidate && strcmp(a->label, b->label) == 0 &&
           a->meta_length == b->meta_length &&
           (a->meta_length == 0 ||
            memcmp(metas_of_a + a->meta_at, metas_of_b + b->meta_at, a->meta_length) == 0);
}

irx_member *irx__table_find(const irx__table *table, irx_id session)
{
    for (size_t i = 0; i < table->count; i++)
        if (irx_id_equal(table->rows[i].session, session))
            return &table->rows[i];
    return NULL;
}

bool irx__table_remove(irx__table *table, irx_id session)
{
    irx_member *row = irx__table_find(table, session);
    if (!row)
        return false;
    size_t after = (size_t)(table->rows + table->count - row) - 1;
    memmove(row, row + 1, after * sizeof *row);
    table->count--;
    return true;
}

static size_t sum_metas(const irx__table *table)
{
    size_t sum = 0;
    for (size_t i = 0; i < table->count; i++)
        sum += table->rows[i].meta_length;
    return sum;
}

/* Copies the rows' metas to `metas`, one behind the other, and says so in `rows`. */
static void pack(const irx__table *table, irx_member *rows, char *metas)
{
    size_t at = 0;
    for (size_t i = 0; i < table->count; i++) {
        size_t length = table->rows[i].meta_length;
        if (length > 0)
            memcpy(metas + at, table->metas + table->rows[i].meta_at, length);
        rows[i].meta_at = at;
        at += length;
    }
}

/* Room for one more meta: what rows that went have left behind is dropped on the way. */
static int make_room(irx__table *table, size_t length)
{
    if (length <= table->metas_room - table->metas_used)
        return 0;
    size_t live = sum_metas(table);
    size_t room = 2 * (live + length);
    char *metas = malloc(room);
    if (!metas)
        return IRX_ENOMEM;
    pack(table, table->rows, metas);
    free(table->metas);
    table->metas = metas;
    table->metas_used = live;
    table->metas_room = room;
    return 0;
}

static int make_row(irx__table *table)
{
    if (table->count < table->capacity)
        return 0;
    size_t capacity = table->capacity ? table->capacity * 2 : 4;
    irx_member *rows = realloc(table->rows, capacity * sizeof *rows);
    if (!rows)
        return IRX_ENOMEM;
    table->rows = rows;
    table->capacity = capacity;
    return 0;
}

int irx__table_put(irx__table *table, const irx_member *row, const void *meta, irx_error *error)
{
    irx_member put = *row;
    if (make_row(table) != 0 || make_room(table, put.meta_length) != 0)
        return irx__error_set(error, IRX_ENOMEM, "no memory for a table of %zu members",
                              table->count + 1);
    if (put.meta_length > 0)
        memcpy(table->metas + table->metas_used, meta, put.meta_length);
    put.meta_at = table->metas_used;
    table->metas_used += put.meta_length;
    irx__table_remove(table, put.session);
    size_t at = table->count;
    while (at > 0 && comes_before(&put, &table->rows[at - 1]))
        at--;
    memmove(&table->rows[at + 1], &table->rows[at], (table->count - at) * sizeof put);
    table->rows[at] = put;
    table->count++;
    if (put.join > table->last_join)
        table->last_join = put.join;
    return 0;
}

static bool is_below(irx_id left, irx_id right)
{
    return left.hi != right.hi ? left.hi < right.hi : left.lo < right.lo;
}

/* Whose row a full table gives up to a newcomer: one without a process, of which nobody can tell
 * whether its member lives. Behind a pooler all rows are such, and those of the dead would fill the
 * table for good; a living member that loses its row joins again. The next one after the newcomer's
 * session, so that it is not always the same one. */
static const irx_member *find_doubtful(const irx__table *table, irx_id newcomer)
{
    const irx_member *found = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const irx_member *row = &table->rows[i];
        if (!irx_id_none(row->process))
            continue;
        bool before = found != NULL && is_below(found->session, newcomer);
        bool behind = is_below(row->session, newcomer);
        if (found == NULL || (before == behind ? is_below(row->session, found->session) : before))
            found = row;
    }
    return found;
}

int irx__table_join(irx__table *table, const irx_op *op, const irx__joiner *who,
                    uint32_t max_members, uint64_t *join, bool *changed, irx_error *error)
{
    const irx_member *old = irx__table_find(table, op->session);
    irx_member row = {
        .session = op->session,
        .process = who->process,
        .candidate = op->candidate,
        .meta_length = (uint32_t)who->meta_length,
    };
    const irx_member *doubtful = NULL;
    snprintf(row.label, sizeof row.label, "%s", who->label);
    const bool full = !old && table->count >= max_members;
    if (full)
        doubtful = find_doubtful(table, op->session);
    if (full && !doubtful)
        return irx__error_set(error, IRX_EFULL,
                              "the election has %zu members already; max_members is %u",
                              table->count, (unsigned)max_members);
    if (old)
        row.join = old->join;
    else
        row.join = op->join ? op->join : table->last_join + 1;
    *join = row.join;
    *changed = !old || !is_same(&row, who->meta, old, table->metas);
    irx_id given_up = doubtful ? doubtful->session : (irx_id){0, 0};
    int code = *changed ? irx__table_put(table, &row, who->meta, error) : 0;
    if (code == 0 && doubtful)
        irx__table_remove(table, given_up);
    return code;
}

static bool has_same(const irx__table *table, const irx_seat *seat)
{
    bool same = table->count == seat->member_count;
    for (size_t i = 0; same && i < table->count; i++)
        same = is_same(&table->rows[i], table->metas, &seat->members[i], seat->metas);
    return same;
}

int irx__table_hand(const irx__table *table, irx_seat *seat)
{
    irx_member *rows = NULL;
    char *metas = NULL;
    size_t length = sum_metas(table);
    if (has_same(table, seat))
        return 0;
    if (table->count > 0 && !(rows = malloc(table->count * sizeof *rows)))
        return IRX_ENOMEM;
    if (length > 0 && !(metas = malloc(length))) {
        free(rows);
        return IRX_ENOMEM;
    }
    if (table->count > 0) {
        memcpy(rows, table->rows, table->count * sizeof *rows);
        pack(table, rows, metas);
    }
    free(seat->members);
    free(seat->metas);
    seat->members = rows;
    seat->member_count = table->count;
    seat->metas = metas;
    seat->members_changed = true;
    return 0;
}

void irx__table_free(irx__table *table)
{
    free(table->rows);
    free(table->metas);
    *table = (irx__table){0};
}
