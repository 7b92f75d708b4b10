/* The member table of one election, as a store that is not a server keeps it: rows in the order of
 * joining. */
#ifndef IRX_TABLE_H
#define IRX_TABLE_H

#include "interrex_engine.h"
#include "medium/medium.h"

/* All zero is an empty table. */
typedef struct irx__table {
    irx_member *rows; /* by join number, then by session */
    size_t count;
    size_t capacity;
    uint64_t last_join; /* the highest number handed out so far */
    char *metas;        /* what the rows' meta_at and meta_length mean */
    size_t metas_used;  /* bytes, those of rows that went among them */
    size_t metas_room;
} irx__table;

/* What a JOIN's sender says of itself, beside what is in the operation. */
typedef struct irx__joiner {
    irx_id process;
    const char *label;
    const void *meta;
    size_t meta_length;
} irx__joiner;

/* Adds one row or replaces the one of its session. `meta` has row->meta_length bytes; row->meta_at
 * is not looked at. IRX_ENOMEM changes nothing. */
int irx__table_put(irx__table *table, const irx_member *row, const void *meta, irx_error *error);

/* JOIN: writes the sender's row. A row that is there keeps its number, a sender that brings its own
 * number gets it back, anyone else gets the next one. *join is the number in force; *changed: the
 * row is new or says something new. A full table gives up a row without a process for a new one;
 * IRX_EFULL where it has none, IRX_ENOMEM: both change nothing. */
int irx__table_join(irx__table *table, const irx_op *op, const irx__joiner *who,
                    uint32_t max_members, uint64_t *join, bool *changed, irx_error *error);

/* The row of this session, or null. */
irx_member *irx__table_find(const irx__table *table, irx_id session);

/* True if there was such a row. */
bool irx__table_remove(irx__table *table, irx_id session);

/* Hands the table, metas included, to a seat if it differs from what the seat has. IRX_ENOMEM
 * leaves the seat as it was. */
int irx__table_hand(const irx__table *table, irx_seat *seat);

void irx__table_free(irx__table *table); /* empty and usable again */

#endif
