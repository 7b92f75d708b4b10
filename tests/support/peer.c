/* See peer.h. It records what the medium tells and answers nothing. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "runtime/clock.h"
#include "runtime/error.h"

/* What the loop was fed runs before it waits: who waits for what is told here must not wait on. */
static void told(const peer *p)
{
    ev_break(p->loop, EVBREAK_ONE);
}

static void on_up(void *owner, irx_channel channel, uint64_t generation, irx_id id)
{
    peer *p = owner;
    told(p);
    assert_false(p->in_call);
    assert_true(p->wanted[channel]);
    assert_false(p->up[channel]);
    assert_int_equal(generation, p->generation[channel]);
    assert_false(irx_id_none(id));
    p->up[channel] = true;
    p->ups[channel]++;
    p->id[channel] = id;
}

static void on_down(void *owner, irx_channel channel, uint64_t generation, const irx_error *why)
{
    peer *p = owner;
    told(p);
    assert_false(p->in_call);
    assert_true(p->wanted[channel]);
    assert_int_equal(generation, p->generation[channel]);
    assert_int_not_equal(why->code, 0);
    assert_int_not_equal(why->text[0], 0);
    p->wanted[channel] = p->up[channel] = false;
    p->downs[channel]++;
    p->why = *why;
}

static void on_result(void *owner, irx_seat *seat, const irx_result *result, const irx_error *why)
{
    peer *p = owner;
    told(p);
    peer_seat *s = seat->owner;
    assert_false(p->in_call);
    assert_true(p->up[IRX_CHANNEL_COMMAND]);
    assert_true(s->attached);
    assert_true(s->results < s->submitted);
    assert_int_equal(result->generation, p->generation[IRX_CHANNEL_COMMAND]);
    bool failed = result->status == IRX_RESULT_FAILED || result->status == IRX_RESULT_UNKNOWN;
    assert_int_equal(failed, result->error_code != 0);
    s->log[++s->results % PEER_LOG_MAX] = *result;
    s->why = (irx_error){0};
    if (why)
        s->why = *why;
}

static void on_hint(void *owner, irx_seat *seat)
{
    told(owner);
    peer_seat *s = seat->owner;
    assert_false(((peer *)owner)->in_call);
    assert_true(s->attached);
    s->hints++;
}

static void on_gone(void *owner, irx_seat *seat, irx_id process)
{
    told(owner);
    peer_seat *s = seat->owner;
    assert_false(((peer *)owner)->in_call);
    assert_true(s->attached);
    s->gones++;
    s->gone = process;
}

static void note_message(peer_seat *s, bool to_all, const void *bytes, size_t length)
{
    peer_message *one = &s->inbox[++s->messages % PEER_LOG_MAX];
    free(one->bytes);
    *one = (peer_message){.to_all = to_all, .length = length, .bytes = malloc(length + 1)};
    assert_non_null(one->bytes);
    memcpy(one->bytes, bytes, length);
    irx_message_decode(one->bytes, length, &one->read);
}

static void on_message(void *owner, irx_seat *seat, const void *bytes, size_t length)
{
    peer *p = owner;
    told(p);
    assert_false(p->in_call);
    assert_true(p->up[IRX_CHANNEL_COMMAND] || p->up[IRX_CHANNEL_PRESENCE]);
    if (seat) {
        assert_true(((peer_seat *)seat->owner)->attached);
        note_message(seat->owner, true, bytes, length);
        return;
    }
    irx_id to = irx_message_to(bytes, length);
    peer_seat *s = p->seats;
    while (s && !irx_id_equal(s->session, to))
        s = s->next;
    if (s)
        note_message(s, false, bytes, length);
    else
        p->strays++;
}

static void on_sent(void *owner, irx_seat *seat, uint64_t ticket, int code)
{
    peer *p = owner;
    told(p);
    peer_seat *s = seat->owner;
    assert_false(p->in_call);
    assert_true(p->up[IRX_CHANNEL_COMMAND]);
    assert_true(s->attached);
    assert_int_not_equal(ticket, 0);
    s->sent[++s->sents % PEER_LOG_MAX] = (peer_sent){ticket, code};
}

