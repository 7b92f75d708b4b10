/* Protocol quorum from the members' side: beats, acknowledgements, calls and votes. */
#include "cmocka_all.h"
#include "driver.h"

#include <string.h>

static driver *d;

static int setup(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    options.protocol = IRX_PROTOCOL_QUORUM;
    options.takeover = IRX_TAKEOVER_SAFE;
    d = driver_new(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_free(d);
    return 0;
}

/* Term 8 of member 20, whose voters are itself, this member and members 30 and 31. */
static irx_record led_by_20(void)
{
    irx_record record = held(id_of(20), 8, 40);
    record.protocol = IRX_PROTOCOL_QUORUM;
    record.takeover = IRX_TAKEOVER_SAFE;
    record.list = 2;
    record.voters[record.voter_count++] = id_of(20);
    record.voters[record.voter_count++] = driver_self(d);
    record.voters[record.voter_count++] = id_of(30);
    record.voters[record.voter_count++] = id_of(31);
    return record;
}

/* A member that knows this record, beside members 20, 30 and 31. */
static irx_record follow(void)
{
    driver_add_member(d, id_of(20), 20);
    driver_add_member(d, id_of(30), 30);
    driver_add_member(d, id_of(31), 31);
    irx_record record = held(id_of(20), 8, 40);
    record.protocol = IRX_PROTOCOL_QUORUM;
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    record = led_by_20();
    driver_answer(d, IRX_RESULT_OK, &record);
    d->sends = 0;
    return record;
}

static irx_message about(const irx_record *record, irx_message_kind kind, irx_id from)
{
    return (irx_message){
        .kind = kind,
        .from = from,
        .token = {record->term, record->incarnation},
        .holder = record->session,
        .beat = record->beat,
        .hold_ns = record->hold_ns,
    };
}

static void hear(const irx_record *record, uint64_t beat)
{
    irx_message message = about(record, IRX_MESSAGE_BEAT, record->session);
    message.beat = beat;
    driver_message(d, message);
}

static void ask_for_vote(const irx_record *record, irx_id caller)
{
    driver_message(d, about(record, IRX_MESSAGE_CALL, caller));
}

static void give_vote(const irx_record *record, irx_id voter)
{
    irx_message vote = about(record, IRX_MESSAGE_VOTE, voter);
    vote.to = driver_self(d);
    driver_message(d, vote);
}

/* Polls show the same record all the while. */
static void stay_silent(int64_t ms, const irx_record *record)
{
    for (int64_t end_ns = d->now_ns + ms * MS; d->now_ns < end_ns;) {
        driver_wait(d, (end_ns - d->now_ns) / MS, record);
        if (d->op.id != 0 && !driver_asks(d, IRX_OP_READ))
            return;
    }
}

/* As above, but that the record moves on: its holder reaches the store. */
static void stay_unheard(int64_t ms, irx_record *record)
{
    for (int64_t end_ns = d->now_ns + ms * MS; d->now_ns < end_ns;) {
        record->beat++;
        driver_do(d, IRX_IN_HINT);
        driver_wait(d, 300, record);
    }
}

/* ---- beats ------------------------------------------------------------------------------------
 */

static void a_beat_is_acknowledged_once(void **state)
{
    (void)state;
    irx_record record = follow();
    hear(&record, 41);
    assert_int_equal(d->sends, 1);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_ACK);
    assert_true(irx_id_equal(d->sent.to, id_of(20)));
    assert_true(irx_id_equal(d->sent.from, driver_self(d)));
    assert_int_equal(d->sent.token.term, 8);
    assert_int_equal(d->sent.beat, 41);
    assert_int_equal(d->sent.presence, irx_presence_digest(id_of(100)));
    hear(&record, 41);
    hear(&record, 40);
    assert_int_equal(d->sends, 1);
}

