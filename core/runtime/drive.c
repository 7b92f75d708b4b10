/* Steps an engine and carries out what it says, in its order: the snapshot is published before
 * anything that follows it. It decides nothing; clocks, work and pulse are read fresh for every
 * step. */
#include "runtime/drive.h"

#include "runtime/clock.h"
#include "runtime/election.h"
#include "runtime/error.h"
#include "runtime/inbox.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- events -----------------------------------------------------------------------------------
 */

void irx__drive_tell(irx_election *e, const irx_event *event)
{
    if (irx__events_push(&e->events, event))
        e->notify = true;
}

void irx__drive_hand(irx_election *e, irx__event_slot *slot)
{
    if (irx__events_push_slot(&e->events, slot))
        e->notify = true;
}

void irx__drive_ready(irx_election *e)
{
    if (!e->notify)
        return;
    e->notify = false;
    irx__events_call_ready(&e->events);
}

static void name_leader(irx_event *event, const irx_leader *leader)
{
    event->has_leader = !irx_id_none(leader->session);
    event->leader_session = leader->session;
    event->leader_term = leader->term;
    memcpy(event->leader_label, leader->label, sizeof event->leader_label);
}

/* The engine knows codes; the medium told the story behind its last one. */
static void tell_story(const irx_election *e, irx_event *event, const irx_error *error)
{
    event->error = *error;
    if (error->text[0] != '\0')
        return;
    if (e->story.code == error->code && e->story.text[0] != '\0')
        event->error = e->story;
    else
        irx__error_set(&event->error, error->code, "%s", irx_error_text(error->code));
}

static void set_leader(irx_election *e, const irx_leader *leader)
{
    pthread_mutex_lock(&e->lock);
    e->leader = *leader;
    pthread_mutex_unlock(&e->lock);
}

static void stopped(irx_election *e)
{
    e->active = false;
    e->started = false;
    e->stopping = false;
    e->hub->active--;
    e->start_deadline_ns = IRX_NEVER;
    e->told_up[0] = e->told_up[1] = 0;
    irx__courier_stopped(e);
    irx__loop_poke(e->loop, e); /* a start may be waiting for this */
}

static void carry_event(irx_election *e, const irx_output *output)
{
    irx_event event = {0};
    switch (output->event.kind) {
    case IRX_EVENT_STARTED:
        event.kind = IRX_STARTED;
        e->started = true;
        e->start_deadline_ns = IRX_NEVER;
        break;
    case IRX_EVENT_ELECTED:
        event.kind = IRX_ELECTED;
        event.token = output->event.token;
        count(&e->counters.elected);
        break;
    case IRX_EVENT_DRAINING:
        event.kind = IRX_DRAINING;
        event.token = output->event.token;
        event.reason = output->event.reason;
        break;
    case IRX_EVENT_DEFEATED:
        event.kind = IRX_DEFEATED;
        event.token = output->event.token;
        event.reason = output->event.reason;
        name_leader(&event, &output->event.leader);
        count(&e->counters.defeated);
        count(&e->counters.defeated_by[(unsigned)output->event.reason & 15]);
        break;
    case IRX_EVENT_LEADER:
        event.kind = IRX_LEADER;
        name_leader(&event, &output->event.leader);
        set_leader(e, &output->event.leader);
        break;
    case IRX_EVENT_ROLE:
        event.kind = IRX_ROLE;
        event.role = output->event.role;
        event.previous = output->event.previous;
        break;
    case IRX_EVENT_MEMBERS: event.kind = IRX_MEMBERS; break;
    case IRX_EVENT_WARNING:
        event.kind = IRX_WARNING;
        tell_story(e, &event, &output->event.error);
        break;
    case IRX_EVENT_ERROR:
        event.kind = IRX_ERROR;
        tell_story(e, &event, &output->event.error);
        break;
    case IRX_EVENT_STOPPED:
        event.kind = IRX_STOPPED;
        stopped(e);
        break;
    }
    irx__drive_tell(e, &event);
}

/* ---- outputs ----------------------------------------------------------------------------------
 */

