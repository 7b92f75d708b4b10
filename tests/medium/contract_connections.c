/* Connections, seats, and the manner of answering. peer.c asserts in every case that nothing is
 * told from within a call, about a closed generation, or twice. */
#include "contract.h"
#include "runtime/error.h"

static void channels_come_up_after_the_call(contract *c)
{
    peer *p = peer_new(c->kind->class, c->loop, c->kind->url(c->store), c->namespace_name);
    for (int channel = 0; channel < 2; channel++) {
        peer_connect(p, (irx_channel)channel);
        assert_int_equal(p->ups[channel], 0);
    }
    assert_true(peer_wait(c->loop, &p->ups[IRX_CHANNEL_COMMAND], 1));
    assert_true(peer_wait(c->loop, &p->ups[IRX_CHANNEL_PRESENCE], 1));
    peer_run_ms(c->loop, 50);
    assert_int_equal(p->ups[IRX_CHANNEL_COMMAND] + p->ups[IRX_CHANNEL_PRESENCE], 2);
    assert_int_equal(p->downs[IRX_CHANNEL_COMMAND] + p->downs[IRX_CHANNEL_PRESENCE], 0);
    peer_close(p);
}

/* Many at once: one result each, in order, with its own number. */
static void pipelined_operations_answer_in_order(contract *c)
{
    enum { COUNT = 40 };
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    unsigned before = s->results;
    uint64_t ids[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        irx_op op = i % 2 ? peer_op(s, IRX_OP_READ) : peer_renew(s, &held, held.beat + 1 + i);
        ids[i] = peer_submit(s, &op);
    }
    assert_int_equal(s->results, before);
    assert_true(peer_wait(c->loop, &s->results, before + COUNT));
    for (unsigned i = 0; i < COUNT; i++) {
        const irx_result *result = &s->log[(before + 1 + i) % PEER_LOG_MAX];
        assert_int_equal(result->id, ids[i]);
        assert_int_equal(result->status, IRX_RESULT_OK);
        assert_int_equal(result->record.beat, held.beat + 1 + (i - i % 2));
    }
    peer_run_ms(c->loop, 50);
    assert_int_equal(s->results, before + COUNT);
    peer_end(s);
}

static void detached_seat_hears_nothing(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    peer_seat *other = peer_sit(s->peer, "billing", "b");
    peer_seat *far = contract_member(c, "billing", "far");
    irx_op op = peer_op(s, IRX_OP_READ);
    peer_run_ms(c->loop, 50);
    unsigned before = s->hints;
    peer_watch(s, irx__random_id());
    peer_submit(s, &op);
    peer_submit(s, &op);
    peer_leave(s);
    peer_lead(far);
    assert_int_equal(peer_say(other, IRX_OP_READ).status, IRX_RESULT_OK);
    peer_run_ms(c->loop, 100);
    assert_int_equal(s->results + s->hints + s->gones, before);
    peer *p = s->peer;
    peer_free(s);
    peer_free(other);
    peer_close(p);
    peer_end(far);
}

static void disconnected_channel_is_silent(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_op op = peer_op(s, IRX_OP_READ);
    peer_submit(s, &op);
    peer_submit(s, &op);
    peer_disconnect(s->peer, IRX_CHANNEL_COMMAND);
    peer_run_ms(c->loop, 100);
    assert_int_equal(s->results, 0);
    assert_int_equal(s->peer->downs[IRX_CHANNEL_COMMAND], 0);
    s->submitted = 0;
    assert_true(peer_up(s->peer, IRX_CHANNEL_COMMAND));
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_run_ms(c->loop, 50);
    assert_int_equal(s->results, 1);
    peer_end(s);
}

