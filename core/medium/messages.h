/* Encoded messages that wait to be told, or to be written. */
#ifndef IRX_MESSAGES_H
#define IRX_MESSAGES_H

#include "medium/medium.h"

/* Of one queue: beyond either, the oldest are dropped. */
enum { IRX__MESSAGES_MAX = 4096, IRX__MESSAGES_BYTES_MAX = 16 << 20 };

typedef struct irx__message_kept {
    struct irx__message_kept *next;
    irx_seat *seat; /* null: for the process, not for one election */
    size_t length;
    unsigned char bytes[];
} irx__message_kept;

/* All zero is an empty queue. */
typedef struct irx__messages {
    irx__message_kept *first;
    irx__message_kept *last;
    size_t count;
    size_t bytes;
} irx__messages;

/* Copies a message to the end. IRX_ENOMEM. */
int irx__messages_put(irx__messages *queue, irx_seat *seat, const void *bytes, size_t length);

/* The oldest one, which the caller frees, or null. */
irx__message_kept *irx__messages_take(irx__messages *queue);

/* Frees what waits for a seat, or everything where `seat` is null. */
void irx__messages_drop(irx__messages *queue, const irx_seat *seat);

#endif
