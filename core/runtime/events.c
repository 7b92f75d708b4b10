/* Queues events for an application that may never take them: decides what is kept when the queue is
 * full, and must never stall the loop, drop half a leadership, or change the order of what it
 * keeps.
 *
 * Life (started, elected, draining, defeated, stopped) has slots of its own: when they run out, a
 * leadership that came and went unseen is dropped whole, else a whole run from started to stopped.
 * Every other kind keeps its newest. What was dropped is counted, and one warning says so. */
#include "runtime/events.h"

#include "runtime/clock.h"
#include "runtime/error.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct irx__event_slot {
    irx_event event;
    irx__event_slot *next;
};

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

void irx__events_free_forked(irx__events *events)
{
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
    free(events->slots);
}

/* ---- under the lock -------------------------------------------------------------------------- */

static bool is_life(irx_happening kind)
{
    return kind == IRX_STARTED || kind == IRX_ELECTED || kind == IRX_DRAINING ||
           kind == IRX_DEFEATED || kind == IRX_STOPPED;
}

static irx__event_slot *take_slot(irx__events *events)
{
    irx__event_slot *slot = events->unused;
    if (slot) {
        events->unused = slot->next;
    } else {
        assert(events->fresh < IRX__EVENTS_SLOTS); /* counts are bounded before */
        slot = &events->slots[events->fresh++];
    }
    return slot;
}

/* Takes out what follows `previous` (null: the first). */
static void take_out(irx__events *events, irx__event_slot *previous)
{
    irx__event_slot **link = previous ? &previous->next : &events->first;
    irx__event_slot *slot = *link;
    *link = slot->next;
    if (events->last == slot)
        events->last = previous;
    events->count_of[slot->event.kind]--;
    slot->next = events->unused;
    events->unused = slot;
}

/* Drops the events of life from `begin` to `end`, both included; all between them go too. */
static void drop_life(irx__events *events, irx__event_slot *begin, irx__event_slot *end)
{
    irx__event_slot *previous = NULL;
    irx__event_slot *slot = events->first;
    bool inside = false, done = false;
    while (slot && !done) {
        irx__event_slot *next = slot->next;
        inside = inside || slot == begin;
        done = slot == end;
        if (inside && is_life(slot->event.kind)) {
            take_out(events, previous);
            events->dropped++;
            events->unreported++;
        } else {
            previous = slot;
        }
        slot = next;
    }
}

/* The first event of kind `begin` that is followed by one of kind `end`. */
static bool drop_first_pair(irx__events *events, irx_happening begin, irx_happening end)
{
    irx__event_slot *from = events->first;
    while (from && from->event.kind != begin)
        from = from->next;
    irx__event_slot *to = from ? from->next : NULL;
    while (to && to->event.kind != end)
        to = to->next;
    if (!to)
        return false;
    drop_life(events, from, to);
    return true;
}

static void drop_stopped(irx__events *events)
{
    irx__event_slot *slot = events->first;
    while (slot->event.kind != IRX_STOPPED)
        slot = slot->next;
    drop_life(events, slot, slot);
}

static void make_room_for_life(irx__events *events)
{
    size_t life = events->count_of[IRX_STARTED] + events->count_of[IRX_ELECTED] +
                  events->count_of[IRX_DRAINING] + events->count_of[IRX_DEFEATED] +
                  events->count_of[IRX_STOPPED];
    if (life < IRX__EVENTS_LIFE)
        return;
    if (drop_first_pair(events, IRX_ELECTED, IRX_DEFEATED))
        return;
    if (drop_first_pair(events, IRX_STARTED, IRX_STOPPED))
        return;
    drop_stopped(events); /* starts that timed out, one after the other */
}

/* Drops the oldest of this kind. A role that follows tells the change from what was dropped. */
static void drop_oldest(irx__events *events, irx_happening kind)
{
    irx__event_slot *previous = NULL;
    irx__event_slot *slot = events->first;
    while (slot->event.kind != kind) {
        previous = slot;
        slot = slot->next;
    }
    for (irx__event_slot *later = slot->next; kind == IRX_ROLE && later; later = later->next) {
        if (later->event.kind == IRX_ROLE) {
            later->event.previous = slot->event.previous;
            break;
        }
    }
    take_out(events, previous);
    events->dropped++;
    events->unreported++;
}

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

/* ---- the queue ------------------------------------------------------------------------------- */

bool irx__events_push(irx__events *events, const irx_event *event)
{
    pthread_mutex_lock(&events->lock);
    bool was_empty = !events->first;
    if (already_waits(events, event->kind)) {
        pthread_mutex_unlock(&events->lock);
        return false;
    }
    if (is_life(event->kind))
        make_room_for_life(events);
    else if (events->count_of[event->kind] == IRX__EVENTS_KIND)
        drop_oldest(events, event->kind);
    irx__event_slot *slot = take_slot(events);
    slot->event = *event;
    slot->next = NULL;
    if (events->last)
        events->last->next = slot;
    else
        events->first = slot;
    events->last = slot;
    events->count_of[event->kind]++;
    if (was_empty) {
        if (events->fd >= 0)
            eventfd_write(events->fd, 1);
        pthread_cond_signal(&events->arrived);
    }
    pthread_mutex_unlock(&events->lock);
    return was_empty;
}

/* Under the lock, with an event waiting. */
static int take_first(irx__events *events, irx_event **event)
{
    irx_event *copy = malloc(sizeof *copy);
    if (!copy)
        return IRX_ENOMEM; /* the event stays */
    if (events->unreported > 0 && !events->overflowing) {
        report_overflow(events, copy);
    } else {
        *copy = events->first->event;
        take_out(events, NULL);
    }
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
