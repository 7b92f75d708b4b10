/* See driver.h. It answers for the store only as a test tells it to. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static irx_record current; /* what driver_ok goes on from */

irx_engine_options driver_options(void)
{
    return (irx_engine_options){
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = IRX_TAKEOVER_FAST,
        .heartbeat_ns = 300 * MS,
        .timeout_ns = 1500 * MS,
        .probe_ns = 25 * MS,
        .drain_limit_ns = 5000 * MS,
        .drift_ppm = 5000,
        .candidate = true,
        .has_presence = true,
    };
}

driver *driver_new(const irx_engine_options *options)
{
    driver *d = calloc(1, sizeof *d);
    void *memory = malloc(irx_engine_size());
    const uint64_t seed[4] = {1, 2, 3, 4};
    if (d == NULL || memory == NULL)
        abort();
    d->engine = irx_engine_init(memory, options, seed);
    d->now_ns = 1000 * 1000 * MS;
    d->wall_ns = INT64_C(1700000000000) * MS;
    d->pulse_ns = d->now_ns;
    d->epoch = id_of(1);
    return d;
}

void driver_free(driver *d)
{
    free(d->engine);
    free(d);
}

irx_id id_of(uint64_t number)
{
    return (irx_id){number << 32, number};
}

irx_id driver_self(const driver *d)
{
    return irx_engine_session(d->engine);
}

static void note(driver *d, const char *text)
{
    size_t used = strlen(d->events);
    snprintf(d->events + used, sizeof d->events - used, "%s%s", used > 0 ? ", " : "", text);
}

static void note_event(driver *d, const irx_output *o)
{
    static const char *const names[] = {"started", "elected", "draining", "defeated", "leader",
                                        "role",    "members", "warning",  "error",    "stopped"};
    char text[128];
    const char *name = names[o->event.kind];
    switch (o->event.kind) {
    case IRX_EVENT_ELECTED:
        snprintf(text, sizeof text, "%s %llu", name, (unsigned long long)o->event.token.term);
        break;
    case IRX_EVENT_DRAINING:
    case IRX_EVENT_DEFEATED:
        snprintf(text, sizeof text, "%s %s", name, irx_reason_text(o->event.reason));
        break;
    case IRX_EVENT_LEADER:
        snprintf(text, sizeof text, "%s %s", name,
                 irx_id_none(o->event.leader.session)                    ? "none"
                 : irx_id_equal(o->event.leader.session, driver_self(d)) ? "self"
                                                                         : "other");
        break;
    case IRX_EVENT_ROLE:
        snprintf(text, sizeof text, "%s %s", name, irx_role_text(o->event.role));
        break;
    case IRX_EVENT_WARNING:
    case IRX_EVENT_ERROR:
        snprintf(text, sizeof text, "%s %s", name, irx_error_name(o->event.error.code));
        break;
    default: snprintf(text, sizeof text, "%s", name); break;
    }
    note(d, text);
}

static void look(driver *d)
{
    for (size_t i = 0; i < d->outputs.count; i++) {
        const irx_output *o = &d->outputs.list[i];
        size_t used = strlen(d->trace);
        switch (o->kind) {
        case IRX_OUT_OP: d->op = o->op; break;
        case IRX_OUT_WATCH:
            d->watched = o->watch.process;
            d->watch_every_ns = o->watch.every_ns;
            break;
        case IRX_OUT_UNWATCH: d->watched = (irx_id){0}; break;
        case IRX_OUT_SEND:
            d->sent = o->message;
            d->sends++;
            break;
        case IRX_OUT_SNAPSHOT: d->snapshot = o->snapshot; break;
        case IRX_OUT_EVENT: note_event(d, o); break;
        case IRX_OUT_TRACE:
            snprintf(d->trace + used, sizeof d->trace - used, "%s\n", o->trace);
            break;
        default: break;
        }
    }
}

