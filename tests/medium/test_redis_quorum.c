/* Protocol quorum on Redis beyond what the contract asks of every medium: what the scripts write of
 * lists and voters, what they push, and what a short answer may leave out. Against a real server.
 */
#include "cmocka_all.h"

#include "redis_rig.h"
#include "redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redis_server *server;
static rig *one;
static rig *two;
static rig_seat *a;
static rig_seat *b;

static const irx_id A = {1, 1};
static const irx_id B = {2, 2};
static const irx_id C = {3, 3};

#define A_TEXT "00000000000000010000000000000001"
#define B_TEXT "00000000000000020000000000000002"
#define C_TEXT "00000000000000030000000000000003"

static int start_server(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    redis_server_stop(server);
    return 0;
}

static int open_both(void **state)
{
    (void)state;
    redis_server_say(server, "FLUSHALL");
    one = rig_open(redis_server_url(server), "interrex");
    two = rig_open(redis_server_url(server), "interrex");
    a = rig_attach(one, "billing", "host:1");
    b = rig_attach(two, "billing", "host:2");
    rig_up_both(one);
    rig_up_both(two);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    rig_detach(one, a);
    rig_detach(two, b);
    rig_close(one);
    rig_close(two);
    return 0;
}

static const char *stored(const char *field)
{
    return redis_server_say(server, "HGET interrex:{billing} %s", field);
}

static long long output_bytes(void)
{
    const char *text = strstr(redis_server_say(server, "INFO stats"), "total_net_output_bytes:");
    return atoll(text + strlen("total_net_output_bytes:"));
}

static irx_record read_as(rig *r, rig_seat *seat, irx_id session)
{
    irx_op op = rig_op(r, IRX_OP_READ, session);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    return seat->result.record;
}

/* A holds the record of protocol quorum. */
static irx_record take(irx_takeover takeover)
{
    irx_op create = rig_op(one, IRX_OP_CREATE, A);
    create.incarnation = rig_id(0xabc);
    create.takeover = takeover;
    create.protocol = IRX_PROTOCOL_QUORUM;
    irx_record found = rig_do(one, a, &create)->record;
    assert_int_equal(found.protocol, IRX_PROTOCOL_QUORUM);
    assert_int_equal(found.voter_count, 0);
    irx_op claim = rig_claim(one, IRX_OP_CLAIM, A, &found);
    claim.protocol = IRX_PROTOCOL_QUORUM;
    assert_int_equal(rig_do(one, a, &claim)->status, IRX_RESULT_OK);
    return a->result.record;
}

/* With the list as it is in the record. */
static irx_op renewal(const irx_record *held)
{
    irx_op op = rig_renew(one, held, held->beat + 1);
    op.protocol = IRX_PROTOCOL_QUORUM;
    op.list = held->list;
    op.voter_count = held->voter_count;
    memcpy(op.voters, held->voters, sizeof op.voters);
    return op;
}

/* A renewal that writes a longer list: A, B, C and so on. */
static irx_record add_voters(const irx_record *held, uint32_t count)
{
    irx_op op = renewal(held);
    op.list = held->list + 1;
    op.list_changed = true;
    op.voter_count = count;
    for (uint32_t i = 0; i < count; i++)
        op.voters[i] = (irx_id){i + 1, i + 1};
    assert_int_equal(rig_do(one, a, &op)->status, IRX_RESULT_OK);
    return a->result.record;
}

static void a_claim_begins_with_the_claimant_alone(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    assert_int_equal(held.list, 1);
    assert_int_equal(held.voter_count, 1);
    assert_true(irx_id_equal(held.voters[0], A));
    assert_string_equal(stored("protocol"), "quorum");
    assert_string_equal(stored("voters"), A_TEXT);
    held = add_voters(&held, 3);
    irx_op claim = rig_claim(two, IRX_OP_CLAIM, B, &held); /* by silence: needs no votes */
    claim.protocol = IRX_PROTOCOL_QUORUM;
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_OK);
    assert_int_equal(b->result.record.list, 1);
    assert_string_equal(stored("voters"), B_TEXT);
    claim = rig_claim(one, IRX_OP_CLAIM, A, &b->result.record); /* and none under lease */
    assert_int_equal(rig_do(one, a, &claim)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.list, 0);
    assert_string_equal(stored("voters"), "");
    assert_string_equal(stored("protocol"), "lease");
}

