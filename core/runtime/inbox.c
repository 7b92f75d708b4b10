/* Decides what becomes of a message that came in: whose it is, whether it can be believed to be
 * from whom it names, and whether the engine or the application gets it. Foreign bytes end here,
 * counted; it must never answer, nor let anything reach the engine that was not decoded whole. */
#include "runtime/inbox.h"

#include "runtime/drive.h"
#include "runtime/election.h"

#include <stdlib.h>

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* What is said to all is for who takes part already; what is said to this session, it may hear
 * sooner than that its row was written. */
static bool is_for(const irx_election *e, const irx_message *message)
{
    if (irx_id_equal(message->from, e->session))
        return false;
    if (!irx_id_none(message->to))
        return irx_id_equal(message->to, e->session);
    if (message->kind != IRX_MESSAGE_DATA)
        return true;
    return e->started && !(message->audience == IRX_TO_FOLLOWERS && irx__holds(e, NULL));
}

static void hand_to_application(irx_election *e, const irx_message *message)
{
    irx__event_slot *slot = irx__event_new(IRX_MESSAGE, message->data, message->length);
    if (!slot) {
        irx__events_miss(&e->events);
        return;
    }
    slot->event.from = message->from;
    slot->event.from_leader = message->from_leader;
    irx__drive_hand(e, slot);
    irx__drive_ready(e);
}

static void hand_to_engine(irx_election *e, const irx_message *message)
{
    irx_input input = {.kind = IRX_IN_MESSAGE};
    input.message = *message;
    irx__drive_feed(e, &input);
}

static bool is_listed(const irx_election *e, irx_id session)
{
    for (size_t i = 0; i < e->seat.member_count; i++) {
        if (irx_id_equal(e->seat.members[i].session, session))
            return true;
    }
    return false;
}

static bool is_genuine(const irx_election *e, const irx_message *message)
{
    return irx_message_genuine(message, e->seat.members, e->seat.member_count);
}

static void hand_on(irx_election *e, const irx_message *message)
{
    count(&e->counters.messages_received);
    hand_to_application(e, message);
}

/* Who speaks before its row came has just joined, and the application may want to answer it. It is
 * waited for once. */
static bool is_new(irx_election *e, irx_id session)
{
    bool known = is_listed(e, session) || irx_id_equal(e->looked_for, session);
    e->looked_for = known ? e->looked_for : session;
    return !known;
}

/* The sender may be an impostor, or a member that came back under another presence, or a new one:
 * the table is read, and then it is looked at once more. */
static void doubt(irx_election *e, irx_id from, const void *bytes, size_t length)
{
    if (!irx__doubts_keep(&e->doubts, from, bytes, length, e->last_op.id)) {
        count(&e->counters.messages_dropped);
        return;
    }
    irx_input input = {.kind = IRX_IN_HINT};
    irx__drive_feed(e, &input);
}

static void deliver(irx_election *e, const void *bytes, size_t length)
{
    irx_message message;
    if (!e->active)
        return;
    if (irx_message_decode(bytes, length, &message) != IRX_DECODED) {
        count(&e->counters.messages_dropped);
        return;
    }
    if (!is_for(e, &message))
        return;
    bool genuine = is_genuine(e, &message);
    if (message.kind != IRX_MESSAGE_DATA) {
        /* The engine looks for itself. A beat is the store's own word. */
        bool dropped = !genuine && message.kind != IRX_MESSAGE_BEAT;
        count(dropped ? &e->counters.messages_dropped : &e->counters.messages_received);
        hand_to_engine(e, &message);
    } else if (!genuine || is_new(e, message.from) || irx__doubts_wait(&e->doubts, message.from)) {
        doubt(e, message.from, bytes, length); /* what follows a doubted one waits behind it */
    } else {
        hand_on(e, &message);
    }
}

void irx__inbox_settle(irx_election *e, uint64_t op_id)
{
    irx__doubt *doubt;
    while ((doubt = irx__doubts_take(&e->doubts, op_id))) {
        irx_message message;
        irx_message_decode(doubt->bytes, doubt->length, &message);
        if (!e->active || !is_genuine(e, &message))
            count(&e->counters.messages_dropped);
        else if (is_for(e, &message))
            hand_on(e, &message);
        free(doubt);
    }
}

/* Nobody's: it came to the process, and every election here may show it. */
static void count_foreign(irx__hub *hub)
{
    for (irx_election *e = hub->seats; e; e = e->next_seat) {
        if (e->active)
            count(&e->counters.messages_dropped);
    }
}

static void route(irx__hub *hub, const void *bytes, size_t length)
{
    irx_id to = irx_message_to(bytes, length);
    if (irx_id_none(to)) {
        count_foreign(hub);
        return;
    }
    for (irx_election *e = hub->seats; e; e = e->next_seat) {
        if (irx_id_equal(e->session, to)) {
            deliver(e, bytes, length);
            return;
        }
    }
}

void irx__inbox_take(irx__hub *hub, irx_seat *seat, const void *bytes, size_t length)
{
    if (seat)
        deliver(seat->owner, bytes, length);
    else
        route(hub, bytes, length);
}
