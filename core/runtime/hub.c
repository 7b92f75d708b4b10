/* Shares a medium among the elections of a process: makes connect requests idempotent, numbers
 * connections, fans their ups and downs out, and brings results to the engine that asked. It
 * decides nothing about an election, and must never step an engine from within another one's step.
 */
#include "runtime/hub.h"

#include "runtime/drive.h"
#include "runtime/election.h"
#include "runtime/error.h"
#include "runtime/inbox.h"

#include <stdlib.h>
#include <string.h>

/* ---- fanning out ------------------------------------------------------------------------------
 */

/* Steps every election that takes part, as long as the channel stays as it was. */
static void tell_down(irx__hub *hub, irx_channel channel, uint64_t generation, const irx_error *why)
{
    irx_input input = {.kind = IRX_IN_MEDIUM_DOWN};
    input.down.channel = channel;
    input.down.generation = generation;
    input.down.attempt = hub->channels[channel].attempts;
    input.down.error_code = why->code;
    irx__random(&input.down.draw, sizeof input.down.draw);
    for (irx_election *e = hub->seats; e; e = e->next_seat) {
        if (!e->active)
            continue;
        atomic_fetch_add_explicit(&e->counters.reconnects, 1, memory_order_relaxed);
        irx__drive_trouble(e, why);
        irx__drive_feed(e, &input);
    }
}

/* Operations in flight on a lost command channel get no results. */
static void forget_operations(irx__hub *hub)
{
    for (irx_election *e = hub->seats; e && hub->in_flight > 0; e = e->next_seat) {
        hub->in_flight -= e->in_flight;
        e->in_flight = 0;
        irx__drive_quiet(e);
    }
}

static void set_closed(irx__hub *hub, irx_channel channel)
{
    hub->channels[channel].state = IRX__HUB_CLOSED;
    if (channel != IRX_CHANNEL_COMMAND)
        return;
    forget_operations(hub);
    for (irx_election *e = hub->seats; e; e = e->next_seat) {
        atomic_store(&e->connected, false);
        irx__courier_cut(e);
    }
}

/* ---- what the medium tells --------------------------------------------------------------------
 */

static void on_up(void *owner, irx_channel channel, uint64_t generation, irx_id id)
{
    irx__hub *hub = owner;
    irx__hub_channel *at = &hub->channels[channel];
    if (at->state != IRX__HUB_OPENING || at->generation != generation)
        return;
    at->state = IRX__HUB_UP;
    at->attempts = 0;
    at->id = id;
    for (irx_election *e = hub->seats; e; e = e->next_seat) {
        if (at->state != IRX__HUB_UP || at->generation != generation)
            break;
        if (channel == IRX_CHANNEL_COMMAND)
            atomic_store(&e->connected, true);
        if (e->active)
            irx__drive_up(e, channel);
    }
    irx__hub_settle(hub);
}

static void on_down(void *owner, irx_channel channel, uint64_t generation, const irx_error *why)
{
    irx__hub *hub = owner;
    irx__hub_channel *at = &hub->channels[channel];
    if (at->state == IRX__HUB_CLOSED || at->generation != generation)
        return;
    at->attempts++;
    set_closed(hub, channel);
    tell_down(hub, channel, generation, why);
    irx__hub_settle(hub);
}

static void count_answer(irx__hub *hub, irx_election *e)
{
    if (e->in_flight > 0) {
        e->in_flight--;
        hub->in_flight--;
    }
}

static void on_result(void *owner, irx_seat *seat, const irx_result *result, const irx_error *why)
{
    irx__hub *hub = owner;
    irx_election *e = seat->owner;
    count_answer(hub, e);
    if (why)
        irx__drive_trouble(e, why);
    irx__drive_result(e, result);
    irx__hub_settle(hub);
}

static void on_hint(void *owner, irx_seat *seat)
{
    irx_election *e = seat->owner;
    irx_input input = {.kind = IRX_IN_HINT};
    if (e->active)
        irx__drive_feed(e, &input);
    irx__hub_settle(owner);
}

