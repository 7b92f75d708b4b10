/* What comes in, byte by byte: whatever is foreign, newer, malformed or not the sender's ends here,
 * counted; what is not for this member ends here too; the rest arrives. */
#include "bent.h"
#include "cmocka_all.h"
#include "handles.h"
#include "runtime/inbox.h"

#include <string.h>

static const irx_id stranger = {11, 12};

static irx_election *e;
static irx_id own; /* its session */

static int setup(void **state)
{
    (void)state;
    e = open_election("memory:inbox", "x", NULL);
    irx_election_start(e);
    expect_event(e, IRX_STARTED);
    await_leading(e);
    irx_status status;
    irx_election_status(e, &status);
    own = status.session;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    irx_election_close(e);
    return 0;
}

/* ---- as a medium brings it --------------------------------------------------------------------
 */

static unsigned char bytes[256];
static size_t length;
static bool to_process; /* to this process's inbox, not to everybody at the election */

static void bring(irx_election *to)
{
    irx__inbox_take(to->hub, to_process ? NULL : &to->seat, bytes, length);
}

static irx_message from_stranger(irx_id to)
{
    return (irx_message){
        .kind = IRX_MESSAGE_DATA,
        .from = stranger,
        .presence = 7,
        .to = to,
        .audience = irx_id_none(to) ? IRX_TO_ALL : IRX_TO_MEMBER,
        .data = "hello",
        .length = 5,
    };
}

static void encode(const irx_message *message)
{
    length = irx_message_encode(message, bytes, sizeof bytes);
    assert_true(length > 0);
    to_process = !irx_id_none(message->to);
}

typedef struct counts {
    uint64_t received, dropped;
} counts;

static counts counted(void)
{
    irx_metrics metrics;
    assert_int_equal(irx_election_metrics(e, &metrics), 0);
    return (counts){metrics.messages_received, metrics.messages_dropped};
}

static void expect(uint64_t received, uint64_t dropped)
{
    counts before = counted();
    on_loop(e, bring);
    counts after = counted();
    assert_int_equal(after.received - before.received, received);
    assert_int_equal(after.dropped - before.dropped, dropped);
    if (received == 0)
        assert_true(no_event_waits(e, IRX_MESSAGE));
}

/* The application need not wait for the row of this sender: it was looked for, and has none. */
static void know_stranger(irx_election *to)
{
    to->looked_for = stranger;
}

static void what_is_whole_arrives(void **state)
{
    (void)state;
    irx_message message = from_stranger((irx_id){0, 0});
    message.from_leader = true;
    encode(&message);
    on_loop(e, know_stranger);
    expect(1, 0);
    irx_event *event = await_message(e, "hello");
    assert_true(irx_id_equal(event->from, stranger));
    assert_true(event->from_leader);
    irx_event_free(event);
    message = from_stranger(own);
    encode(&message);
    expect(1, 0);
    irx_event_free(await_message(e, "hello"));
}

static void foreign_bytes_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        to_process = i == 1;
        memcpy(bytes, "PUBLISH", 7);
        length = 7;
        expect(0, 1);
        length = 0;
        expect(0, 1);
    }
}

static void every_cut_of_a_message_is_counted(void **state)
{
    (void)state;
    irx_message message = from_stranger((irx_id){0, 0});
    encode(&message);
    size_t whole = length;
    size_t header = whole - message.length;
    for (length = 0; length < header; length++)
        expect(0, 1);
    bytes[2]++; /* of a later version */
    length = whole;
    expect(0, 1);
}