static irx_status_kind claim_by(const irx_record *held, uint32_t votes, const irx_id *voters)
{
    irx_op claim = rig_claim(two, IRX_OP_CLAIM, B, held);
    claim.protocol = IRX_PROTOCOL_QUORUM;
    claim.by_votes = true;
    claim.voter_count = votes;
    if (votes > 0)
        memcpy(claim.voters, voters, votes * sizeof *voters);
    return rig_do(two, b, &claim)->status;
}

static void votes_are_counted_against_the_stored_list(void **state)
{
    (void)state;
    const irx_id strangers[] = {B, {7, 7}, {8, 8}, {9, 9}};
    const irx_id twice[] = {B, B, B};
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, 4);
    assert_int_equal(claim_by(&held, 0, NULL), IRX_RESULT_CONFLICT);
    assert_int_equal(claim_by(&held, 2, (const irx_id[]){B, C}), IRX_RESULT_CONFLICT); /* half */
    assert_int_equal(claim_by(&held, 4, strangers), IRX_RESULT_CONFLICT);
    assert_int_equal(claim_by(&held, 3, twice), IRX_RESULT_CONFLICT);
    assert_true(irx_id_equal(read_as(two, b, B).session, A));
    assert_int_equal(claim_by(&held, 3, (const irx_id[]){B, C, {4, 4}}), IRX_RESULT_OK);
    assert_true(irx_id_equal(b->result.record.session, B));
}

/* Votes do not make up for what a claim must expect. */
static void a_claim_by_votes_expects_the_beat_too(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    irx_record before = held = add_voters(&held, 2);
    irx_op renew = renewal(&held);
    rig_do(one, a, &renew);
    assert_int_equal(claim_by(&before, 2, (const irx_id[]){A, B}), IRX_RESULT_CONFLICT);
    assert_int_equal(claim_by(&a->result.record, 2, (const irx_id[]){A, B}), IRX_RESULT_OK);
}

static void a_takeover_from_the_gone_may_be_by_votes(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, 2);
    rig_vanish(one, server);
    irx_op claim = rig_claim(two, IRX_OP_CLAIM_IF_GONE, B, &held);
    claim.protocol = IRX_PROTOCOL_QUORUM;
    claim.by_votes = true;
    claim.voter_count = 1;
    claim.voters[0] = B;
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_CONFLICT);
    claim.voters[claim.voter_count++] = A;
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_OK);
}

static void a_list_is_written_only_where_it_changed(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, 2);
    assert_int_equal(held.list, 2);
    assert_string_equal(stored("list"), "2");
    assert_string_equal(stored("voters"), A_TEXT B_TEXT);
    irx_record seen = read_as(two, b, B);
    assert_memory_equal(&seen, &held, sizeof seen);
    irx_op renew = renewal(&held);
    renew.list = 7; /* not to be written, and not what the store has */
    renew.voter_count = 1;
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.list, 2); /* so the store said what it has */
    assert_int_equal(a->result.record.voter_count, 2);
    assert_string_equal(stored("voters"), A_TEXT B_TEXT);
}

static void a_stale_renewal_writes_no_list_and_says_nothing(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    irx_op renew = renewal(&held);
    renew.beat = held.beat;
    renew.list_changed = true;
    renew.list = 2;
    renew.voter_count = 2;
    renew.voters[1] = B;
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_STALE);
    assert_string_equal(stored("list"), "1");
    renew.beat = held.beat + 1;
    renew.term++;
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_STALE);
    rig_run_ms(two, 30);
    assert_int_equal(b->messages, 0);
}

