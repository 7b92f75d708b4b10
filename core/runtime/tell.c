/* How an application takes its events: by waiting, by a descriptor, or by a poke. Decides nothing;
 * the queue is in events.c. */
#include "runtime/election.h"

#include <stdlib.h>

int irx_election_next_event(irx_election *e, irx_event **event, int timeout_ms)
{
    *event = NULL;
    int failed = irx__enter(e);
    return failed ? failed : irx__events_take(&e->events, event, timeout_ms);
}

void irx_event_free(irx_event *event)
{
    free(event);
}

int irx_election_event_fd(irx_election *e)
{
    int failed = irx__enter(e);
    return failed ? failed : irx__events_fd(&e->events);
}

/* What waits already is told on the loop thread too, so that `ready` needs to know one thread only.
 */
int irx_election_on_ready(irx_election *e, void (*ready)(void *argument), void *argument)
{
    int failed = irx__enter(e);
    if (failed)
        return failed;
    irx__events_on_ready(&e->events, ready, argument);
    if (ready) {
        atomic_store(&e->ready_asked, true);
        irx__loop_poke(e->loop, e);
    }
    return 0;
}
