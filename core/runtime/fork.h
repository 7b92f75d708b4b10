/* What a fork does to the handles of a process. */
#ifndef IRX_FORK_H
#define IRX_FORK_H

#include "runtime/election.h"

/* Everything global; one per process. */
typedef struct irx__runtime {
    pthread_mutex_t lock; /* taken before the loop's */
    irx__loop *loop;      /* null: no handle is open */
    irx_election *handles;
    irx__loop
        *left_behind; /* in a child: loops of its parents, kept only so that they are not lost */
} irx__runtime;

extern irx__runtime irx__runtime_state;

/* Registers the handlers, once. */
int irx__fork_watch(void);

#endif