static void under_lease_a_renewal_writes_no_list_and_says_nothing(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    renew.list_changed = true;
    renew.list = 2;
    renew.voter_count = 1;
    renew.voters[0] = A;
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    renew.protocol = IRX_PROTOCOL_QUORUM; /* which the record is not */
    renew.beat++;
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.protocol, IRX_PROTOCOL_LEASE);
    assert_string_equal(stored("list"), "0");
    rig_run_ms(two, 30);
    assert_int_equal(b->messages, 0);
}

static void a_renewal_that_was_taken_is_told_to_everybody(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    assert_true(rig_wait(two, &b->hints, 2)); /* the subscription's, the claim's */
    unsigned hints = b->hints;
    irx_op renew = renewal(&held);
    renew.hold_ns = 1234567890;
    rig_do(one, a, &renew);
    assert_true(rig_wait(two, &b->messages, 1));
    assert_true(rig_wait(one, &a->messages, 1)); /* the sender's own seat too */
    irx_message beat;
    assert_int_equal(irx_message_decode(b->heard[1].bytes, b->heard[1].length, &beat), IRX_DECODED);
    assert_int_equal(beat.kind, IRX_MESSAGE_BEAT);
    assert_true(irx_id_equal(beat.from, A) && irx_id_none(beat.to));
    assert_true(irx_id_equal(beat.token.incarnation, held.incarnation));
    assert_int_equal(beat.token.term, held.term);
    assert_int_equal(beat.beat, held.beat + 1);
    assert_int_equal(beat.hold_ns, 1234567890);
    assert_int_equal(beat.presence, irx_presence_digest(one->id[IRX_CHANNEL_PRESENCE]));
    assert_int_equal(b->hints, hints); /* nobody needs to read */
}

static void a_release_leaves_no_voters(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, 3);
    irx_op release = rig_renew(one, &held, 0);
    release.kind = IRX_OP_RELEASE;
    assert_int_equal(rig_do(one, a, &release)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.voter_count, 0);
    assert_int_equal(a->result.record.list, 2);
    assert_string_equal(stored("voters"), "");
}

/* ---- short answers ----------------------------------------------------------------------------
 */

static void a_renewals_answer_stays_short_and_is_the_stored_record(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, 3);
    assert_int_equal(held.voter_count, 3);
    rig_run_ms(two, 30);
    irx__medium_redis.disconnect(one->medium, IRX_CHANNEL_PRESENCE); /* pushes are not counted */
    irx__medium_redis.disconnect(two->medium, IRX_CHANNEL_PRESENCE);
    rig_run_ms(one, 30);
    irx_op renew = renewal(&held);
    renew.list_changed = true;
    renew.list++;
    renew.voters[renew.voter_count++] = (irx_id){4, 4};
    long long start = output_bytes();
    long long question = output_bytes() - start;
    rig_do(one, a, &renew);
    start += question;
    assert_in_range(output_bytes() - start - question, 1, 20);
    assert_int_equal(a->result.record.list, 3);
    assert_int_equal(a->result.record.voter_count, 4);
    assert_true(a->result.record.presence_seen);
    irx_record seen = read_as(two, b, B);
    assert_memory_equal(&seen, &a->result.record, sizeof seen);
}

/* Nothing but the beat changed since the last look. */
static void a_reader_is_told_the_beat_alone(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, 3);
    irx_op join = rig_op(two, IRX_OP_JOIN, B);
    rig_do(two, b, &join);
    irx_op renew = renewal(&held);
    rig_do(one, a, &renew);
    assert_true(rig_wait(two, &b->messages, 2));
    rig_run_ms(one, 30);
    irx_op read = rig_op(two, IRX_OP_READ, B);
    long long start = output_bytes();
    long long question = output_bytes() - start;
    rig_do(two, b, &read);
    start += question;
    assert_in_range(output_bytes() - start - question, 1, 10);
    assert_memory_equal(&b->result.record, &a->result.record, sizeof b->result.record);
}

