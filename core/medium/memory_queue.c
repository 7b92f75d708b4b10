/* Decides which messages are dropped where nobody takes them: the oldest. It must never reorder
 * any. */
#include "medium/memory_queue.h"

#include <stdlib.h>
#include <string.h>

static irx__memory_message *take(irx__memory_queue *queue, irx__memory_message *before,
                                 irx__memory_message *message)
{
    if (before)
        before->next = message->next;
    else
        queue->first = message->next;
    if (queue->last == message)
        queue->last = before;
    queue->count--;
    queue->bytes -= message->length;
    return message;
}

int irx__memory_queue_put(irx__memory_queue *queue, irx_seat *seat, const void *bytes,
                          size_t length)
{
    irx__memory_message *message = malloc(sizeof *message + length);
    if (!message)
        return IRX_ENOMEM;
    *message = (irx__memory_message){.seat = seat, .length = length};
    memcpy(message->bytes, bytes, length);
    if (queue->last)
        queue->last->next = message;
    else
        queue->first = message;
    queue->last = message;
    queue->count++;
    queue->bytes += length;
    while (queue->count > IRX__MEMORY_MESSAGES_MAX || queue->bytes > IRX__MEMORY_BYTES_MAX)
        free(irx__memory_queue_take(queue));
    return 0;
}

irx__memory_message *irx__memory_queue_take(irx__memory_queue *queue)
{
    return queue->first ? take(queue, NULL, queue->first) : NULL;
}

void irx__memory_queue_drop(irx__memory_queue *queue, const irx_seat *seat)
{
    irx__memory_message *before = NULL;
    for (irx__memory_message *message = queue->first, *next; message; message = next) {
        next = message->next;
        if (!seat || message->seat == seat)
            free(take(queue, before, message));
        else
            before = message;
    }
}
