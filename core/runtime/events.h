/* The bounded queue of events between the loop thread and the application. */
#ifndef IRX_EVENTS_H
#define IRX_EVENTS_H

#include "interrex.h"

#include <pthread.h>

enum {
    IRX__EVENTS_LIFE = 32, /* started, elected, draining, defeated, stopped */
    IRX__EVENTS_KIND = 8,  /* of leader, role, members, warning, error: of each */
    IRX__EVENTS_SLOTS = IRX__EVENTS_LIFE + 5 * IRX__EVENTS_KIND,
    IRX__EVENTS_MESSAGES = 1024,
    IRX__EVENTS_MESSAGE_BYTES = 8 * 1024 * 1024 /* of their data */
};

typedef struct irx__event_slot {
    irx_event event; /* first: an event that was allocated alone is handed out as it is */
    struct irx__event_slot *next;
    bool alone; /* allocated by irx__event_new, its data behind it; else one of the queue's slots */
} irx__event_slot;

typedef struct irx__events {
    pthread_mutex_t lock;
    pthread_cond_t arrived; /* also: closing, or a waiter left */
    irx__event_slot *slots; /* all of them; those from `fresh` on were never used */
    irx__event_slot *unused;
    size_t fresh;
    irx__event_slot *first;
    irx__event_slot *last;
    size_t count_of[IRX_SETTLED + 1];
    size_t message_bytes;
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

/* Queues a copy of an event that carries no data; never fails, and never waits for the application.
 * True when the queue was empty before. */
bool irx__events_push(irx__events *events, const irx_event *event);

/* An event of its own with a copy of the data (null with a length: room for it); null without
 * memory. Free it by irx_event_free(&slot->event), or queue it. */
irx__event_slot *irx__event_new(irx_happening kind, const void *data, size_t length);
/* Queues such an event, which is the queue's from here on. As above. */
bool irx__events_push_slot(irx__events *events, irx__event_slot *slot);
/* An event could not be made for want of memory: counts it as dropped. */
void irx__events_miss(irx__events *events);

/* As irx_election_next_event, but that it ends with IRX_ESTOPPED once the queue is being freed. */
int irx__events_take(irx__events *events, irx_event **event, int timeout_ms);
bool irx__events_waiting(irx__events *events);
uint64_t irx__events_dropped(irx__events *events);
size_t irx__events_count(irx__events *events, irx_happening kind); /* that wait */

int irx__events_fd(irx__events *events); /* made on demand; a negative IRX_E… */
void irx__events_on_ready(irx__events *events, void (*ready)(void *argument), void *argument);
void irx__events_call_ready(irx__events *events); /* on the loop thread */

/* events_room.c, under the queue's lock. */

/* Drops what has to go so that this event may be queued. */
void irx__events_make_room(irx__events *events, const irx_event *event);
/* A slot of the queue's own, for an event that room was made for. */
irx__event_slot *irx__events_take_slot(irx__events *events);
/* Takes out the first event; its slot is unused, or, allocated alone, the caller's. */
irx__event_slot *irx__events_take_first(irx__events *events);

#endif