static void publish(irx_election *e, const irx_snapshot *snapshot, int64_t pulse_ns)
{
    irx__snapshot_publish(&e->snapshot, snapshot);
    /* A pulse between the engine's look at it and this would have woken nobody. */
    if (snapshot->stalled && atomic_load(&e->pulse_ns) != pulse_ns) {
        atomic_store(&e->wake_asked, true);
        irx__loop_poke(e->loop, e);
    }
}

static void submit(irx_election *e, const irx_op *op, int64_t now_ns)
{
    e->last_op.id = op->id;
    e->last_op.kind = op->kind;
    e->last_op.sent_ns = now_ns;
    count(&e->counters.operations);
    if (op->kind == IRX_OP_JOIN)
        irx__courier_joining(e, op);
    irx__hub_submit(e->hub, e, op);
}

/* The protocol's own messages are lost where they can't leave. */
static void post(irx_election *e, const irx_message *message)
{
    irx_message copy = *message;
    if (irx__courier_post(e, &copy, 0))
        count(&e->counters.messages_dropped);
}

static void carry_out(irx_election *e, const irx_output *output, const irx_input *input)
{
    irx__hub *hub = e->hub;
    switch (output->kind) {
    case IRX_OUT_OP: submit(e, &output->op, input->now_ns); break;
    case IRX_OUT_WATCH:
        hub->class->watch(hub->medium, &e->seat, output->watch.process, output->watch.every_ns);
        break;
    case IRX_OUT_UNWATCH: hub->class->unwatch(hub->medium, &e->seat); break;
    case IRX_OUT_SNAPSHOT: publish(e, &output->snapshot, input->pulse_ns); break;
    case IRX_OUT_EVENT: carry_event(e, output); break;
    case IRX_OUT_CONNECT: irx__hub_connect(hub, output->channel.channel); break;
    case IRX_OUT_DISCONNECT:
        irx__hub_disconnect(hub, output->channel.channel, output->channel.generation);
        break;
    case IRX_OUT_SEND: post(e, &output->message); break;
    case IRX_OUT_TRACE: irx__recorder_add(&e->recorder, output->trace); break;
    }
}

static void set_deadline(irx_election *e)
{
    int64_t at_ns = irx_engine_deadline(e->engine);
    if (e->start_deadline_ns < at_ns)
        at_ns = e->start_deadline_ns;
    irx__heap_move(&e->loop->deadlines, &e->due, at_ns);
}

static void note_session(irx_election *e)
{
    irx_id session = irx_engine_session(e->engine);
    if (irx_id_equal(session, e->session)) /* only this thread writes it */
        return;
    pthread_mutex_lock(&e->lock);
    e->session = session;
    pthread_mutex_unlock(&e->lock);
}

void irx__drive_feed(irx_election *e, irx_input *input)
{
    input->work = e->closing ? 0 : atomic_load(&e->work);
    input->pulse_ns = atomic_load(&e->pulse_ns);
    input->members = e->seat.members;
    input->member_count = e->seat.member_count;
    input->wall_ns = irx__clock_wall_ns();
    input->now_ns = irx__clock_boot_ns();
    irx_outputs *outputs = &e->loop->outputs;
    irx_engine_step(e->engine, input, outputs);
    note_session(e);
    for (size_t i = 0; i < outputs->count; i++)
        carry_out(e, &outputs->list[i], input);
    set_deadline(e);
    irx__drive_ready(e);
    irx__drive_quiet(e);
}

/* ---- what happens -----------------------------------------------------------------------------
 */

/* Not taking part in time: the error, then the end of this start. */
static void start_timed_out(irx_election *e)
{
    irx_event event = {.kind = IRX_ERROR};
    irx__error_set(&event.error, IRX_ETIMEOUT, "not taking part within start_timeout_ms %lld%s%s",
                   (long long)e->settings.start_timeout_ms, e->story.code ? ": " : "",
                   e->story.code ? e->story.text : "");
    e->start_deadline_ns = IRX_NEVER;
    irx__drive_tell(e, &event);
    pthread_mutex_lock(&e->lock);
    bool ours = e->pending == 0 && e->wanted; /* else the application has stopped it already */
    if (ours)
        e->wanted = e->obeyed = false;
    pthread_mutex_unlock(&e->lock);
    e->stopping = e->stopping || ours;
    irx_input input = {.kind = ours ? IRX_IN_STOP : IRX_IN_TIMEOUT};
    irx__drive_feed(e, &input);
}

