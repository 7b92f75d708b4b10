/* Messages that wait for a newer look at the member table. */
#ifndef IRX_DOUBT_H
#define IRX_DOUBT_H

#include "interrex_engine.h"

#include <stdbool.h>
#include <stddef.h>

enum { IRX__DOUBTS_MAX = 64, IRX__DOUBT_BYTES_MAX = 1 << 20 };

typedef struct irx__doubt {
    struct irx__doubt *next;
    irx_id from;
    uint64_t op_id; /* the last operation sent before it came: a later one brings newer rows */
    size_t length;
    unsigned char bytes[];
} irx__doubt;

/* In the order of their coming. All zero is none. */
typedef struct irx__doubts {
    irx__doubt *first;
    irx__doubt *last;
    size_t count;
    size_t bytes;
} irx__doubts;

/* Keeps a copy; false where there is no room for it, or no memory. */
bool irx__doubts_keep(irx__doubts *doubts, irx_id from, const void *bytes, size_t length,
                      uint64_t op_id);

/* Does one of this session's wait? */
bool irx__doubts_wait(const irx__doubts *doubts, irx_id from);

/* Takes the first one if it came before this operation was sent; else null. The caller frees it. */
irx__doubt *irx__doubts_take(irx__doubts *doubts, uint64_t op_id);

void irx__doubts_free(irx__doubts *doubts); /* empty and usable again */

#endif