/* An attempt that was given up before it came to anything says nothing. */
static void abandoned_attempt_is_silent(contract *c)
{
    peer *p = peer_new(c->kind->class, c->loop, c->kind->url(c->store), c->namespace_name);
    for (int channel = 0; channel < 2; channel++) {
        peer_connect(p, (irx_channel)channel);
        peer_disconnect(p, (irx_channel)channel);
    }
    peer_run_ms(c->loop, 100);
    for (int channel = 0; channel < 2; channel++) {
        assert_int_equal(p->ups[channel] + p->downs[channel], 0);
        assert_true(peer_up(p, (irx_channel)channel));
    }
    peer_close(p);
}

static void every_presence_has_a_new_id(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_id first = s->peer->id[IRX_CHANNEL_PRESENCE], epoch = s->peer->id[IRX_CHANNEL_COMMAND];
    peer_disconnect(s->peer, IRX_CHANNEL_PRESENCE);
    peer_disconnect(s->peer, IRX_CHANNEL_COMMAND);
    assert_true(peer_up(s->peer, IRX_CHANNEL_PRESENCE));
    assert_true(peer_up(s->peer, IRX_CHANNEL_COMMAND));
    assert_false(irx_id_equal(first, s->peer->id[IRX_CHANNEL_PRESENCE]));
    assert_id_equal(epoch, s->peer->id[IRX_CHANNEL_COMMAND]);
    peer_end(s);
}

/* The record outlives everybody's connections. */
static void record_survives_a_reconnect(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    peer_disconnect(s->peer, IRX_CHANNEL_COMMAND);
    assert_true(peer_up(s->peer, IRX_CHANNEL_COMMAND));
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, &held);
    peer_end(s);
}

static void closing_in_the_middle_is_clean(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    peer_seat *other = contract_member(c, "billing", "b");
    irx_op op = peer_op(s, IRX_OP_JOIN);
    for (int i = 0; i < 5; i++)
        peer_submit(s, &op);
    peer_watch(s, peer_presence(other));
    peer_end(s);
    peer *p = peer_new(c->kind->class, c->loop, c->kind->url(c->store), c->namespace_name);
    peer_connect(p, IRX_CHANNEL_COMMAND);
    peer_connect(p, IRX_CHANNEL_PRESENCE);
    peer_close(p);
    peer_close(peer_new(c->kind->class, c->loop, c->kind->url(c->store), c->namespace_name));
    peer_lead(other);
    peer_end(other);
}

/* An election may be attached before and while there is no connection. */
static void attach_while_disconnected(contract *c)
{
    peer *p = peer_new(c->kind->class, c->loop, c->kind->url(c->store), c->namespace_name);
    peer_seat *s = peer_sit(p, "billing", "a");
    assert_true(peer_up(p, IRX_CHANNEL_PRESENCE));
    assert_true(peer_up(p, IRX_CHANNEL_COMMAND));
    peer_lead(s);
    peer_seat *far = contract_member(c, "billing", "far");
    irx_record held = peer_read(s);
    irx_op release = peer_release(s, &held);
    peer_do(s, &release);
    peer_run_ms(c->loop, 50);
    unsigned before = s->hints;
    peer_lead(far);
    assert_true(peer_wait(c->loop, &s->hints, before + 1));
    peer_end(far);
    peer_end(s);
}

static const contract_case CASES[] = {
    CASE(channels_come_up_after_the_call, EVERYWHERE),
    CASE(pipelined_operations_answer_in_order, EVERYWHERE),
    CASE(detached_seat_hears_nothing, EVERYWHERE),
    CASE(disconnected_channel_is_silent, EVERYWHERE),
    CASE(abandoned_attempt_is_silent, EVERYWHERE),
    CASE(every_presence_has_a_new_id, EVERYWHERE),
    CASE(record_survives_a_reconnect, EVERYWHERE),
    CASE(closing_in_the_middle_is_clean, EVERYWHERE),
    CASE(attach_while_disconnected, EVERYWHERE),
};
const contract_topic CONTRACT_CONNECTIONS = TOPIC(CASES);