static void on_warning(void *owner, const irx_error *what)
{
    peer *p = owner;
    told(p);
    p->warnings++;
    p->warning = *what;
}

/* ---- the medium ------------------------------------------------------------------------------ */

peer *peer_new(const irx_medium_class *class, struct ev_loop *loop, const char *url,
               const char *namespace_name)
{
    peer *p = calloc(1, sizeof *p);
    irx_error error;
    assert_non_null(p);
    p->class = class;
    p->loop = loop;
    if (irx__url_parse(url, &p->url, &error) != 0)
        fail_msg("%s", error.text);
    snprintf(p->namespace_name, sizeof p->namespace_name, "%s", namespace_name);
    const irx_medium_config config = {
        .url = &p->url,
        .namespace_name = p->namespace_name,
        .heartbeat_ns = 300 * INT64_C(1000000),
        .max_members = PEER_MEMBERS_MAX,
        .create_table = true,
        .loop = loop,
        .sink = {.owner = p,
                 .up = on_up,
                 .down = on_down,
                 .result = on_result,
                 .hint = on_hint,
                 .gone = on_gone,
                 .message = on_message,
                 .sent = on_sent,
                 .warning = on_warning},
    };
    if (class->open(&config, &p->medium, &error) != 0)
        fail_msg("%s", error.text);
    return p;
}

void peer_connect(peer *p, irx_channel channel)
{
    p->wanted[channel] = true;
    p->generation[channel] += 1 + (uint64_t)channel;
    p->in_call = true;
    p->class->connect(p->medium, channel, p->generation[channel]);
    p->in_call = false;
}

bool peer_up(peer *p, irx_channel channel)
{
    unsigned told = p->ups[channel] + p->downs[channel];
    peer_connect(p, channel);
    for (int i = 0; i < PEER_WAIT_MS && p->ups[channel] + p->downs[channel] == told; i++)
        peer_run_ms(p->loop, 1);
    assert_int_equal(p->ups[channel] + p->downs[channel], told + 1);
    return p->up[channel];
}

peer *peer_open(const irx_medium_class *class, struct ev_loop *loop, const char *url,
                const char *namespace_name)
{
    peer *p = peer_new(class, loop, url, namespace_name);
    if (!peer_up(p, IRX_CHANNEL_PRESENCE) || !peer_up(p, IRX_CHANNEL_COMMAND))
        fail_msg("%s", p->why.text);
    return p;
}

void peer_disconnect(peer *p, irx_channel channel)
{
    p->wanted[channel] = p->up[channel] = false;
    p->in_call = true;
    p->class->disconnect(p->medium, channel);
    p->in_call = false;
}

void peer_close(peer *p)
{
    p->in_call = true;
    p->class->close(p->medium);
    free(p);
}

/* ---- seats ----------------------------------------------------------------------------------- */

peer_seat *peer_sit(peer *p, const char *name, const char *label)
{
    peer_seat *s = calloc(1, sizeof *s);
    irx_error error;
    assert_non_null(s);
    s->peer = p;
    s->session = irx__random_id();
    s->seat.owner = s;
    snprintf(s->seat.name, sizeof s->seat.name, "%s", name);
    snprintf(s->seat.label, sizeof s->seat.label, "%s", label);
    s->attached = true;
    p->in_call = true;
    if (p->class->attach(p->medium, &s->seat, &error) != 0)
        fail_msg("%s", error.text);
    p->in_call = false;
    s->next = p->seats;
    p->seats = s;
    return s;
}

void peer_leave(peer_seat *s)
{
    peer_seat **link = &s->peer->seats;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    s->attached = false;
    s->peer->in_call = true;
    s->peer->class->detach(s->peer->medium, &s->seat);
    s->peer->in_call = false;
}