void irx__drive_due(irx__due *due)
{
    irx_election *e = (irx_election *)(void *)((char *)due - offsetof(irx_election, due));
    if (irx__clock_boot_ns() >= e->start_deadline_ns) {
        start_timed_out(e);
    } else {
        irx_input input = {.kind = IRX_IN_TIMEOUT};
        irx__drive_feed(e, &input);
    }
    irx__hub_settle(e->hub);
}

void irx__drive_up(irx_election *e, irx_channel channel)
{
    const irx__hub_channel *at = &e->hub->channels[channel];
    if (e->told_up[channel] == at->generation)
        return;
    e->told_up[channel] = at->generation;
    if (channel == IRX_CHANNEL_COMMAND)
        e->epoch = at->id;
    irx_input input = {.kind = IRX_IN_MEDIUM_UP};
    input.up.channel = channel;
    input.up.generation = at->generation;
    input.up.id = at->id;
    irx__drive_feed(e, &input);
}

static void measure(irx_election *e, const irx_result *result)
{
    if (result->status == IRX_RESULT_FAILED || result->status == IRX_RESULT_UNKNOWN)
        count(&e->counters.failures);
    if (result->id != e->last_op.id)
        return;
    atomic_store_explicit(&e->counters.last_round_trip_ns,
                          irx__clock_boot_ns() - e->last_op.sent_ns, memory_order_relaxed);
    if (e->last_op.kind == IRX_OP_RENEW && result->status == IRX_RESULT_OK)
        count(&e->counters.renewals);
}

/* What messages and published values need to know of the store. */
static void note_record(irx_election *e, const irx_result *result)
{
    if (!irx_id_none(result->epoch))
        e->epoch = result->epoch;
    if (result->has_record) {
        e->holder = result->record.session;
        e->holder_process = result->record.process;
    }
}

/* READ, JOIN and STRIKE bring the member table. */
static bool brings_rows(const irx_election *e, const irx_result *result)
{
    irx_op_kind kind = e->last_op.kind;
    bool answered = result->status == IRX_RESULT_OK || result->status == IRX_RESULT_ABSENT;
    return answered && result->id == e->last_op.id &&
           (kind == IRX_OP_READ || kind == IRX_OP_JOIN || kind == IRX_OP_STRIKE);
}

/* What is new in a result is there to be read before an event tells of it. */
void irx__drive_result(irx_election *e, const irx_result *result)
{
    measure(e, result);
    note_record(e, result);
    bool rows = brings_rows(e, result);
    bool changed = irx__roster_look(e);
    irx__value_confirm(e, result);
    irx__value_look(e);
    irx__courier_result(e, result);
    if (e->active && !(result->id & IRX__ASKED)) {
        irx_input input = {.kind = IRX_IN_RESULT};
        input.result = *result;
        irx__drive_feed(e, &input);
    }
    if (changed && e->active)
        irx__drive_tell(e, &(irx_event){.kind = IRX_MEMBERS});
    if (rows)
        irx__inbox_settle(e, result->id);
    irx__value_tell(e);
    irx__drive_ready(e);
    irx__drive_quiet(e);
}

void irx__drive_trouble(irx_election *e, const irx_error *why)
{
    e->story = *why;
}

void irx__drive_warn(irx_election *e, const irx_error *what)
{
    irx__drive_tell(e, &(irx_event){.kind = IRX_WARNING, .error = *what});
    irx__drive_ready(e);
}

void irx__drive_quiet(irx_election *e)
{
    if (!e->closing || e->active || e->in_flight > 0)
        return;
    pthread_mutex_lock(&e->lock);
    e->quiet = true;
    pthread_cond_broadcast(&e->quiet_changed);
    pthread_mutex_unlock(&e->lock);
}