/* It shows that the store took a renewal: the hold counts from here. */
static void a_beat_is_a_sight(void **state)
{
    (void)state;
    irx_record record = follow();
    for (uint64_t beat = 41; beat < 50; beat++) {
        stay_silent(400, &record);
        record.beat = beat;
        hear(&record, beat);
        assert_false(driver_asks(d, IRX_OP_CLAIM));
    }
    stay_silent(1500, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    stay_silent(1000, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_false(d->op.by_votes);
    assert_int_equal(d->op.expected.beat, 49);
}

/* A beat of a later term is a reason to read, one of an earlier term is nothing. */
static void a_beat_of_another_leadership_is_not_acknowledged(void **state)
{
    (void)state;
    irx_record record = follow();
    irx_record other = record;
    other.term = 7;
    hear(&other, 90);
    assert_int_equal(d->op.id, 0);
    other.term = 9;
    hear(&other, 91);
    assert_true(driver_asks(d, IRX_OP_READ));
    other.term = 8;
    other.session = id_of(30);
    hear(&other, 92);
    assert_int_equal(d->sends, 0);
}

static void who_has_no_place_in_a_full_list_is_quiet(void **state)
{
    (void)state;
    irx_record record = follow();
    record.list++;
    for (record.voter_count = 0; record.voter_count < IRX_VOTERS_MAX; record.voter_count++)
        record.voters[record.voter_count] = id_of(20 + record.voter_count);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    hear(&record, 41);
    assert_int_equal(d->sends, 0);
    record.voter_count--;
    record.beat = 42;
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    hear(&record, 43);
    assert_int_equal(d->sends, 1);
}

static void of_many_members_each_answers_every_second_beat(void **state)
{
    (void)state;
    irx_record record = follow();
    driver_add_member(d, id_of(32), 32);
    hear(&record, 41);
    hear(&record, 42);
    assert_int_equal(d->sends, 2);
    driver_add_member(d, id_of(33), 33);
    driver_do(d, IRX_IN_WAKE);
    for (uint64_t beat = 43; beat < 51; beat++)
        hear(&record, beat);
    assert_int_equal(d->sends, 2 + 4);
}

/* ---- votes ------------------------------------------------------------------------------------
 */

static void a_vote_needs_a_hold_of_silence(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1200, &record);
    hear(&record, ++record.beat);
    d->sends = 0;
    stay_unheard(1200, &record);
    ask_for_vote(&record, id_of(30));
    assert_int_equal(d->sends, 0);
    stay_unheard(600, &record);
    d->sends = 0;
    ask_for_vote(&record, id_of(30));
    assert_int_equal(d->sends, 1);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_VOTE);
    assert_true(irx_id_equal(d->sent.to, id_of(30)));
    assert_true(irx_id_equal(d->sent.holder, id_of(20)));
    assert_int_equal(d->sent.token.term, 8);
}

static void a_leadership_known_for_less_than_a_hold_is_not_voted_against(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(3000, &record);
    record.term = 9;
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    d->sends = 0;
    ask_for_vote(&record, id_of(30));
    assert_int_equal(d->sends, 0);
}

/* Whoever voted acknowledges that leadership no more, and a later one as ever. */
static void a_vote_binds(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1800, &record);
    ask_for_vote(&record, id_of(30));
    assert_int_equal(d->sent.kind, IRX_MESSAGE_VOTE);
    d->sends = 0;
    hear(&record, ++record.beat);
    assert_int_equal(d->sends, 0);
    record.term = 9;
    record.beat++;
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    hear(&record, ++record.beat);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_ACK);
}

static void nobody_votes_against_a_record_of_its_own(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    record.protocol = IRX_PROTOCOL_QUORUM;
    driver_add_member(d, id_of(30), 30);
    driver_join(d, &record);
    driver_wait(d, 1000, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_ok(d);
    record = held(driver_self(d), 8, 4);
    record.protocol = IRX_PROTOCOL_QUORUM;
    record.incarnation = d->snapshot.token.incarnation;
    for (int i = 0; i < 12; i++) {
        driver_advance(d, 250);
        if (d->op.id != 0)
            driver_ok(d);
    }
    assert_true(driver_leads(d));
    d->sends = 0;
    ask_for_vote(&record, id_of(30));
    assert_int_equal(d->sends, 0);
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static void a_leader_that_renews_unheard_is_voted_out(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1800, &record);
    assert_int_equal(d->sends, 1);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_CALL);
    assert_true(irx_id_none(d->sent.to));
    assert_true(irx_id_equal(d->sent.holder, id_of(20)));
    give_vote(&record, id_of(30));
    assert_int_equal(d->op.id, 0); /* with the own vote two of four: no majority */
    give_vote(&record, id_of(30)); /* nor twice the same */
    give_vote(&record, id_of(99)); /* nor a stranger's */
    assert_int_equal(d->op.id, 0);
    give_vote(&record, id_of(31));
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_true(d->op.by_votes);
    assert_int_equal(d->op.voter_count, 4);
    assert_int_equal(d->op.expected.term, 8);
    assert_int_equal(d->op.expected.beat, record.beat);
    /* Another beat is no other leadership: the next claim follows at once. */
    record.beat++;
    driver_answer(d, IRX_RESULT_CONFLICT, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_int_equal(d->op.expected.beat, record.beat);
    driver_ok(d);
    assert_true(driver_leads(d));
}

/* The own vote binds as any: a claim that was made with it is followed by no acknowledgement. */
static void a_claim_by_votes_binds_the_claimant(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1800, &record);
    give_vote(&record, id_of(30));
    give_vote(&record, id_of(31));
    assert_true(d->op.by_votes);
    record.beat++;
    d->sends = 0;
    hear(&record, record.beat);
    assert_int_equal(d->sends, 0);
}

