/* What rows are made of: numbers, identifiers, bytes in hexadecimal. Pure. */
#ifndef IRX_POSTGRES_VALUE_H
#define IRX_POSTGRES_VALUE_H

#include "interrex_engine.h"

/* Terms and beats stay under 2^53, so that JavaScript can hold them. */
#define IRX_PG_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

enum { IRX_PG_SHOWN_MAX = 48 };

/* A part of a row; null bytes are NULL. */
typedef struct irx__pg_cell {
    const char *bytes;
    size_t length;
} irx__pg_cell;

bool irx__pg_cell_is(irx__pg_cell cell, const char *text);
/* Decimal digits without leading zeros, up to `max`. *number is touched only if it is one. */
bool irx__pg_read_number(irx__pg_cell cell, uint64_t max, uint64_t *number);
/* Exactly 0 or 1. */
bool irx__pg_read_flag(irx__pg_cell cell, bool *flag);
/* Exactly 32 digits; with `optional` the empty text is none. */
bool irx__pg_read_id(irx__pg_cell cell, bool optional, irx_id *id);
/* Up to IRX_LABEL_MAX bytes, and no zero among them. */
bool irx__pg_read_label(irx__pg_cell cell, char label[IRX_LABEL_MAX + 1]);
/* Pairs of digits, of which there is room for cell.length / 2 bytes. */
bool irx__pg_read_hex(irx__pg_cell cell, void *bytes);

/* IRX_EFOREIGN: what was found in this column of this election's row, or that it is NULL. */
int irx__pg_foreign(irx_error *error, const char *ledger, const char *name, const char *column,
                    irx__pg_cell found);
/* IRX_EPROTOCOL. */
int irx__pg_senseless(irx_error *error, const char *what);

#endif
