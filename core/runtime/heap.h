/* Who is due next: a binary heap of deadlines that knows where each entry stands. */
#ifndef IRX_HEAP_H
#define IRX_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Lives inside what is due; belongs to its owner. */
typedef struct irx__due {
    int64_t at_ns;
    size_t index; /* in the heap */
} irx__due;

typedef struct irx__heap {
    irx__due **list;
    size_t count;
    size_t room;
} irx__heap;

/* 0 or IRX_ENOMEM. Only this allocates: moving an entry never fails. */
int irx__heap_add(irx__heap *heap, irx__due *due);
void irx__heap_move(irx__heap *heap, irx__due *due, int64_t at_ns);
void irx__heap_remove(irx__heap *heap, irx__due *due);
irx__due *irx__heap_first(const irx__heap *heap); /* null: empty */
void irx__heap_free(irx__heap *heap);

#endif
