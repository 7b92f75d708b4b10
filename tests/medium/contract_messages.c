/* Messages: to one session or to everybody at an election, whole, in the order of the sender's
 * calls, at most once, and to nobody else. */
#include "contract.h"
#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUIET_MS = 100 };

/* A sender, one in a process of its own, and one in the sender's; all have joined. */
typedef struct scene {
    peer_seat *sender;
    peer_seat *far;
    peer_seat *near;
} scene;

static scene set(contract *c)
{
    scene s;
    s.sender = contract_joined(c, "billing", "sender");
    s.far = contract_joined(c, "billing", "far");
    s.near = peer_sit(s.sender->peer, "billing", "near");
    contract_join(s.near);
    peer_say(s.sender, IRX_OP_READ);
    return s;
}

static void strike_the_set(scene *s)
{
    peer_free(s->near);
    peer_end(s->far);
    peer_end(s->sender);
}

/* What became of the sends so far, in their order. */
static const peer_sent *sent(peer_seat *s, unsigned n)
{
    assert_true(peer_wait(s->peer->loop, &s->sents, n));
    return &s->sent[n % PEER_LOG_MAX];
}

static void send_text(peer_seat *s, irx_id to, irx_id process, uint64_t ticket, const char *text)
{
    irx_message message = peer_data(s, to, text, strlen(text));
    peer_post(s, &message, process, ticket);
}

static const irx_id EVERYBODY = {0, 0};

/* ---- who is told ----------------------------------------------------------------------------- */

/* Byte for byte, and as one that came to its process. */
static void message_reaches_one_session(contract *c)
{
    scene s = set(c);
    peer_seat *other = contract_joined(c, "billing", "other");
    peer_tell(s.sender, s.far, "to you");
    assert_true(peer_heard(s.far, 1, s.sender, "to you"));
    const peer_message *one = peer_message_at(s.far, 1);
    assert_false(one->to_all);
    assert_id_equal(one->read.to, s.far->session);
    assert_int_equal(one->read.audience, IRX_TO_MEMBER);
    assert_int_equal(one->read.presence, irx_presence_digest(peer_presence(s.sender)));
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.far->messages, 1);
    assert_int_equal(s.sender->messages + s.near->messages + other->messages, 0);
    assert_int_equal(s.far->peer->strays + s.sender->peer->strays + other->peer->strays, 0);
    peer_end(other);
    strike_the_set(&s);
}

static void message_reaches_a_session_of_the_own_process(contract *c)
{
    scene s = set(c);
    peer_tell(s.sender, s.near, "beside me");
    assert_true(peer_heard(s.near, 1, s.sender, "beside me"));
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.near->messages, 1);
    assert_int_equal(s.sender->messages + s.far->messages, 0);
    strike_the_set(&s);
}

/* Every seat once, the sender's too: who looks away is for the runtime to decide. */
static void broadcast_reaches_every_seat(contract *c)
{
    scene s = set(c);
    peer_seat *all[] = {s.sender, s.far, s.near};
    peer_tell_all(s.sender, "to you all");
    for (size_t i = 0; i < 3; i++) {
        assert_true(peer_heard(all[i], 1, s.sender, "to you all"));
        assert_true(peer_message_at(all[i], 1)->to_all);
    }
    peer_run_ms(c->loop, QUIET_MS);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(all[i]->messages, 1);
    strike_the_set(&s);
}

static void broadcast_stays_in_its_election(contract *c)
{
    scene s = set(c);
    peer_seat *elsewhere = peer_sit(s.far->peer, "reports", "elsewhere");
    peer_seat *near = peer_sit(s.sender->peer, "reports", "near");
    peer *abroad = peer_open(c->kind->class, c->loop, c->kind->url(c->store), "abroad");
    peer_seat *foreign = peer_sit(abroad, "billing", "foreign");
    contract_join(elsewhere);
    contract_join(near);
    contract_join(foreign);
    peer_tell_all(s.sender, "here");
    assert_true(peer_heard(s.far, 1, s.sender, "here"));
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(elsewhere->messages + near->messages + foreign->messages, 0);
    peer_say(foreign, IRX_OP_LEAVE);
    peer_end(foreign);
    peer_free(near);
    peer_free(elsewhere);
    strike_the_set(&s);
}

/* ---- what became of it ----------------------------------------------------------------------- */