void peer_free(peer_seat *s)
{
    if (s->attached)
        peer_leave(s);
    free(s->seat.members);
    free(s->seat.metas);
    free(s->seat.value);
    for (int i = 0; i < PEER_LOG_MAX; i++)
        free(s->inbox[i].bytes);
    free(s);
}

void peer_end(peer_seat *s)
{
    peer *p = s->peer;
    peer_free(s);
    peer_close(p);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void on_limit(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    *(bool *)watcher->data = true;
}

bool peer_wait(struct ev_loop *loop, const unsigned *counter, unsigned least)
{
    bool over = false;
    ev_timer limit;
    ev_timer_init(&limit, on_limit, PEER_WAIT_MS / 1000., 0.);
    limit.data = &over;
    ev_now_update(loop);
    ev_timer_start(loop, &limit);
    while (*counter < least && !over)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &limit);
    return *counter >= least;
}

void peer_run_ms(struct ev_loop *loop, int ms)
{
    bool over = false;
    ev_timer limit;
    ev_timer_init(&limit, on_limit, ms / 1000., 0.);
    limit.data = &over;
    ev_now_update(loop);
    ev_timer_start(loop, &limit);
    while (!over)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &limit);
}

/* ---- operations ------------------------------------------------------------------------------ */

irx_op peer_op(const peer_seat *s, irx_op_kind kind)
{
    return (irx_op){
        .kind = kind,
        .generation = s->peer->generation[IRX_CHANNEL_COMMAND],
        .deadline_ns = irx__clock_boot_ns() + PEER_WAIT_MS / 2 * INT64_C(1000000),
        .epoch = s->peer->id[IRX_CHANNEL_COMMAND],
        .session = s->session,
        .process =
            s->peer->up[IRX_CHANNEL_PRESENCE] ? s->peer->id[IRX_CHANNEL_PRESENCE] : (irx_id){0, 0},
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = IRX_TAKEOVER_FAST,
        .candidate = true,
    };
}

uint64_t peer_submit(peer_seat *s, const irx_op *op)
{
    irx_op copy = *op;
    copy.id = ++s->peer->last_op;
    s->submitted++;
    s->peer->in_call = true;
    s->peer->class->submit(s->peer->medium, &s->seat, &copy);
    s->peer->in_call = false;
    return copy.id;
}

irx_result peer_do(peer_seat *s, const irx_op *op)
{
    uint64_t id = peer_submit(s, op);
    assert_true(peer_wait(s->peer->loop, &s->results, s->submitted));
    irx_result result = s->log[s->results % PEER_LOG_MAX];
    assert_int_equal(result.id, id);
    return result;
}

irx_result peer_say(peer_seat *s, irx_op_kind kind)
{
    irx_op op = peer_op(s, kind);
    return peer_do(s, &op);
}

void peer_watch(peer_seat *s, irx_id process)
{
    s->peer->in_call = true;
    s->peer->class->watch(s->peer->medium, &s->seat, process, 25 * INT64_C(1000000));
    s->peer->in_call = false;
}

void peer_unwatch(peer_seat *s)
{
    s->peer->in_call = true;
    s->peer->class->unwatch(s->peer->medium, &s->seat);
    s->peer->in_call = false;
}

/* ---- messages -------------------------------------------------------------------------------- */

irx_message peer_data(const peer_seat *s, irx_id to, const void *data, size_t length)
{
    return (irx_message){
        .kind = IRX_MESSAGE_DATA,
        .from = s->session,
        .presence = irx_presence_digest(peer_presence(s)),
        .to = to,
        .audience = irx_id_none(to) ? IRX_TO_ALL : IRX_TO_MEMBER,
        .data = data,
        .length = length,
    };
}

void peer_post(peer_seat *s, const irx_message *message, irx_id process, uint64_t ticket)
{
    size_t room = IRX_MESSAGE_HEADER_MAX + message->length;
    unsigned char *bytes = malloc(room);
    assert_non_null(bytes);
    size_t length = irx_message_encode(message, bytes, room);
    assert_int_not_equal(length, 0);
    s->peer->in_call = true;
    s->peer->class->send(s->peer->medium, &s->seat, message->to, process, ticket, bytes, length);
    s->peer->in_call = false;
    free(bytes);
}

