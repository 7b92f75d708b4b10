/* Filling an irx_error, and random bits. */
#ifndef IRX_ERROR_H
#define IRX_ERROR_H

#include "interrex_types.h"

/* Formats into *error (null is fine) and returns `code`, so that a caller can `return
 * irx__error_set(…)`. */
int irx__error_set(irx_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Random bits from the kernel; aborts if it has none, since a repeated session would be two
 * leaders. */
void irx__random(void *bytes, size_t length);
irx_id irx__random_id(void);

#endif
