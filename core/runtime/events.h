/* The bounded queue of events between the loop thread and the application. */
#ifndef IRX_EVENTS_H
#define IRX_EVENTS_H

#include "interrex.h"

#include <pthread.h>

enum {
    IRX__EVENTS_LIFE = 32, /* started, elected, draining, defeated, stopped */
    IRX__EVENTS_KIND = 8,  /* of each other kind */
    IRX__EVENTS_SLOTS = IRX__EVENTS_LIFE + 5 * IRX__EVENTS_KIND
};

typedef struct irx__event_slot irx__event_slot;

typedef struct irx__events {
    pthread_mutex_t lock;
    pthread_cond_t arrived; /* also: closing, or a waiter left */
    irx__event_slot *slots; /* all of them; those from `fresh` on were never used */
    irx__event_slot *unused;
    size_t fresh;
    irx__event_slot *first;
    irx__event_slot *last;
    size_t count_of[IRX_STOPPED + 1];
    uint64_t dropped;    /* since the queue was made */
    uint64_t unreported; /* of these: not told yet */
    bool overflowing;    /* one warning until the queue is empty again */
    int waiters;
    bool closing;
    int fd; /* -1: nobody asked for it */

    pthread_mutex_t ready_lock; /* held while `ready` is called */
    void (*ready)(void *argument);
    void *ready_argument;
} irx__events;

int irx__events_init(irx__events *events);
/* Ends every wait, then frees all. */
void irx__events_free(irx__events *events);
/* In a forked child; the locks may be held by threads that no longer exist. */
void irx__events_free_forked(irx__events *events);
void irx__events_close_fd(irx__events *events);

/* Queues a copy; never fails, and never waits for the application. True when the queue was empty
 * before. */
bool irx__events_push(irx__events *events, const irx_event *event);

/* As irx_election_next_event, but that it ends with IRX_ESTOPPED once the queue is being freed. */
int irx__events_take(irx__events *events, irx_event **event, int timeout_ms);
bool irx__events_waiting(irx__events *events);
uint64_t irx__events_dropped(irx__events *events);

int irx__events_fd(irx__events *events); /* made on demand; a negative IRX_E… */
void irx__events_on_ready(irx__events *events, void (*ready)(void *argument), void *argument);
void irx__events_call_ready(irx__events *events); /* on the loop thread */

#endif
