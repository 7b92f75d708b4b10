/* Keeps operations and messages in the order in which they came. It must never change, merge or
 * answer one. */
#include "medium/calls.h"

#include <stdlib.h>
#include <string.h>

static void append(irx__calls *calls, irx__call *call)
{
    if (calls->last)
        calls->last->next = call;
    else
        calls->first = call;
    calls->last = call;
}

int irx__calls_append(irx__calls *calls, irx_seat *seat, const irx_op *op)
{
    irx__call *call = malloc(sizeof *call);
    if (!call)
        return IRX_ENOMEM;
    *call = (irx__call){.seat = seat, .op = *op};
    append(calls, call);
    return 0;
}

int irx__calls_append_send(irx__calls *calls, irx_seat *seat, irx_id to, irx_id process,
                           uint64_t ticket, const void *bytes, size_t length)
{
    irx__call *call = malloc(sizeof *call + length);
    if (!call)
        return IRX_ENOMEM;
    *call = (irx__call){
        .seat = seat,
        .is_send = true,
        .to = to,
        .process = process,
        .ticket = ticket,
        .length = length,
    };
    memcpy(call->bytes, bytes, length);
    append(calls, call);
    return 0;
}

void irx__calls_take(irx__calls *calls, irx__call *before, irx__call *call)
{
    if (before)
        before->next = call->next;
    else
        calls->first = call->next;
    if (calls->last == call)
        calls->last = before;
}

void irx__calls_drop(irx__calls *calls, const irx_seat *seat)
{
    irx__call *before = NULL;
    for (irx__call *call = calls->first, *next; call; call = next) {
        next = call->next;
        if (seat && call->seat != seat) {
            before = call;
            continue;
        }
        irx__calls_take(calls, before, call);
        free(call);
    }
}