void driver_input(driver *d, irx_input input)
{
    input.now_ns = d->now_ns;
    input.wall_ns = d->wall_ns;
    input.pulse_ns = d->pulse_ns;
    input.work = d->work;
    input.members = d->members;
    input.member_count = d->member_count;
    irx_engine_step(d->engine, &input, &d->outputs);
    look(d);
}

void driver_do(driver *d, irx_input_kind kind)
{
    driver_input(d, (irx_input){.kind = kind});
}

void driver_channel_up(driver *d, irx_channel channel, uint64_t generation, irx_id id)
{
    irx_input input = {.kind = IRX_IN_MEDIUM_UP};
    input.up.channel = channel;
    input.up.generation = generation;
    input.up.id = id;
    if (channel == IRX_CHANNEL_COMMAND)
        d->generation = generation;
    driver_input(d, input);
}

void driver_channel_down(driver *d, irx_channel channel, uint64_t generation)
{
    irx_input input = {.kind = IRX_IN_MEDIUM_DOWN};
    input.down.channel = channel;
    input.down.generation = generation;
    input.down.attempt = 1;
    input.down.draw = 7;
    input.down.error_code = IRX_EUNREACHABLE;
    if (channel == IRX_CHANNEL_COMMAND)
        d->op.id = 0;
    driver_input(d, input);
}

void driver_up(driver *d)
{
    driver_channel_up(d, IRX_CHANNEL_PRESENCE, 1, id_of(100));
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 1, d->epoch);
}

void driver_gone(driver *d, irx_id process)
{
    irx_input input = {.kind = IRX_IN_GONE};
    input.gone.process = process;
    driver_input(d, input);
}

void driver_message(driver *d, irx_message message)
{
    driver_input(d, (irx_input){.kind = IRX_IN_MESSAGE, .message = message});
}

/* Moves both clocks on to the engine's deadline or to `until_ns`, whichever comes first. */
static void move(driver *d, int64_t until_ns)
{
    int64_t next_ns = irx_engine_deadline(d->engine);
    next_ns = next_ns < until_ns ? next_ns : until_ns;
    if (next_ns > d->now_ns) {
        d->wall_ns += next_ns - d->now_ns;
        d->now_ns = next_ns;
    }
    driver_do(d, IRX_IN_TIMEOUT);
}

void driver_advance(driver *d, int64_t ms)
{
    int64_t until_ns = d->now_ns + ms * MS;
    do
        move(d, until_ns);
    while (d->now_ns < until_ns);
}

void driver_wait(driver *d, int64_t ms, const irx_record *record)
{
    int64_t until_ns = d->now_ns + ms * MS;
    for (;;) {
        while (driver_asks(d, IRX_OP_READ))
            driver_answer(d, record ? IRX_RESULT_OK : IRX_RESULT_ABSENT, record);
        if (d->op.id != 0 || d->now_ns >= until_ns)
            return;
        move(d, until_ns);
    }
}

void driver_answer(driver *d, irx_status_kind status, const irx_record *record)
{
    irx_input input = {.kind = IRX_IN_RESULT};
    if (d->op.id == 0) {
        fprintf(stderr, "driver: nothing to answer; trace:\n%s", d->trace);
        abort();
    }
    input.result.id = d->op.id;
    input.result.generation = d->generation;
    input.result.status = status;
    input.result.epoch = d->epoch;
    input.result.join = d->op.join != 0 ? d->op.join : 50;
    if (record != NULL) {
        input.result.has_record = true;
        input.result.record = *record;
        current = *record;
    }
    if (d->op.kind == IRX_OP_JOIN && status != IRX_RESULT_EPOCH) {
        size_t i = 0;
        while (i < d->member_count && !irx_id_equal(d->members[i].session, d->op.session))
            i++;
        if (i == d->member_count)
            driver_add_member(d, d->op.session, input.result.join);
        d->members[i].process = d->op.process;
    }
    d->op.id = 0;
    driver_input(d, input);
}

