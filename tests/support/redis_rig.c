/* See redis_rig.h. It records what the medium tells and answers nothing. */
#include "redis_rig.h"

#include "runtime/clock.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what)
{
    fprintf(stderr, "redis rig: %s\n", what);
    abort();
}

static void on_up(void *owner, irx_channel channel, uint64_t generation, irx_id id)
{
    rig *r = owner;
    if (generation > r->generation)
        give_up("up of a generation that nobody asked for");
    r->up[channel] = true;
    r->ups[channel]++;
    r->id[channel] = id;
}

static void on_down(void *owner, irx_channel channel, uint64_t generation, const irx_error *why)
{
    rig *r = owner;
    if (generation > r->generation)
        give_up("down of a generation that nobody asked for");
    r->up[channel] = false;
    r->downs[channel]++;
    r->why[channel] = *why;
}

static void on_result(void *owner, irx_seat *of, const irx_result *result, const irx_error *why)
{
    rig *r = owner;
    rig_seat *seat = of->owner;
    seat->results++;
    seat->result = *result;
    memset(&seat->why, 0, sizeof seat->why);
    if (why != NULL)
        seat->why = *why;
    if (r->on_result != NULL)
        r->on_result(r);
}

static void on_hint(void *owner, irx_seat *of)
{
    (void)owner;
    ((rig_seat *)of->owner)->hints++;
}

static void on_gone(void *owner, irx_seat *of, irx_id process)
{
    rig_seat *seat = of->owner;
    (void)owner;
    seat->gones++;
    seat->gone = process;
}

static void on_message(void *owner, irx_seat *of, const void *bytes, size_t length)
{
    rig *r = owner;
    rig_seat *seat = of != NULL ? of->owner : NULL;
    rig_said *said = of != NULL ? &seat->heard[++seat->messages % RIG_LOG_MAX]
                                : &r->heard[++r->messages % RIG_LOG_MAX];
    if (length == 0)
        give_up("a message that says nothing");
    memset(said, 0, sizeof *said);
    said->length = length;
    memcpy(said->bytes, bytes, length < sizeof said->bytes ? length : sizeof said->bytes - 1);
    if (r->on_message != NULL)
        r->on_message(r);
}

static void on_sent(void *owner, irx_seat *of, uint64_t ticket, int code)
{
    rig *r = owner;
    rig_seat *seat = of->owner;
    if (r->in_call)
        give_up("sent was told from within the call");
    if (ticket == 0)
        give_up("nobody asked what became of it");
    seat->sent[++seat->sents % RIG_LOG_MAX] = (rig_sent){ticket, code};
}

static void on_warning(void *owner, const irx_error *what)
{
    rig *r = owner;
    r->warnings++;
    r->warning = *what;
}

rig *rig_open(const char *url, const char *namespace_name)
{
    rig *r = calloc(1, sizeof *r);
    irx_error error;
    if (r == NULL)
        give_up("out of memory");
    if (irx__url_parse(url, &r->url, &error) != 0)
        give_up(error.text);
    snprintf(r->namespace_name, sizeof r->namespace_name, "%s", namespace_name);
    r->loop = ev_loop_new(EVFLAG_NOENV);
    const irx_medium_config config = {
        .url = &r->url,
        .namespace_name = r->namespace_name,
        .heartbeat_ns = 300 * (int64_t)RIG_MS,
        .max_members = 8,
        .loop = r->loop,
        .sink = {.owner = r,
                 .up = on_up,
                 .down = on_down,
                 .result = on_result,
                 .hint = on_hint,
                 .gone = on_gone,
                 .message = on_message,
                 .sent = on_sent,
                 .warning = on_warning},
    };
    if (irx__medium_redis.open(&config, &r->medium, &error) != 0)
        give_up(error.text);
    return r;
}

void rig_close(rig *r)
{
    if (r->medium != NULL)
        irx__medium_redis.close(r->medium);
    ev_loop_destroy(r->loop);
    free(r);
}

rig_seat *rig_attach(rig *r, const char *name, const char *label)
{
    rig_seat *seat = calloc(1, sizeof *seat);
    irx_error error;
    if (seat == NULL)
        give_up("out of memory");
    snprintf(seat->seat.name, sizeof seat->seat.name, "%s", name);
    snprintf(seat->seat.label, sizeof seat->seat.label, "%s", label);
    seat->seat.owner = seat;
    if (irx__medium_redis.attach(r->medium, &seat->seat, &error) != 0)
        give_up(error.text);
    return seat;
}

void rig_detach(rig *r, rig_seat *seat)
{
    irx__medium_redis.detach(r->medium, &seat->seat);
    free(seat->seat.members);
    free(seat->seat.metas);
    free(seat->seat.value);
    free(seat);
}

static void on_limit(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    ((rig *)watcher->data)->timed_out = true;
    ev_break(loop, EVBREAK_ONE);
}

/* What is due already comes by itself: ev_run would see to it too, and then wait for more. */
static void run_once(rig *r)
{
    if (ev_pending_count(r->loop) > 0)
        ev_invoke_pending(r->loop);
    else
        ev_run(r->loop, EVRUN_ONCE);
}

static void start_limit(rig *r, ev_timer *limit, int ms)
{
    ev_timer_init(limit, on_limit, ms / 1000.0, 0.0);
    limit->data = r;
    r->timed_out = false;
    ev_now_update(r->loop);
    ev_timer_start(r->loop, limit);
}