static void sender_is_told_what_became_of_it(contract *c)
{
    scene s = set(c);
    send_text(s.sender, s.far->session, peer_presence(s.far), 71, "far");
    send_text(s.sender, s.near->session, peer_presence(s.near), 72, "near");
    send_text(s.sender, EVERYBODY, EVERYBODY, 73, "all");
    bool told[3] = {false};
    for (unsigned n = 1; n <= 3; n++) {
        const peer_sent *one = sent(s.sender, n);
        assert_int_equal(one->code, 0);
        assert_in_range(one->ticket, 71, 73);
        assert_false(told[one->ticket - 71]);
        told[one->ticket - 71] = true;
    }
    assert_true(peer_heard(s.far, 2, s.sender, "all"));
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.sender->sents, 3);
    assert_int_equal(s.far->sents + s.near->sents, 0);
    strike_the_set(&s);
}

static void message_to_nobody_is_told(contract *c)
{
    scene s = set(c);
    irx_id nobody = irx__random_id();
    send_text(s.sender, nobody, nobody, 5, "is anybody there");
    assert_int_equal(sent(s.sender, 1)->ticket, 5);
    assert_int_equal(sent(s.sender, 1)->code, IRX_ENOMEMBER);
    /* A member whose row names no presence. */
    send_text(s.sender, s.far->session, EVERYBODY, 6, "nor there");
    assert_int_equal(sent(s.sender, 2)->ticket, 6);
    assert_int_equal(sent(s.sender, 2)->code, IRX_ENOMEMBER);
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.far->messages + s.near->messages + s.sender->messages, 0);
    strike_the_set(&s);
}

static void message_to_who_is_gone_is_told(contract *c)
{
    scene s = set(c);
    peer_seat *dead = contract_joined(c, "billing", "dead");
    irx_id session = dead->session, process = peer_presence(dead);
    peer_tell(s.sender, dead, "while you live");
    assert_true(peer_heard(dead, 1, s.sender, "while you live"));
    peer_end(dead);
    peer_watch(s.sender, process);
    assert_true(peer_wait(c->loop, &s.sender->gones, 1));
    send_text(s.sender, session, process, 9, "too late");
    assert_int_equal(sent(s.sender, 1)->code, IRX_ENOMEMBER);
    /* Those who live hear what is said to all. */
    send_text(s.sender, EVERYBODY, EVERYBODY, 10, "who is left");
    assert_int_equal(sent(s.sender, 2)->code, 0);
    assert_true(peer_heard(s.far, 1, s.sender, "who is left"));
    strike_the_set(&s);
}

/* ---- whole and in order ---------------------------------------------------------------------- */

static void check_bytes(const peer_message *one, const unsigned char *data, size_t length)
{
    assert_int_equal(one->read.kind, IRX_MESSAGE_DATA);
    assert_int_equal(one->read.length, length);
    if (length > 0)
        assert_memory_equal(one->read.data, data, length);
}

static void largest_and_smallest_arrive_whole(contract *c)
{
    scene s = set(c);
    const size_t most = c->kind->class->message_max ? c->kind->class->message_max : IRX_MESSAGE_MAX;
    unsigned char *data = malloc(most);
    assert_non_null(data);
    for (size_t i = 0; i < most; i++)
        data[i] = (unsigned char)(i * 31 + i / 256);
    const size_t lengths[] = {most, 0, 1};
    for (unsigned i = 0; i < 3; i++) {
        irx_message direct = peer_data(s.sender, s.far->session, data, lengths[i]);
        irx_message all = peer_data(s.sender, EVERYBODY, data, lengths[i]);
        peer_post(s.sender, &direct, peer_presence(s.far), 0);
        peer_post(s.sender, &all, EVERYBODY, 0);
        check_bytes(peer_message_at(s.far, 2 * i + 1), data, lengths[i]);
        check_bytes(peer_message_at(s.far, 2 * i + 2), data, lengths[i]);
        check_bytes(peer_message_at(s.near, i + 1), data, lengths[i]);
    }
    free(data);
    strike_the_set(&s);
}

/* Whether said to one or to all. */
static void messages_of_a_sender_keep_their_order(contract *c)
{
    enum { COUNT = 60 };
    scene s = set(c);
    char text[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (i % 3 == 1)
            peer_tell_all(s.sender, text);
        else
            peer_tell(s.sender, s.far, text);
    }
    peer_message_at(s.far, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_true(peer_heard(s.far, (unsigned)i + 1, s.sender, text));
    }
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.far->messages, COUNT);
    strike_the_set(&s);
}

/* Far more than a socket holds: within its bounds a queue loses nothing to a receiver that lives.
 */
static void burst_arrives_complete(contract *c)
{
    enum { COUNT = 400, SIZE = 4096 };
    scene s = set(c);
    static unsigned char data[SIZE];
    for (unsigned i = 1; i <= COUNT; i++) {
        memset(data, (int)(i % 251), sizeof data);
        irx_message message = peer_data(s.sender, s.far->session, data, sizeof data);
        peer_post(s.sender, &message, peer_presence(s.far), i);
    }
    peer_message_at(s.far, COUNT);
    for (unsigned i = COUNT - PEER_LOG_MAX + 1; i <= COUNT; i++) {
        memset(data, (int)(i % 251), sizeof data);
        check_bytes(peer_message_at(s.far, i), data, sizeof data);
    }
    sent(s.sender, COUNT);
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.far->messages, COUNT);
    assert_int_equal(s.sender->sents, COUNT);
    strike_the_set(&s);
}