static void votes_are_void_once_the_leader_is_heard_again(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1800, &record);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_CALL);
    hear(&record, ++record.beat);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_ACK); /* a call alone binds nobody */
    give_vote(&record, id_of(30));
    give_vote(&record, id_of(31));
    assert_int_equal(d->op.id, 0);
}

static void votes_against_one_leadership_are_none_against_the_next(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1800, &record);
    irx_record old = record;
    give_vote(&old, id_of(30));
    record.term = 9;
    record.beat++;
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    d->sends = 0;
    stay_unheard(1800, &record);
    assert_int_equal(d->sent.kind, IRX_MESSAGE_CALL);
    assert_int_equal(d->sent.token.term, 9);
    give_vote(&old, id_of(30));
    give_vote(&old, id_of(31));
    assert_int_equal(d->op.id, 0);
    give_vote(&record, id_of(30));
    give_vote(&record, id_of(31));
    assert_true(d->op.by_votes);
}

/* A copy of a guest, or an earlier life: what its row says is another presence. */
static void a_message_under_another_presence_is_dropped(void **state)
{
    (void)state;
    irx_record record = follow();
    stay_unheard(1800, &record);
    d->sends = 0;
    irx_message call = about(&record, IRX_MESSAGE_CALL, id_of(30));
    call.presence = irx_presence_digest(id_of(77));
    driver_message(d, call);
    assert_int_equal(d->sends, 0);
    assert_true(driver_traced(d, "another presence"));
    driver_answer(d, IRX_RESULT_OK, &record); /* it reads: the row may be old */
    call.presence = irx_presence_digest(id_of(30));
    driver_message(d, call);
    assert_int_equal(d->sends, 1);
}

/* Others look a doubted sender up in the table: who came back under another presence is silent
 * until its row says so. */
static void nothing_is_said_before_the_row_is_written(void **state)
{
    (void)state;
    irx_record record = follow();
    driver_channel_up(d, IRX_CHANNEL_PRESENCE, 2, id_of(101));
    assert_true(driver_asks(d, IRX_OP_JOIN));
    hear(&record, 41);
    ask_for_vote(&record, id_of(30));
    assert_int_equal(d->sends, 0);
    driver_answer(d, IRX_RESULT_OK, &record);
    hear(&record, 42);
    assert_int_equal(d->sends, 1);
    assert_int_equal(d->sent.presence, irx_presence_digest(id_of(101)));
}

static void messages_mean_nothing_under_lease(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    driver *other = driver_new(&options);
    irx_record record = held(id_of(20), 8, 40);
    driver_join(other, &record);
    irx_message beat = about(&record, IRX_MESSAGE_BEAT, id_of(20));
    beat.beat = 41;
    driver_message(other, beat);
    assert_int_equal(other->sends, 0);
    driver_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_beat_is_acknowledged_once),
        T(a_beat_is_a_sight),
        T(a_beat_of_another_leadership_is_not_acknowledged),
        T(who_has_no_place_in_a_full_list_is_quiet),
        T(of_many_members_each_answers_every_second_beat),
        T(a_vote_needs_a_hold_of_silence),
        T(a_leadership_known_for_less_than_a_hold_is_not_voted_against),
        T(a_vote_binds),
        T(nobody_votes_against_a_record_of_its_own),
        T(a_leader_that_renews_unheard_is_voted_out),
        T(a_claim_by_votes_binds_the_claimant),
        T(votes_are_void_once_the_leader_is_heard_again),
        T(votes_against_one_leadership_are_none_against_the_next),
        T(a_message_under_another_presence_is_dropped),
        T(nothing_is_said_before_the_row_is_written),
        T(messages_mean_nothing_under_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