void driver_fail(driver *d, irx_status_kind status, int code)
{
    irx_input input = {.kind = IRX_IN_RESULT};
    input.result.id = d->op.id;
    input.result.generation = d->generation;
    input.result.status = status;
    input.result.error_code = code;
    d->op.id = 0;
    driver_input(d, input);
}

void driver_ok(driver *d)
{
    irx_record record = current;
    switch (d->op.kind) {
    case IRX_OP_CREATE:
        record = never_held();
        record.incarnation = d->op.incarnation;
        record.epoch = d->epoch;
        break;
    case IRX_OP_CLAIM:
    case IRX_OP_CLAIM_IF_GONE:
        record = held(d->op.session, d->op.term, d->op.beat);
        record.incarnation = d->op.incarnation;
        record.process = d->op.process;
        record.presence_seen = !irx_id_none(d->op.process);
        record.takeover = d->op.takeover;
        record.hold_ns = d->op.hold_ns;
        record.epoch = d->epoch;
        record.protocol = d->op.protocol;
        record.list = d->op.protocol == IRX_PROTOCOL_QUORUM ? 1 : 0;
        record.voter_count = (uint32_t)record.list;
        record.voters[0] = d->op.session;
        break;
    case IRX_OP_RENEW:
        if (d->op.list_changed) {
            record.list = d->op.list;
            record.voter_count = d->op.voter_count;
            memcpy(record.voters, d->op.voters, sizeof record.voters);
        }
        record.beat = d->op.beat;
        record.process = d->op.process;
        record.presence_seen = !irx_id_none(d->op.process);
        break;
    case IRX_OP_RELEASE:
        record.session = (irx_id){0};
        record.process = (irx_id){0};
        record.successor = d->op.successor;
        break;
    default: break;
    }
    driver_answer(d, IRX_RESULT_OK, &record);
}

irx_record held(irx_id session, uint64_t term, uint64_t beat)
{
    return (irx_record){
        .format = IRX_FORMAT,
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = IRX_TAKEOVER_FAST,
        .presence_seen = true,
        .incarnation = id_of(9),
        .term = term,
        .session = session,
        .process = id_of(200),
        .beat = beat,
        .hold_ns = 1507500000,
        .epoch = id_of(1),
        .label = "other:1",
    };
}

irx_record vacant(uint64_t term)
{
    irx_record record = held((irx_id){0}, term, 3);
    record.process = (irx_id){0};
    record.presence_seen = false;
    return record;
}

irx_record never_held(void)
{
    irx_record record = vacant(0);
    record.beat = 0;
    record.hold_ns = 0;
    return record;
}

void driver_join(driver *d, const irx_record *record)
{
    driver_do(d, IRX_IN_START);
    driver_up(d);
    if (!driver_asks(d, IRX_OP_JOIN))
        abort();
    driver_answer(d, record ? IRX_RESULT_OK : IRX_RESULT_ABSENT, record);
    if (record != NULL)
        return;
    /* A JOIN is OK also where there is no record: the number tells. */
}

void driver_lead(driver *d)
{
    irx_record record = vacant(7);
    driver_join(d, &record);
    if (!driver_asks(d, IRX_OP_CLAIM))
        abort();
    driver_ok(d);
    if (driver_asks(d, IRX_OP_STRIKE))
        driver_ok(d);
}

bool driver_asks(const driver *d, irx_op_kind kind)
{
    return d->op.id != 0 && d->op.kind == kind;
}

bool driver_leads(const driver *d)
{
    return d->now_ns < d->snapshot.leader_until_ns;
}

const char *driver_events(driver *d)
{
    static char text[sizeof d->events];
    memcpy(text, d->events, sizeof text);
    d->events[0] = '\0';
    return text;
}

bool driver_traced(const driver *d, const char *text)
{
    return strstr(d->trace, text) != NULL;
}

void driver_add_member(driver *d, irx_id session, uint64_t join)
{
    d->members[d->member_count++] =
        (irx_member){.session = session, .join = join, .candidate = true, .process = id_of(join)};
}
