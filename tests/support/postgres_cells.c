/* One row, cut out of a text. It copies nothing, so that reading past a cell's end shows. */
#include "postgres_cells.h"

#include <string.h>

static const char *cell(const void *source, int row, int column, size_t *length)
{
    const postgres_cells *cells = source;
    (void)row;
    *length = cells->lengths[column];
    return cells->bytes[column];
}

void postgres_cells_of(postgres_cells *cells, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    int column = 0;
    for (const char *at = bytes; column < POSTGRES_CELLS_MAX; column++) {
        const char *stop = at < end ? memchr(at, '|', (size_t)(end - at)) : NULL;
        size_t size = (size_t)((stop != NULL ? stop : end) - at);
        bool null = size == 2 && memcmp(at, "\\N", 2) == 0;
        cells->bytes[column] = null ? NULL : at;
        cells->lengths[column] = null ? 0 : size;
        if (stop == NULL) {
            column++;
            break;
        }
        at = stop + 1;
    }
    cells->rows = (irx__pg_rows){.source = cells, .rows = 1, .columns = column, .cell = cell};
}
