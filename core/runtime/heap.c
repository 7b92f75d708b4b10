/* A binary heap of deadlines. A thousand elections cost ten comparisons a change, never a scan. */
#include "runtime/heap.h"

#include "interrex_types.h"

#include <stdlib.h>

static void put(irx__heap *heap, size_t index, irx__due *due)
{
    heap->list[index] = due;
    due->index = index;
}

static void rise(irx__heap *heap, irx__due *due)
{
    size_t index = due->index;
    while (index > 0 && heap->list[(index - 1) / 2]->at_ns > due->at_ns) {
        put(heap, index, heap->list[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(heap, index, due);
}

static void sink(irx__heap *heap, irx__due *due)
{
    size_t index = due->index;
    for (;;) {
        size_t child = index * 2 + 1;
        if (child + 1 < heap->count && heap->list[child + 1]->at_ns < heap->list[child]->at_ns)
            child++;
        if (child >= heap->count || heap->list[child]->at_ns >= due->at_ns)
            break;
        put(heap, index, heap->list[child]);
        index = child;
    }
    put(heap, index, due);
}

int irx__heap_add(irx__heap *heap, irx__due *due)
{
    if (heap->count == heap->room) {
        size_t room = heap->room ? heap->room * 2 : 16;
        irx__due **list = realloc(heap->list, room * sizeof(irx__due *));
        if (!list)
            return IRX_ENOMEM;
        heap->list = list;
        heap->room = room;
    }
    put(heap, heap->count++, due);
    rise(heap, due);
    return 0;
}

void irx__heap_move(irx__heap *heap, irx__due *due, int64_t at_ns)
{
    due->at_ns = at_ns;
    rise(heap, due);
    sink(heap, due);
}

void irx__heap_remove(irx__heap *heap, irx__due *due)
{
    irx__due *last = heap->list[--heap->count];
    if (last == due)
        return;
    put(heap, due->index, last);
    rise(heap, last);
    sink(heap, last);
}

irx__due *irx__heap_first(const irx__heap *heap)
{
    return heap->count ? heap->list[0] : NULL;
}

void irx__heap_free(irx__heap *heap)
{
    free(heap->list);
    *heap = (irx__heap){0};
}