static void on_gone(void *owner, irx_seat *seat, irx_id process)
{
    irx_election *e = seat->owner;
    irx_input input = {.kind = IRX_IN_GONE};
    input.gone.process = process;
    if (e->active)
        irx__drive_feed(e, &input);
    irx__hub_settle(owner);
}

static void on_message(void *owner, irx_seat *seat, const void *bytes, size_t length)
{
    irx__inbox_take(owner, seat, bytes, length);
    irx__hub_settle(owner);
}

static void on_sent(void *owner, irx_seat *seat, uint64_t ticket, int code)
{
    irx_election *e = seat->owner;
    count_answer(owner, e);
    irx__courier_sent(e, ticket, code);
    irx__drive_ready(e);
    irx__drive_quiet(e);
    irx__hub_settle(owner);
}

/* Under takeover: safe alone; under fast a class says all there is to say. */
static void keep_promise(irx_election *e, irx_guarantee safe)
{
    if (e->options.takeover == IRX_TAKEOVER_SAFE)
        atomic_store(&e->guarantee, safe);
}

static void on_promise(void *owner, irx_guarantee safe)
{
    irx__hub *hub = owner;
    hub->promised = safe;
    for (irx_election *e = hub->seats; e; e = e->next_seat)
        keep_promise(e, safe);
}

static void on_warning(void *owner, const irx_error *what)
{
    irx__hub *hub = owner;
    for (irx_election *e = hub->seats; e; e = e->next_seat) {
        if (e->active)
            irx__drive_warn(e, what);
    }
}

/* ---- what engines ask -------------------------------------------------------------------------
 */

void irx__hub_connect(irx__hub *hub, irx_channel channel)
{
    irx__hub_channel *at = &hub->channels[channel];
    if (at->state != IRX__HUB_CLOSED)
        return;
    at->state = IRX__HUB_OPENING;
    at->generation++;
    hub->class->connect(hub->medium, channel, at->generation);
}

void irx__hub_disconnect(irx__hub *hub, irx_channel channel, uint64_t generation)
{
    irx__hub_channel *at = &hub->channels[channel];
    if (at->state == IRX__HUB_CLOSED || at->generation != generation)
        return;
    hub->class->disconnect(hub->medium, channel);
    at->attempts++;
    at->lost = true;
    at->lost_generation = generation;
    set_closed(hub, channel);
}

void irx__hub_submit(irx__hub *hub, irx_election *election, const irx_op *op)
{
    irx__hub_channel *at = &hub->channels[IRX_CHANNEL_COMMAND];
    if (at->state != IRX__HUB_UP || at->generation != op->generation)
        return; /* the engine is about to hear that this connection is gone */
    election->in_flight++;
    hub->in_flight++;
    hub->class->submit(hub->medium, &election->seat, op);
}

void irx__hub_send(irx__hub *hub, irx_election *election, irx_id to, irx_id process,
                   uint64_t ticket, const void *bytes, size_t length)
{
    if (ticket) {
        election->in_flight++;
        hub->in_flight++;
    }
    hub->class->send(hub->medium, &election->seat, to, process, ticket, bytes, length);
}

static void close_unneeded(irx__hub *hub)
{
    if (hub->active > 0 || hub->in_flight > 0)
        return;
    for (int channel = 0; channel < 2; channel++) {
        if (hub->channels[channel].state == IRX__HUB_CLOSED)
            continue;
        hub->class->disconnect(hub->medium, (irx_channel)channel);
        hub->channels[channel].attempts = 0;
        set_closed(hub, (irx_channel)channel);
    }
}

void irx__hub_settle(irx__hub *hub)
{
    static const irx_error no_answer = {
        IRX_EUNREACHABLE, "the connection was given up: the medium did not answer in time"};
    for (;;) { /* an election that hears of one may give up the other */
        irx_channel channel =
            hub->channels[IRX_CHANNEL_COMMAND].lost ? IRX_CHANNEL_COMMAND : IRX_CHANNEL_PRESENCE;
        irx__hub_channel *at = &hub->channels[channel];
        if (!at->lost)
            break;
        at->lost = false;
        tell_down(hub, channel, at->lost_generation, &no_answer);
    }
    close_unneeded(hub);
}