/* Each of what a renewal may change beside the beat. */
static void a_reader_is_told_all_that_a_renewal_changed(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    read_as(two, b, B);
    for (int i = 0; i < 4; i++) {
        irx_op renew = renewal(&held);
        if (i == 0)
            renew.hold_ns++;
        if (i == 1) {
            renew.list_changed = true;
            renew.list++;
            renew.voters[renew.voter_count++] = B;
        }
        if (i == 2) /* another process of one's own, present as well */
            renew.process = two->id[IRX_CHANNEL_PRESENCE];
        if (i == 3)
            renew.process = rig_id(77); /* nobody's */
        assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
        held = a->result.record;
        irx_record seen = read_as(two, b, B);
        assert_memory_equal(&seen, &held, sizeof seen);
    }
    assert_false(held.presence_seen);
}

/* A strike that finds nobody is as cheap as a reading. */
static void a_strike_of_nobody_is_short(void **state)
{
    (void)state;
    take(IRX_TAKEOVER_FAST);
    irx_op strike = rig_op(one, IRX_OP_STRIKE, A);
    rig_do(one, a, &strike);
    long long start = output_bytes();
    long long question = output_bytes() - start;
    rig_do(one, a, &strike);
    start += question;
    assert_in_range(output_bytes() - start - question, 1, 10);
    assert_true(irx_id_equal(a->result.record.session, A));
}

/* What a lost answer left unknown comes back with the next renewal. */
static void a_renewal_after_an_unknown_one_brings_the_record(void **state)
{
    (void)state;
    irx_record held = take(IRX_TAKEOVER_FAST);
    redis_server_say(server, "HSET interrex:{billing} list 5 voters %s", A_TEXT C_TEXT);
    irx_op renew = renewal(&held);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.list, 5);
    assert_true(irx_id_equal(a->result.record.voters[1], C));
    redis_server_say(server, "HSET interrex:{billing} value_term 1 value_index 9 value theirs");
    held = a->result.record;
    renew = renewal(&held);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.value.index, 9);
    irx_op claim = rig_claim(two, IRX_OP_CLAIM, A, &a->result.record); /* one's own, unanswered */
    claim.protocol = IRX_PROTOCOL_QUORUM;
    held = rig_do(two, b, &claim)->record;
    renew = renewal(&held);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.term, held.term);
    assert_int_equal(a->result.record.list, 1);
    irx__medium_redis.disconnect(one->medium, IRX_CHANNEL_COMMAND);
    assert_true(rig_up(one, IRX_CHANNEL_COMMAND)); /* nothing is known there yet */
    held = a->result.record;
    renew = renewal(&held);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.value.index, 9);
    assert_int_equal(a->result.record.list, 1);
}

/* ---- what it costs ----------------------------------------------------------------------------
 */

enum { MEMBERS = 20, BEATS = 10 }; /* 3 s at the default heartbeat of 300 ms */

static long long stat_of(const char *name)
{
    const char *text = strstr(redis_server_say(server, "INFO stats"), name);
    return atoll(text + strlen(name) + 1);
}

/* What twenty members say at the default timing: a beat every 300 ms, acknowledged by every second
 * of them; a reading each and a strike by the leader every 1.5 s; and 50 questions a second for the
 * leader's presence, by the deputy and the one behind it. */
