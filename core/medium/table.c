/* Decides the order and the numbers of a member table, and whether a seat has an older one. It must
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

static bool is_same(const irx_member *a, const irx_member *b)
{
    return irx_id_equal(a->session, b->session) && irx_id_equal(a->process, b->process) &&
           a->join == b->join && a->candidate == b->candidate && strcmp(a->label, b->label) == 0;
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

int irx__table_put(irx__table *table, const irx_member *row, irx_error *error)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 4;
        irx_member *rows = realloc(table->rows, capacity * sizeof *rows);
        if (!rows)
            return irx__error_set(error, IRX_ENOMEM, "no memory for a table of %zu members",
                                  capacity);
        table->rows = rows;
        table->capacity = capacity;
    }
    irx__table_remove(table, row->session);
    size_t at = table->count;
    while (at > 0 && comes_before(row, &table->rows[at - 1]))
        at--;
    memmove(&table->rows[at + 1], &table->rows[at], (table->count - at) * sizeof *row);
    table->rows[at] = *row;
    table->count++;
    if (row->join > table->last_join)
        table->last_join = row->join;
    return 0;
}

int irx__table_join(irx__table *table, const irx_op *op, irx_id process, const char *label,
                    uint32_t max_members, uint64_t *join, irx_error *error)
{
    const irx_member *old = irx__table_find(table, op->session);
    irx_member row = {.session = op->session, .process = process, .candidate = op->candidate};
    snprintf(row.label, sizeof row.label, "%s", label);
    if (!old && table->count >= max_members)
        return irx__error_set(error, IRX_EFULL,
                              "the election has %zu members already; max_members is %u",
                              table->count, (unsigned)max_members);
    if (old)
        row.join = old->join;
    else
        row.join = op->join ? op->join : table->last_join + 1;
    int code = irx__table_put(table, &row, error);
    if (code == 0)
        *join = row.join;
    return code;
}

int irx__table_hand(const irx__table *table, irx_seat *seat)
{
    bool same = table->count == seat->member_count;
    for (size_t i = 0; same && i < table->count; i++)
        same = is_same(&table->rows[i], &seat->members[i]);
    if (same)
        return 0;
    irx_member *copy = NULL;
    if (table->count) {
        copy = malloc(table->count * sizeof *copy);
        if (!copy)
            return IRX_ENOMEM;
        memcpy(copy, table->rows, table->count * sizeof *copy);
    }
    free(seat->members);
    seat->members = copy;
    seat->member_count = table->count;
    seat->members_changed = true;
    return 0;
}

void irx__table_free(irx__table *table)
{
    free(table->rows);
    *table = (irx__table){0};
}