void peer_tell(peer_seat *s, const peer_seat *to, const char *text)
{
    irx_message message = peer_data(s, to->session, text, strlen(text));
    peer_post(s, &message, peer_presence(to), 0);
}

void peer_tell_all(peer_seat *s, const char *text)
{
    irx_message message = peer_data(s, (irx_id){0, 0}, text, strlen(text));
    peer_post(s, &message, (irx_id){0, 0}, 0);
}

const peer_message *peer_message_at(peer_seat *s, unsigned n)
{
    if (!peer_wait(s->peer->loop, &s->messages, n))
        fail_msg("%u messages came, not %u", s->messages, n);
    assert_true(s->messages < n + PEER_LOG_MAX);
    return &s->inbox[n % PEER_LOG_MAX];
}

bool peer_heard(peer_seat *s, unsigned n, const peer_seat *from, const char *text)
{
    const irx_message *read = &peer_message_at(s, n)->read;
    return read->kind == IRX_MESSAGE_DATA && irx_id_equal(read->from, from->session) &&
           read->length == strlen(text) && memcmp(read->data, text, read->length) == 0;
}

/* ---- operations built from a record ---------------------------------------------------------- */

irx_id peer_presence(const peer_seat *s)
{
    return s->peer->class->kernel ? s->session : s->peer->id[IRX_CHANNEL_PRESENCE];
}

irx_op peer_claim(const peer_seat *s, irx_op_kind kind, const irx_record *expected)
{
    irx_op op = peer_op(s, kind);
    op.incarnation = expected->incarnation;
    op.term = expected->term + 1;
    op.first_term = expected->term == 0;
    op.takeover = expected->takeover;
    op.beat = expected->beat + 1;
    op.protocol = expected->protocol;
    op.hold_ns = INT64_C(1507500000);
    op.expected.incarnation = expected->incarnation;
    op.expected.term = expected->term;
    op.expected.session = expected->session;
    op.expected.beat = expected->beat;
    return op;
}

irx_op peer_renew(const peer_seat *s, const irx_record *held, uint64_t beat)
{
    irx_op op = peer_op(s, IRX_OP_RENEW);
    op.incarnation = held->incarnation;
    op.term = held->term;
    op.takeover = held->takeover;
    op.beat = beat;
    op.protocol = held->protocol;
    op.hold_ns = held->hold_ns + 1;
    return op;
}

irx_op peer_release(const peer_seat *s, const irx_record *held)
{
    irx_op op = peer_op(s, IRX_OP_RELEASE);
    op.incarnation = held->incarnation;
    op.term = held->term;
    return op;
}

irx_op peer_publish(const peer_seat *s, const irx_record *held, const void *value, size_t length)
{
    irx_op op = peer_op(s, IRX_OP_PUBLISH);
    op.incarnation = held->incarnation;
    op.term = held->term;
    op.protocol = held->protocol;
    op.data = value;
    op.length = length;
    return op;
}

static irx_record lead(peer_seat *s, irx_op create)
{
    create.incarnation = irx__random_id();
    irx_record found = peer_do(s, &create).record;
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &found);
    irx_result result = peer_do(s, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_true(irx_id_equal(result.record.session, s->session));
    return result.record;
}

irx_record peer_lead_as(peer_seat *s, irx_takeover takeover)
{
    irx_op create = peer_op(s, IRX_OP_CREATE);
    create.takeover = takeover;
    return lead(s, create);
}

irx_record peer_lead_quorum(peer_seat *s)
{
    irx_op create = peer_op(s, IRX_OP_CREATE);
    create.protocol = IRX_PROTOCOL_QUORUM;
    return lead(s, create);
}

irx_record peer_lead(peer_seat *s)
{
    return peer_lead_as(s, IRX_TAKEOVER_FAST);
}

irx_record peer_read(peer_seat *s)
{
    irx_result result = peer_say(s, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_true(result.has_record);
    return result.record;
}