static void two_senders_are_told_apart(contract *c)
{
    scene s = set(c);
    peer_tell(s.far, s.sender, "from far");
    peer_tell(s.near, s.sender, "from near");
    peer_message_at(s.sender, 2);
    assert_int_equal(
        peer_heard(s.sender, 1, s.far, "from far") + peer_heard(s.sender, 2, s.far, "from far"), 1);
    assert_int_equal(peer_heard(s.sender, 1, s.near, "from near") +
                         peer_heard(s.sender, 2, s.near, "from near"),
                     1);
    strike_the_set(&s);
}

/* Who hears of it finds done what was asked before it was said, and not what was asked after. */
static void message_keeps_its_place_among_operations(contract *c)
{
    scene s = set(c);
    irx_record held = peer_lead(s.sender);
    for (uint64_t round = 1; round <= 5; round++) {
        irx_op renew = peer_renew(s.sender, &held, held.beat + round);
        peer_submit(s.sender, &renew);
        peer_tell(s.sender, s.far, "renewed");
        peer_message_at(s.far, (unsigned)round);
        assert_int_equal(peer_read(s.far).beat, held.beat + round);
    }
    assert_true(peer_wait(c->loop, &s.sender->results, s.sender->submitted));
    strike_the_set(&s);
}

/* ---- who is not told ------------------------------------------------------------------------- */

/* The words on their way to a seat are lost with it; peer.c ends the test otherwise. */
static void detached_seat_is_told_nothing(contract *c)
{
    scene s = set(c);
    peer_seat *leaver = peer_sit(s.far->peer, "billing", "leaver");
    contract_join(leaver);
    send_text(s.sender, EVERYBODY, EVERYBODY, 3, "to all");
    sent(s.sender, 1);
    unsigned heard = leaver->messages;
    send_text(leaver, EVERYBODY, EVERYBODY, 4, "from one who leaves");
    peer_leave(leaver);
    assert_true(peer_heard(s.far, 1, s.sender, "to all"));
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(leaver->messages, heard);
    assert_int_equal(leaver->sents, 0);
    peer_free(leaver);
    strike_the_set(&s);
}

static void closed_connections_tell_nothing(contract *c)
{
    scene s = set(c);
    send_text(s.sender, EVERYBODY, EVERYBODY, 3, "to all");
    send_text(s.sender, s.far->session, peer_presence(s.far), 4, "to you");
    sent(s.sender, 2);
    unsigned heard = s.far->messages;
    peer_disconnect(s.far->peer, IRX_CHANNEL_COMMAND);
    peer_disconnect(s.far->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_heard(s.near, 1, s.sender, "to all"));
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(s.far->messages, heard);
    /* And they come again to who is there again. */
    assert_true(peer_up(s.far->peer, IRX_CHANNEL_PRESENCE));
    assert_true(peer_up(s.far->peer, IRX_CHANNEL_COMMAND));
    contract_join(s.far);
    peer_tell(s.sender, s.far, "again");
    peer_tell_all(s.sender, "all again");
    assert_true(peer_heard(s.far, heard + 1, s.sender, "again"));
    assert_true(peer_heard(s.far, heard + 2, s.sender, "all again"));
    assert_int_equal(s.far->peer->strays, 0);
    strike_the_set(&s);
}

static const contract_case CASES[] = {
    CASE(message_reaches_one_session, EVERYWHERE),
    CASE(message_reaches_a_session_of_the_own_process, EVERYWHERE),
    CASE(broadcast_reaches_every_seat, EVERYWHERE),
    CASE(broadcast_stays_in_its_election, EVERYWHERE),
    CASE(sender_is_told_what_became_of_it, EVERYWHERE),
    CASE(message_to_nobody_is_told, EVERYWHERE),
    CASE(message_to_who_is_gone_is_told, EVERYWHERE),
    CASE(largest_and_smallest_arrive_whole, EVERYWHERE),
    CASE(messages_of_a_sender_keep_their_order, EVERYWHERE),
    CASE(burst_arrives_complete, EVERYWHERE),
    CASE(two_senders_are_told_apart, EVERYWHERE),
    CASE(message_keeps_its_place_among_operations, EVERYWHERE),
    CASE(detached_seat_is_told_nothing, EVERYWHERE),
    CASE(closed_connections_tell_nothing, EVERYWHERE),
};
const contract_topic CONTRACT_MESSAGES = TOPIC(CASES);
