/* The one background thread of a process: it sleeps until a medium, a deadline or the application
 * needs it. */
#ifndef IRX_LOOP_H
#define IRX_LOOP_H

#include "interrex.h"
#include "interrex_engine.h"
#include "runtime/heap.h"

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>

struct irx__hub;
typedef struct irx__errand irx__errand; /* a call that waits for the loop thread */

typedef struct irx__loop {
    struct ev_loop *ev;
    pthread_t thread;
    pthread_mutex_t lock; /* the thread holds it but while it sleeps: fork waits for that */
    int timer_fd;         /* on the boot-time clock, so that it wakes after a suspend */
    int wake_fd;
    struct ev_io timer;
    struct ev_io wake;
    struct ev_prepare arm;
    int64_t armed_ns; /* what the timer stands at */
    _Atomic bool woken;
    _Atomic(irx_election *) inbox; /* elections with something to look at */
    pthread_mutex_t calls_lock;
    pthread_cond_t called;
    irx__errand *calls;
    bool ending; /* under calls_lock */

    /* the loop thread's own */
    irx__heap deadlines;
    struct irx__hub *hubs;
    irx_outputs outputs;                                             /* of the step under way */
    unsigned char message[IRX_MESSAGE_MAX + IRX_MESSAGE_HEADER_MAX]; /* the one being sent */
    int64_t phase_ns;              /* random; elections of one process beat together */
    struct irx__loop *left_behind; /* in a forked child: the next loop that was the parent's */
} irx__loop;

/* Makes the loop and its thread, which has every signal blocked. */
int irx__loop_start(irx__loop **loop, irx_error *error);
/* Ends and joins the thread, then frees the loop. No election uses it any more. */
void irx__loop_end(irx__loop *loop);

/* Has the loop thread look at this election soon. Lock-free; from any thread. */
void irx__loop_poke(irx__loop *loop, irx_election *election);

/* On the loop thread: looks at every poked election now, so that none of them is remembered. */
void irx__loop_empty_inbox(irx__loop *loop);

/* Runs `work(argument)` on the loop thread and waits for its result. Not from the loop thread
 * itself. */
int irx__loop_call(irx__loop *loop, int (*work)(void *argument), void *argument);

/* In a forked child: closes the descriptors, tells media to close theirs, wakes and frees nothing
 * else. */
void irx__loop_forked(irx__loop *loop);

#endif
