/* Operations and messages to send that wait for their turn: a store inside this process answers
 * later, never from within the call. */
#ifndef IRX_CALLS_H
#define IRX_CALLS_H

#include "interrex_engine.h"
#include "medium/medium.h"

typedef struct irx__call {
    struct irx__call *next;
    irx_seat *seat;
    irx_op op;
    int64_t give_up_ns; /* the medium's own, 0 when appended */
    bool is_send;       /* a message instead of an operation: what follows */
    irx_id to;
    irx_id process;
    uint64_t ticket;
    size_t length;
    unsigned char bytes[];
} irx__call;

/* All zero is an empty queue. */
typedef struct irx__calls {
    irx__call *first;
    irx__call *last;
} irx__calls;

/* Copies `op` to the end. IRX_ENOMEM. */
int irx__calls_append(irx__calls *calls, irx_seat *seat, const irx_op *op);

/* Copies a message to the end. IRX_ENOMEM. */
int irx__calls_append_send(irx__calls *calls, irx_seat *seat, irx_id to, irx_id process,
                           uint64_t ticket, const void *bytes, size_t length);

/* Takes out `call`, which follows `before` (null: it is the first). The caller frees it. */
void irx__calls_take(irx__calls *calls, irx__call *before, irx__call *call);

/* Frees all calls of a seat, or of everyone where `seat` is null. */
void irx__calls_drop(irx__calls *calls, const irx_seat *seat);

#endif
