/* What an application may know of its election: status, history, metrics. Copies of what
 * the loop thread last said, never a question to the medium; all of it stays readable after a stop.
 */
#include "runtime/election.h"

#include "runtime/clock.h"

#include <stdlib.h>
#include <string.h>

/* What the snapshot's role means at this moment: past a deadline nobody had the time to say so yet.
 */
static irx_role present_role(const irx__view *view, int64_t now_ns)
{
    if (view->role != IRX_ROLE_LEADER && view->role != IRX_ROLE_DRAINING)
        return view->role;
    if (now_ns >= view->valid_until_ns)
        return IRX_ROLE_FOLLOWER;
    return now_ns < view->leader_until_ns ? IRX_ROLE_LEADER : IRX_ROLE_DRAINING;
}

static void fill_leader(irx_election *e, irx_status *status, bool holds)
{
    bool self = irx_id_equal(e->leader.session, e->session);
    if (holds) {
        status->has_leader = true;
        status->leader_session = e->session;
        status->leader_term = status->token.term;
        memcpy(status->leader_label, e->settings.label, sizeof status->leader_label);
    } else if (!irx_id_none(e->leader.session) && !self) {
        status->has_leader = true;
        status->leader_session = e->leader.session;
        status->leader_term = e->leader.term;
        memcpy(status->leader_label, e->leader.label, sizeof status->leader_label);
    }
}

int irx_election_status(irx_election *e, irx_status *status)
{
    *status = (irx_status){0};
    int failed = irx__enter(e);
    if (failed)
        return failed;
    irx__view view = irx__snapshot_read(&e->snapshot);
    int64_t now_ns = irx__clock_boot_ns();
    bool holds = now_ns < view.valid_until_ns;
    status->role = present_role(&view, now_ns);
    if (holds) {
        bool endless = view.valid_until_ns == IRX_NEVER;
        status->token = view.token;
        status->remaining_ms = endless ? INT64_MAX : (view.valid_until_ns - now_ns) / 1000000;
    }
    status->guarantee = atomic_load(&e->guarantee);
    status->connected = atomic_load(&e->connected);
    pthread_mutex_lock(&e->lock);
    status->session = e->session;
    fill_leader(e, status, holds);
    pthread_mutex_unlock(&e->lock);
    return 0;
}

irx_guarantee irx_election_guarantee(const irx_election *e)
{
    return atomic_load(&e->guarantee);
}

size_t irx_election_message_max(const irx_election *e)
{
    return e->class->message_max ? e->class->message_max : IRX_MESSAGE_MAX;
}

int irx_election_history(irx_election *e, char **text)
{
    *text = NULL;
    int failed = irx__enter(e);
    if (failed)
        return failed;
    *text = irx__recorder_text(&e->recorder);
    return *text ? 0 : IRX_ENOMEM;
}

void irx_text_free(char *text)
{
    free(text);
}

int irx_election_metrics(irx_election *e, irx_metrics *metrics)
{
    *metrics = (irx_metrics){0};
    int failed = irx__enter(e);
    if (failed)
        return failed;
    const irx__counters *counters = &e->counters;
    metrics->elected = atomic_load(&counters->elected);
    metrics->defeated = atomic_load(&counters->defeated);
    for (size_t i = 0; i < sizeof metrics->defeated_by / sizeof metrics->defeated_by[0]; i++)
        metrics->defeated_by[i] = atomic_load(&counters->defeated_by[i]);
    metrics->renewals = atomic_load(&counters->renewals);
    metrics->operations = atomic_load(&counters->operations);
    metrics->failures = atomic_load(&counters->failures);
    metrics->reconnects = atomic_load(&counters->reconnects);
    metrics->messages_sent = atomic_load(&counters->messages_sent);
    metrics->messages_received = atomic_load(&counters->messages_received);
    metrics->messages_dropped = atomic_load(&counters->messages_dropped);
    metrics->events_dropped = irx__events_dropped(&e->events);
    metrics->last_round_trip_ns = atomic_load(&counters->last_round_trip_ns);
    return 0;
}
