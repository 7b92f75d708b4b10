/* Rows without a server: cells that a test or a fuzzer made, one text with a separator between
 * them. */
#ifndef POSTGRES_CELLS_H
#define POSTGRES_CELLS_H

#include "medium/postgres_connection.h"

enum { POSTGRES_CELLS_MAX = 64 };

typedef struct postgres_cells {
    irx__pg_rows rows;
    const char *bytes[POSTGRES_CELLS_MAX]; /* null: NULL */
    size_t lengths[POSTGRES_CELLS_MAX];
} postgres_cells;

/* Cells are ended by '|' or the end; "\N" is NULL. One row of as many columns as there are. */
void postgres_cells_of(postgres_cells *cells, const char *bytes, size_t length);

#endif
