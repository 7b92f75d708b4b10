/* Takes what the application asked for and says it to the engine, in the order of asking: a start
 * waits until the stop before it has ended. It decides only that order; what a stop or a
 * resignation does is the engine's. */
#include "runtime/drive.h"

#include "runtime/clock.h"
#include "runtime/election.h"

typedef enum command {
    NOTHING,
    CLOSE,
    RESIGN, /* or TRANSFER, by `successor` */
    START,
    STOP
} command;

bool irx__drive_mark(irx_election *e)
{
    return !atomic_exchange(&e->marked, true);
}

void irx__drive_link(irx_election *e, irx_election *next)
{
    e->next_marked = next;
}

irx_election *irx__drive_unmark(irx_election *e)
{
    irx_election *next = e->next_marked;
    atomic_store(&e->marked, false); /* from here on it may be marked again */
    return next;
}

/* The next thing to say. What was given up stays withheld from is_leader until all of it has been
 * said. */
static command take(irx_election *e, irx_id *successor)
{
    command next = NOTHING;
    pthread_mutex_lock(&e->lock);
    if (e->closing) {
        /* nothing else matters any more */
    } else if (e->close_asked) {
        next = CLOSE;
    } else if (e->give_up_asked) {
        e->give_up_asked = false;
        *successor = e->give_up_to;
        bool same = e->snapshot.last.token.term == e->give_up_term; /* written by this thread */
        next = same && e->active ? RESIGN : NOTHING;
    }
    if (next == NOTHING && !e->closing && e->pending > 0 && !(e->active && !e->obeyed)) {
        e->pending--;
        e->obeyed = !e->obeyed;
        next = e->obeyed ? START : STOP;
        if (next == START) /* what is pending begins with the stop of this one */
            e->courier.life = e->courier.lives - e->pending / 2;
    }
    pthread_mutex_unlock(&e->lock);
    return next;
}

static void settle(irx_election *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->snapshot.withheld && e->pending == 0 && !e->give_up_asked)
        irx__snapshot_settle(&e->snapshot);
    pthread_mutex_unlock(&e->lock);
}

static void say(irx_election *e, irx_input_kind kind)
{
    irx_input input = {.kind = kind};
    irx__drive_feed(e, &input);
}

static void say_resign(irx_election *e, irx_id successor)
{
    irx_input input = {.kind = IRX_IN_RESIGN};
    if (!irx_id_none(successor)) {
        input.kind = IRX_IN_TRANSFER;
        input.transfer.successor = successor;
    }
    irx__drive_feed(e, &input);
}

/* Connections that the others have up already are told right after. */
static void say_start(irx_election *e)
{
    irx__hub *hub = e->hub;
    e->active = true;
    hub->active++;
    e->value_confirmed = false;
    e->start_deadline_ns = IRX_NEVER;
    if (e->settings.start_timeout_ms > 0)
        e->start_deadline_ns = irx__clock_boot_ns() + e->settings.start_timeout_ms * 1000000;
    say(e, IRX_IN_START);
    for (int channel = 0; channel < 2 && e->active; channel++) {
        if (hub->channels[channel].state == IRX__HUB_UP)
            irx__drive_up(e, (irx_channel)channel);
    }
}

static void say_stop(irx_election *e)
{
    e->stopping = true;
    say(e, IRX_IN_STOP);
}

static void say_close(irx_election *e)
{
    e->closing = true;
    if (!e->active)
        irx__drive_quiet(e);
    else if (e->stopping)
        say(e, IRX_IN_WAKE); /* draining, perhaps, for work that no longer counts */
    else
        say_stop(e);
}

void irx__drive_obey(irx_election *e)
{
    if (!e->hub)
        return; /* a warning of open may be waiting before the election has its seat */
    irx_id successor = {0, 0};
    command next;
    irx__courier_take(e);
    while ((next = take(e, &successor)) != NOTHING) {
        switch (next) {
        case CLOSE: say_close(e); break;
        case RESIGN: say_resign(e, successor); break;
        case START: say_start(e); break;
        case STOP: say_stop(e); break;
        case NOTHING: break;
        }
        irx__courier_take(e);
    }
    settle(e);
    if (atomic_exchange(&e->wake_asked, false) && e->active)
        say(e, IRX_IN_WAKE);
    if (atomic_exchange(&e->ready_asked, false) && irx__events_waiting(&e->events))
        irx__events_call_ready(&e->events);
    irx__hub_settle(e->hub);
}