/* A row under another presence than the message names: an earlier life, or a copy. */
static void a_message_under_a_false_name_is_counted(void **state)
{
    (void)state;
    irx_election *other = open_election("memory:inbox", "x", NULL);
    irx_election_start(other);
    expect_event(other, IRX_STARTED);
    irx_status status;
    irx_election_status(other, &status);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    irx_member_info *members;
    size_t count = 0;
    while (count < 2) {
        assert_true(now_ms() < until_ms);
        assert_int_equal(irx_election_members(e, &members, &count), 0);
        irx_members_free(members);
        sleep_ms(1);
    }
    irx_message message = from_stranger(own);
    message.from = status.session;
    message.presence = 12345;
    encode(&message);
    counts before = counted();
    on_loop(e, bring); /* the table is read first: its row may be an old one */
    for (until_ms = now_ms() + PATIENCE_MS; counted().dropped == before.dropped;) {
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
    assert_int_equal(counted().dropped, before.dropped + 1);
    assert_int_equal(counted().received, before.received);
    assert_true(no_event_waits(e, IRX_MESSAGE));
    message.presence = irx_presence_digest(e->hub->channels[IRX_CHANNEL_PRESENCE].id);
    encode(&message);
    expect(1, 0);
    irx_event_free(await_message(e, "hello"));
    irx_election_close(other);
}

static void what_is_for_others_is_not_heard(void **state)
{
    (void)state;
    irx_message message = from_stranger((irx_id){21, 22}); /* a session of before, say */
    encode(&message);
    expect(0, 0);
    to_process = false; /* a medium that tells everybody what is for one */
    expect(0, 0);
    message = from_stranger((irx_id){0, 0});
    message.from = own; /* its own words, as a broadcast brings them */
    encode(&message);
    expect(0, 0);
    message = from_stranger((irx_id){0, 0});
    message.audience = IRX_TO_FOLLOWERS; /* and this member leads */
    encode(&message);
    expect(0, 0);
}

static void who_does_not_take_part_hears_nothing(void **state)
{
    (void)state;
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    irx_message message = from_stranger((irx_id){0, 0});
    encode(&message);
    expect(0, 0);
    message = from_stranger(own);
    encode(&message);
    expect(0, 0);
    to_process = true;
    memcpy(bytes, "PUBLISH", length = 7);
    expect(0, 0);
}

static const irx_medium_class *real;

static void never_join(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    if (op->kind != IRX_OP_JOIN)
        real->submit(medium, seat, op);
}

/* Words to all are for who takes part; words to this session say that somebody saw its row. */
static void before_the_start_only_what_is_for_it_is_heard(void **state)
{
    (void)state;
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    real = e->class;
    irx_medium_class deaf = *real;
    deaf.submit = never_join;
    bend(e, &deaf);
    irx_election_start(e);
    irx_status status;
    do
        irx_election_status(e, &status);
    while (irx_id_equal(status.session, own));
    irx_message message = from_stranger((irx_id){0, 0});
    encode(&message);
    expect(0, 0);
    message = from_stranger(status.session);
    encode(&message);
    on_loop(e, know_stranger);
    expect(1, 0);
    irx_event_free(await_message(e, "hello"));
    bend(e, real);
}

static void the_protocols_own_are_not_the_applications(void **state)
{
    (void)state;
    irx_message beat = {
        .kind = IRX_MESSAGE_BEAT,
        .from = stranger,
        .presence = 7,
        .token = {1, {1, 1}},
        .beat = 1,
        .hold_ns = 1000000000,
    };
    encode(&beat);
    expect(1, 0);
    assert_true(no_event_waits(e, IRX_MESSAGE));
    assert_true(irx_election_is_leader(e));
}

static void looks_for(irx_election *one)
{
    assert_true(irx_id_equal(one->looked_for, stranger));
}

/* A sender whose row has not come makes the member look at the table, once; then all that it said
 * arrives, in order. */
static void an_unknown_sender_is_looked_for_once(void **state)
{
    (void)state;
    irx_message message = from_stranger((irx_id){0, 0});
    irx_metrics before, after;
    char text[] = "0";
    message.data = text;
    message.length = 1;
    irx_election_metrics(e, &before);
    for (int i = 0; i < 8; i++) {
        text[0] = (char)('0' + i);
        encode(&message);
        on_loop(e, bring);
    }
    for (int i = 0; i < 8; i++) {
        irx_event *event = await_event(e, IRX_MESSAGE);
        assert_int_equal(*(const char *)event->data, '0' + i);
        irx_event_free(event);
    }
    irx_election_metrics(e, &after);
    on_loop(e, looks_for);
    assert_true(after.operations > before.operations);
    assert_true(after.operations <= before.operations + 3); /* a renewal may be among them */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_whole_arrives),
        TEST(foreign_bytes_are_counted),
        TEST(every_cut_of_a_message_is_counted),
        TEST(a_message_under_a_false_name_is_counted),
        TEST(what_is_for_others_is_not_heard),
        TEST(who_does_not_take_part_hears_nothing),
        TEST(before_the_start_only_what_is_for_it_is_heard),
        TEST(the_protocols_own_are_not_the_applications),
        TEST(an_unknown_sender_is_looked_for_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
