/* Decides what is kept when the queue of events is full. It must never drop half a leadership, nor
 * what has settled, whose number its askers bound.
 *
 * Life (started, elected, draining, defeated, stopped) has slots of its own: when they run out, a
 * leadership that came and went unseen is dropped whole, else a whole run from started to stopped.
 * Of messages the oldest goes, of values all but the newest. Every other kind keeps its newest. */
#include "runtime/events.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

static bool is_life(irx_happening kind)
{
    return kind == IRX_STARTED || kind == IRX_ELECTED || kind == IRX_DRAINING ||
           kind == IRX_DEFEATED || kind == IRX_STOPPED;
}

irx__event_slot *irx__events_take_slot(irx__events *events)
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

/* Takes out what follows `previous` (null: the first). What was allocated alone is the caller's. */
static irx__event_slot *take_out(irx__events *events, irx__event_slot *previous)
{
    irx__event_slot **link = previous ? &previous->next : &events->first;
    irx__event_slot *slot = *link;
    *link = slot->next;
    if (events->last == slot)
        events->last = previous;
    events->count_of[slot->event.kind]--;
    if (slot->event.kind == IRX_MESSAGE)
        events->message_bytes -= slot->event.length;
    if (!slot->alone) {
        slot->next = events->unused;
        events->unused = slot;
    }
    return slot;
}

irx__event_slot *irx__events_take_first(irx__events *events)
{
    return take_out(events, NULL);
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
    slot = take_out(events, previous);
    if (slot->alone)
        free(slot);
}

static void drop_and_count(irx__events *events, irx_happening kind)
{
    drop_oldest(events, kind);
    events->dropped++;
    events->unreported++;
}

static void make_room_for_message(irx__events *events, size_t length)
{
    while (events->count_of[IRX_MESSAGE] == IRX__EVENTS_MESSAGES ||
           (events->count_of[IRX_MESSAGE] > 0 &&
            events->message_bytes + length > IRX__EVENTS_MESSAGE_BYTES))
        drop_and_count(events, IRX_MESSAGE);
}

void irx__events_make_room(irx__events *events, const irx_event *event)
{
    if (is_life(event->kind))
        make_room_for_life(events);
    else if (event->kind == IRX_MESSAGE)
        make_room_for_message(events, event->length);
    else if (event->kind == IRX_VALUE && events->count_of[IRX_VALUE] > 0)
        drop_oldest(events, IRX_VALUE); /* nothing is lost: the newest says it all */
    else if (event->kind < IRX_VALUE && events->count_of[event->kind] == IRX__EVENTS_KIND)
        drop_and_count(events, event->kind);
}
