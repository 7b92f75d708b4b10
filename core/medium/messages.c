/* Decides which messages are dropped where nobody takes them: the oldest. It must never reorder
 * any. */
#include "medium/messages.h"

#include <stdlib.h>
#include <string.h>

static irx__message_kept *take(irx__messages *queue, irx__message_kept *before,
                               irx__message_kept *message)
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

int irx__messages_put(irx__messages *queue, irx_seat *seat, const void *bytes, size_t length)
{
    irx__message_kept *message = malloc(sizeof *message + length);
    if (!message)
        return IRX_ENOMEM;
    *message = (irx__message_kept){.seat = seat, .length = length};
    memcpy(message->bytes, bytes, length);
    if (queue->last)
        queue->last->next = message;
    else
        queue->first = message;
    queue->last = message;
    queue->count++;
    queue->bytes += length;
    while (queue->count > IRX__MESSAGES_MAX || queue->bytes > IRX__MESSAGES_BYTES_MAX)
        free(irx__messages_take(queue));
    return 0;
}

irx__message_kept *irx__messages_take(irx__messages *queue)
{
    return queue->first ? take(queue, NULL, queue->first) : NULL;
}

void irx__messages_drop(irx__messages *queue, const irx_seat *seat)
{
    irx__message_kept *before = NULL;
    for (irx__message_kept *message = queue->first, *next; message; message = next) {
        next = message->next;
        if (!seat || message->seat == seat)
            free(take(queue, before, message));
        else
            before = message;
    }
}