bool rig_wait(rig *r, const unsigned *counter, unsigned least)
{
    ev_timer limit;
    start_limit(r, &limit, RIG_WAIT_MS);
    while (*counter < least && !r->timed_out)
        run_once(r);
    ev_timer_stop(r->loop, &limit);
    return *counter >= least;
}

void rig_run_ms(rig *r, int ms)
{
    ev_timer limit;
    start_limit(r, &limit, ms);
    while (!r->timed_out)
        run_once(r);
}

void rig_connect(rig *r, irx_channel channel)
{
    irx__medium_redis.connect(r->medium, channel, ++r->generation);
}

bool rig_up(rig *r, irx_channel channel)
{
    unsigned told = r->ups[channel] + r->downs[channel];
    ev_timer limit;
    rig_connect(r, channel);
    if (r->ups[channel] + r->downs[channel] != told)
        give_up("connect answered from within the call");
    start_limit(r, &limit, RIG_WAIT_MS);
    while (r->ups[channel] + r->downs[channel] == told && !r->timed_out)
        run_once(r);
    if (r->timed_out)
        give_up("connect was not answered");
    ev_timer_stop(r->loop, &limit);
    return r->up[channel];
}

void rig_up_both(rig *r)
{
    if (!rig_up(r, IRX_CHANNEL_PRESENCE))
        give_up(r->why[IRX_CHANNEL_PRESENCE].text);
    if (!rig_up(r, IRX_CHANNEL_COMMAND))
        give_up(r->why[IRX_CHANNEL_COMMAND].text);
}

void rig_vanish(rig *r, redis_server *server)
{
    char process[33];
    char channel[IRX_NAMESPACE_MAX + 64];
    char nobody[sizeof channel + 2];
    irx_id_print(r->id[IRX_CHANNEL_PRESENCE], process);
    snprintf(channel, sizeof channel, "%s:presence:%s", r->namespace_name, process);
    snprintf(nobody, sizeof nobody, "%s 0", channel);
    irx__medium_redis.disconnect(r->medium, IRX_CHANNEL_PRESENCE);
    for (int waited = 0; strcmp(redis_server_say(server, "PUBSUB NUMSUB %s", channel), nobody) != 0;
         waited++) {
        if (waited > RIG_WAIT_MS)
            give_up("the server keeps a presence that was ended");
        rig_run_ms(r, 1);
    }
}

irx_op rig_op(rig *r, irx_op_kind kind, irx_id session)
{
    return (irx_op){
        .kind = kind,
        .generation = r->generation,
        .deadline_ns = irx__clock_boot_ns() + RIG_WAIT_MS / 2 * (int64_t)RIG_MS,
        .epoch = r->id[IRX_CHANNEL_COMMAND],
        .session = session,
        .process = r->id[IRX_CHANNEL_PRESENCE],
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = IRX_TAKEOVER_FAST,
        .candidate = true,
    };
}

void rig_submit(rig *r, rig_seat *seat, irx_op *op)
{
    op->id = ++r->last_op;
    irx__medium_redis.submit(r->medium, &seat->seat, op);
}

void rig_say_to(rig *r, rig_seat *seat, irx_id process, uint64_t ticket, const void *bytes,
                size_t length)
{
    irx_id to = irx_id_none(process) ? process : rig_id(0xcafe); /* the medium looks at neither */
    r->in_call = true;
    irx__medium_redis.send(r->medium, &seat->seat, to, process, ticket, bytes, length);
    r->in_call = false;
}

void rig_say(rig *r, rig_seat *seat, uint64_t ticket, const char *text)
{
    rig_say_to(r, seat, (irx_id){0, 0}, ticket, text, strlen(text));
}

const irx_result *rig_do(rig *r, rig_seat *seat, const irx_op *op)
{
    irx_op sent = *op;
    unsigned before = seat->results;
    rig_submit(r, seat, &sent);
    if (seat->results != before)
        give_up("a result came from within the call");
    if (!rig_wait(r, &seat->results, before + 1))
        give_up("no result");
    if (seat->result.id != sent.id)
        give_up("the result of another operation");
    return &seat->result;
}

irx_op rig_claim(rig *r, irx_op_kind kind, irx_id session, const irx_record *expected)
{
    irx_op op = rig_op(r, kind, session);
    op.incarnation = expected->incarnation;
    op.term = expected->term + 1;
    op.first_term = expected->term == 0;
    op.beat = expected->beat + 1;
    op.hold_ns = 1507500000;
    op.takeover = expected->takeover;
    op.expected.incarnation = expected->incarnation;
    op.expected.term = expected->term;
    op.expected.session = expected->session;
    op.expected.beat = expected->beat;
    return op;
}

irx_op rig_renew(rig *r, const irx_record *held, uint64_t beat)
{
    irx_op op = rig_op(r, IRX_OP_RENEW, held->session);
    op.incarnation = held->incarnation;
    op.term = held->term;
    op.takeover = held->takeover;
    op.beat = beat;
    op.hold_ns = held->hold_ns;
    return op;
}

const irx_result *rig_take(rig *r, rig_seat *seat, irx_id session, irx_takeover takeover)
{
    irx_op create = rig_op(r, IRX_OP_CREATE, session);
    irx_record found;
    create.incarnation = rig_id(0xabc);
    create.takeover = takeover;
    found = rig_do(r, seat, &create)->record;
    irx_op claim = rig_claim(r, IRX_OP_CLAIM, session, &found);
    return rig_do(r, seat, &claim);
}

irx_id rig_id(uint64_t number)
{
    return (irx_id){number << 32 | 1, number};
}
