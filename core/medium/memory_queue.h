/* Messages that wait for a user of a store in this process's memory. */
#ifndef IRX_MEMORY_QUEUE_H
#define IRX_MEMORY_QUEUE_H

#include "medium/medium.h"

/* What waits for one user: beyond either, the oldest are dropped. */
enum { IRX__MEMORY_MESSAGES_MAX = 4096, IRX__MEMORY_BYTES_MAX = 16 << 20 };

typedef struct irx__memory_message {
    struct irx__memory_message *next;
    irx_seat *seat; /* null: for the process, not for one election */
    size_t length;
    unsigned char bytes[];
} irx__memory_message;

/* All zero is an empty queue. */
typedef struct irx__memory_queue {
    irx__memory_message *first;
    irx__memory_message *last;
    size_t count;
    size_t bytes;
} irx__memory_queue;

/* Copies a message to the end. IRX_ENOMEM. */
int irx__memory_queue_put(irx__memory_queue *queue, irx_seat *seat, const void *bytes,
                          size_t length);

/* The oldest one, which the caller frees, or null. */
irx__memory_message *irx__memory_queue_take(irx__memory_queue *queue);

/* Frees what waits for a seat, or everything where `seat` is null. */
void irx__memory_queue_drop(irx__memory_queue *queue, const irx_seat *seat);

#endif