static void twenty_members_cost_the_server_little(void **state)
{
    rig *rigs[MEMBERS] = {one, two};
    rig_seat *seats[MEMBERS] = {a, b};
    (void)state;
    for (int i = 2; i < MEMBERS; i++) {
        rigs[i] = rig_open(redis_server_url(server), "interrex");
        seats[i] = rig_attach(rigs[i], "billing", "host:12345");
        rig_up_both(rigs[i]);
    }
    irx_record held = take(IRX_TAKEOVER_FAST);
    held = add_voters(&held, MEMBERS);
    for (int i = 0; i < MEMBERS; i++) {
        irx_op join = rig_op(rigs[i], IRX_OP_JOIN, (irx_id){(uint64_t)i + 1, (uint64_t)i + 1});
        rig_do(rigs[i], seats[i], &join);
    }
    for (int i = 0; i < MEMBERS; i++)
        read_as(rigs[i], seats[i], (irx_id){9, 9});
    for (int i = 0; i < MEMBERS; i++)
        rig_run_ms(rigs[i], 1);
    irx__medium_redis.watch(two->medium, &b->seat, held.process, 25 * RIG_MS);
    unsigned beats = seats[MEMBERS - 1]->messages;
    long long out = stat_of("total_net_output_bytes");
    long long in = stat_of("total_net_input_bytes");
    long long commands = stat_of("total_commands_processed");
    long long asked_out = stat_of("total_net_output_bytes") - out;
    for (int beat = 0; beat < BEATS; beat++) {
        irx_op renew = renewal(&held);
        assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
        held = a->result.record;
        for (int i = 1 + beat % 2; i < MEMBERS; i += 2) {
            irx_message ack = {.kind = IRX_MESSAGE_ACK,
                               .from = {(uint64_t)i + 1, 1},
                               .to = A,
                               .presence = 1,
                               .token = {held.term, held.incarnation},
                               .beat = held.beat};
            unsigned char bytes[IRX_MESSAGE_HEADER_MAX];
            size_t length = irx_message_encode(&ack, bytes, sizeof bytes);
            rig_say_to(rigs[i], seats[i], held.process, 1, bytes, length);
            assert_true(rig_wait(rigs[i], &seats[i]->sents, seats[i]->sents + 1));
        }
        for (int i = beat % 5; i < MEMBERS; i += 5)
            read_as(rigs[i], seats[i], (irx_id){9, 9});
        if (beat % 5 == 0) {
            irx_op strike = rig_op(one, IRX_OP_STRIKE, A);
            rig_do(one, a, &strike);
        }
        rig_run_ms(two, 300 * 50 / 40); /* as many questions as two ask in a heartbeat */
    }
    irx__medium_redis.unwatch(two->medium, &b->seat);
    for (int i = 0; i < MEMBERS; i++)
        rig_run_ms(rigs[i], 1);
    assert_int_equal(seats[MEMBERS - 1]->messages, beats + BEATS);
    commands = stat_of("total_commands_processed") - commands;
    in = stat_of("total_net_input_bytes") - in;
    out = stat_of("total_net_output_bytes") - out - 2 * asked_out;
    printf("20 members of protocol quorum: %lld bytes/s out, %lld bytes/s in, %lld commands/s "
           "(the scripts' own included)\n",
           out * 10 / (3 * BEATS), in * 10 / (3 * BEATS), commands * 10 / (3 * BEATS));
    assert_in_range(out * 10 / (3 * BEATS), 8000, 14000);
    for (int i = 2; i < MEMBERS; i++) {
        rig_detach(rigs[i], seats[i]);
        rig_close(rigs[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_begins_with_the_claimant_alone),
        TEST(votes_are_counted_against_the_stored_list),
        TEST(a_claim_by_votes_expects_the_beat_too),
        TEST(a_takeover_from_the_gone_may_be_by_votes),
        TEST(a_list_is_written_only_where_it_changed),
        TEST(a_stale_renewal_writes_no_list_and_says_nothing),
        TEST(under_lease_a_renewal_writes_no_list_and_says_nothing),
        TEST(a_renewal_that_was_taken_is_told_to_everybody),
        TEST(a_release_leaves_no_voters),
        TEST(a_renewals_answer_stays_short_and_is_the_stored_record),
        TEST(a_reader_is_told_the_beat_alone),
        TEST(a_reader_is_told_all_that_a_renewal_changed),
        TEST(a_strike_of_nobody_is_short),
        TEST(a_renewal_after_an_unknown_one_brings_the_record),
        TEST(twenty_members_cost_the_server_little),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
