/* Queues events for an application that may never take them, and wakes who waits for one. It must
 * never stall the loop nor change the order of what it keeps; what has to go when the queue is full
 * is decided in events_room.c. What was dropped is counted, and one warning says so. */
#include "runtime/events.h"

#include "runtime/clock.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int irx__events_init(irx__events *events)
{
    memset(events, 0, sizeof *events);
    events->fd = -1;
    events->slots = malloc(IRX__EVENTS_SLOTS * sizeof *events->slots);
    pthread_condattr_t monotonic;
    if (!events->slots || pthread_condattr_init(&monotonic)) {
        free(events->slots);
        return IRX_ENOMEM;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&events->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&events->lock, NULL);
    pthread_mutex_init(&events->ready_lock, NULL);
    return 0;
}

void irx__events_close_fd(irx__events *events)
{
    if (events->fd >= 0)
        close(events->fd);
    events->fd = -1;
}

/* The background thread rested, and who took events took them out before anything else: what can be
 * reached here is whole. */
void irx__events_free_forked(irx__events *events)
{
    for (irx__event_slot *slot = events->first, *next; slot; slot = next) {
        next = slot->next;
        if (slot->alone)
            free(slot);
    }
    free(events->slots);
}

void irx__events_free(irx__events *events)
{
    pthread_mutex_lock(&events->lock);
    events->closing = true;
    pthread_cond_broadcast(&events->arrived);
    while (events->waiters > 0)
        pthread_cond_wait(&events->arrived, &events->lock);
    pthread_mutex_unlock(&events->lock);
    irx__events_close_fd(events);
    pthread_mutex_destroy(&events->lock);
    pthread_mutex_destroy(&events->ready_lock);
    pthread_cond_destroy(&events->arrived);
    irx__events_free_forked(events);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static bool already_waits(const irx__events *events, irx_happening kind)
{
    return kind == IRX_MEMBERS && events->count_of[kind] > 0; /* it carries nothing */
}

/* The first event of kind MEMBERS, WARNING … that a full queue lost is told before anything else.
 */
static void report_overflow(irx__events *events, irx_event *event)
{
    *event = (irx_event){.kind = IRX_WARNING};
    irx__error_set(&event->error, IRX_EOVERFLOW,
                   "%llu events were dropped because nobody took them",
                   (unsigned long long)events->unreported);
    events->unreported = 0;
    events->overflowing = true;
}

/* Under the lock: queues what room was made for. */
static void append(irx__events *events, irx__event_slot *slot)
{
    slot->next = NULL;
    if (events->last)
        events->last->next = slot;
    else
        events->first = slot;
    events->last = slot;
    events->count_of[slot->event.kind]++;
    if (slot->event.kind == IRX_MESSAGE)
        events->message_bytes += slot->event.length;
}

static void tell_waiters(irx__events *events)
{
    if (events->fd >= 0)
        eventfd_write(events->fd, 1);
    pthread_cond_signal(&events->arrived);
}

bool irx__events_push(irx__events *events, const irx_event *event)
{
    pthread_mutex_lock(&events->lock);
    bool was_empty = !events->first;
    if (already_waits(events, event->kind)) {
        pthread_mutex_unlock(&events->lock);
        return false;
    }
    irx__events_make_room(events, event);
    irx__event_slot *slot = irx__events_take_slot(events);
    slot->event = *event;
    slot->alone = false;
    append(events, slot);
    if (was_empty)
        tell_waiters(events);
    pthread_mutex_unlock(&events->lock);
    return was_empty;
}

irx__event_slot *irx__event_new(irx_happening kind, const void *data, size_t length)
{
    irx__event_slot *slot = malloc(sizeof *slot + length);
    if (!slot)
        return NULL;
    *slot = (irx__event_slot){.event.kind = kind, .alone = true};
    if (length > 0) {
        slot->event.data = slot + 1;
        slot->event.length = length;
    }
    if (data && length > 0)
        memcpy(slot + 1, data, length);
    return slot;
}

bool irx__events_push_slot(irx__events *events, irx__event_slot *slot)
{
    pthread_mutex_lock(&events->lock);
    bool was_empty = !events->first;
    irx__events_make_room(events, &slot->event);
    append(events, slot);
    if (was_empty)
        tell_waiters(events);
    pthread_mutex_unlock(&events->lock);
    return was_empty;
}

void irx__events_miss(irx__events *events)
{
    pthread_mutex_lock(&events->lock);
    events->dropped++;
    events->unreported++;
    pthread_mutex_unlock(&events->lock);
}

/* Under the lock, with an event waiting. */
static int take_first(irx__events *events, irx_event **event)
{
    bool report = events->unreported > 0 && !events->overflowing;
    bool as_it_is = !report && events->first->alone;
    irx_event *copy = as_it_is ? &events->first->event : malloc(sizeof *copy);
    if (!copy)
        return IRX_ENOMEM; /* the event stays */
    if (report)
        report_overflow(events, copy);
    else if (as_it_is)
        irx__events_take_first(events);
    else
        *copy = irx__events_take_first(events)->event;
    if (!events->first) {
        events->overflowing = false;
        events->unreported = 0;
        eventfd_t ignored;
        if (events->fd >= 0)
            eventfd_read(events->fd, &ignored);
    } else {
        pthread_cond_signal(&events->arrived); /* another waiter may take the next */
    }
    *event = copy;
    return 0;
}

int irx__events_take(irx__events *events, irx_event **event, int timeout_ms)
{
    *event = NULL;
    int result = 0;
    struct timespec until = {0, 0};
    if (timeout_ms > 0)
        until = irx__clock_wait_until(timeout_ms);
    pthread_mutex_lock(&events->lock);
    events->waiters++;
    while (!events->first && !events->closing && !result) {
        if (timeout_ms < 0)
            pthread_cond_wait(&events->arrived, &events->lock);
        else if (timeout_ms == 0 || pthread_cond_timedwait(&events->arrived, &events->lock, &until))
            result = IRX_ETIMEOUT;
    }
    if (events->closing)
        result = IRX_ESTOPPED;
    else if (events->first)
        result = take_first(events, event);
    events->waiters--;
    if (events->closing)
        pthread_cond_broadcast(&events->arrived);
    pthread_mutex_unlock(&events->lock);
    return result;
}

bool irx__events_waiting(irx__events *events)
{
    pthread_mutex_lock(&events->lock);
    bool waiting = events->first != NULL;
    pthread_mutex_unlock(&events->lock);
    return waiting;
}

uint64_t irx__events_dropped(irx__events *events)
{
    pthread_mutex_lock(&events->lock);
    uint64_t dropped = events->dropped;
    pthread_mutex_unlock(&events->lock);
    return dropped;
}

size_t irx__events_count(irx__events *events, irx_happening kind)
{
    pthread_mutex_lock(&events->lock);
    size_t count = events->count_of[kind];
    pthread_mutex_unlock(&events->lock);
    return count;
}

/* ---- telling that events wait ---------------------------------------------------------------- */

int irx__events_fd(irx__events *events)
{
    pthread_mutex_lock(&events->lock);
    if (events->fd < 0) /* a thousand elections need no thousand descriptors */
        events->fd = eventfd(events->first ? 1 : 0, EFD_NONBLOCK | EFD_CLOEXEC);
    int fd = events->fd;
    pthread_mutex_unlock(&events->lock);
    return fd >= 0 ? fd : IRX_ESYSTEM;
}

void irx__events_on_ready(irx__events *events, void (*ready)(void *argument), void *argument)
{
    pthread_mutex_lock(&events->ready_lock);
    events->ready = ready;
    events->ready_argument = argument;
    pthread_mutex_unlock(&events->ready_lock);
}

void irx__events_call_ready(irx__events *events)
{
    pthread_mutex_lock(&events->ready_lock);
    if (events->ready)
        events->ready(events->ready_argument);
    pthread_mutex_unlock(&events->ready_lock);
}