/* ---- seats ------------------------------------------------------------------------------------
 */

static bool same_place(const irx_url *a, const irx_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->user, b->user) == 0 &&
           strcmp(a->password, b->password) == 0 && strcmp(a->host, b->host) == 0 &&
           a->port == b->port && strcmp(a->path, b->path) == 0 && a->database == b->database &&
           strcmp(a->schema, b->schema) == 0 && strcmp(a->uri, b->uri) == 0;
}

static irx__hub *find_hub(const irx_election *e)
{
    irx__hub *hub = e->loop->hubs;
    while (hub && !(same_place(&hub->url, &e->url) &&
                    strcmp(hub->namespace_name, e->settings.namespace_name) == 0 &&
                    hub->heartbeat_ns == e->options.heartbeat_ns &&
                    hub->max_members == e->settings.max_members &&
                    hub->create_table == e->settings.create_table))
        hub = hub->next;
    return hub;
}

static int make_hub(const irx_election *e, irx__hub **hub, irx_error *error)
{
    irx__hub *made = calloc(1, sizeof *made);
    if (!made)
        return irx__error_set(error, IRX_ENOMEM, "no memory for a medium");
    made->loop = e->loop;
    made->url = e->url;
    memcpy(made->namespace_name, e->settings.namespace_name, sizeof made->namespace_name);
    made->heartbeat_ns = e->options.heartbeat_ns;
    made->max_members = e->settings.max_members;
    made->create_table = e->settings.create_table;
    made->promised = e->class->guarantee_safe;
    made->class = e->class;
    irx_medium_config config = {
        .url = &made->url,
        .namespace_name = made->namespace_name,
        .heartbeat_ns = made->heartbeat_ns,
        .max_members = made->max_members,
        .create_table = made->create_table,
        .loop = e->loop->ev,
        .sink = {.owner = made,
                 .up = on_up,
                 .down = on_down,
                 .result = on_result,
                 .hint = on_hint,
                 .gone = on_gone,
                 .message = on_message,
                 .sent = on_sent,
                 .promise = on_promise,
                 .warning = on_warning},
    };
    int failed = made->class->open(&config, &made->medium, error);
    if (failed) {
        free(made);
        return failed;
    }
    made->next = e->loop->hubs;
    e->loop->hubs = made;
    *hub = made;
    return 0;
}

static void end_if_empty(irx__hub *hub)
{
    if (hub->seats)
        return;
    irx__hub **link = &hub->loop->hubs;
    while (*link != hub)
        link = &(*link)->next;
    *link = hub->next;
    hub->class->close(hub->medium);
    free(hub);
}

int irx__hub_join(irx_election *e, irx_error *error)
{
    irx__hub *hub = find_hub(e);
    int failed = hub ? 0 : make_hub(e, &hub, error);
    if (failed)
        return failed;
    failed = hub->class->attach(hub->medium, &e->seat, error);
    if (failed) {
        end_if_empty(hub);
        return failed;
    }
    e->hub = hub;
    e->next_seat = hub->seats;
    e->link_seat = &hub->seats;
    if (hub->seats)
        hub->seats->link_seat = &e->next_seat;
    hub->seats = e;
    keep_promise(e, hub->promised);
    atomic_store(&e->connected, hub->channels[IRX_CHANNEL_COMMAND].state == IRX__HUB_UP);
    return 0;
}

void irx__hub_leave(irx_election *e)
{
    irx__hub *hub = e->hub;
    *e->link_seat = e->next_seat;
    if (e->next_seat)
        e->next_seat->link_seat = e->link_seat;
    hub->in_flight -= e->in_flight;
    if (e->active)
        hub->active--;
    e->hub = NULL;
    hub->class->detach(hub->medium, &e->seat);
    close_unneeded(hub);
    end_if_empty(hub);
}
