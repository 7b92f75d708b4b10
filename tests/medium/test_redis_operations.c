/* The operations on Redis beyond what the contract asks of every medium: what a reply may leave
 * out, what is pushed, what the store checks by itself. Against a real server. */
#include "cmocka_all.h"

#include "redis_rig.h"
#include "redis_server.h"

#include <stdlib.h>
#include <string.h>

static redis_server *server;
static rig *one;
static rig *two;
static rig_seat *a;
static rig_seat *b;

static const irx_id A = {1, 1};
static const irx_id B = {2, 2};

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

/* Two processes with a seat each in the same election. */
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

static void read_both(void)
{
    irx_op op = rig_op(one, IRX_OP_READ, A);
    rig_do(one, a, &op);
    op = rig_op(two, IRX_OP_READ, B);
    rig_do(two, b, &op);
}

static long long output_bytes(void)
{
    const char *text = strstr(redis_server_say(server, "INFO stats"), "total_net_output_bytes:");
    return atoll(text + strlen("total_net_output_bytes:"));
}

static void a_read_that_finds_nothing_new_is_answered_with_one_word(void **state)
{
    (void)state;
    rig_take(one, a, A, IRX_TAKEOVER_FAST);
    read_both();
    irx_record before = b->result.record;
    irx_op op = rig_op(two, IRX_OP_READ, B);
    long long start = output_bytes();
    long long question = output_bytes() - start; /* what asking costs by itself */
    rig_do(two, b, &op);
    start += question;
    long long idle = output_bytes() - start - question;
    assert_int_equal(b->result.status, IRX_RESULT_OK);
    assert_true(b->result.has_record);
    assert_memory_equal(&b->result.record, &before, sizeof before);
    assert_true(irx_id_equal(b->result.epoch, two->id[IRX_CHANNEL_COMMAND]));
    assert_in_range(idle, 1, 100);
    irx_op renew = rig_renew(one, &a->result.record, before.beat + 1);
    rig_do(one, a, &renew);
    rig_do(two, b, &op);
    assert_int_equal(b->result.record.beat, before.beat + 1);
}

static void a_renewal_tells_the_record_as_the_store_has_it(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_SAFE)->record;
    irx_op renew = rig_renew(one, &held, held.beat + 7);
    renew.hold_ns = 42;
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    irx_op op = rig_op(two, IRX_OP_READ, B);
    rig_do(two, b, &op);
    assert_int_equal(b->result.record.hold_ns, 42);
    assert_true(b->result.record.presence_seen);
    assert_memory_equal(&a->result.record, &b->result.record, sizeof a->result.record);
}

/* A renewal under an epoch that the record was not claimed under: only the store knows the
 * record's. */
static void a_renewal_of_an_older_record_tells_its_epoch(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    redis_server_say(server, "HSET interrex:{billing} epoch 000000000000000000000000000000ff");
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    assert_true(irx_id_equal(a->result.record.epoch, (irx_id){0, 255}));
}

static void the_member_table_travels_only_where_it_changed(void **state)
{
    (void)state;
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    assert_int_equal(rig_do(one, a, &join)->join, 1);
    join = rig_op(two, IRX_OP_JOIN, B);
    assert_int_equal(rig_do(two, b, &join)->join, 2);
    assert_int_equal(b->seat.member_count, 2);
    assert_string_equal(b->seat.members[0].label, "host:1");
    b->seat.members_changed = false;
    a->seat.members_changed = false;
    read_both();
    assert_true(a->seat.members_changed);
    assert_false(b->seat.members_changed);
    assert_int_equal(a->seat.member_count, 2);
    irx_op leave = rig_op(two, IRX_OP_LEAVE, B);
    rig_do(two, b, &leave);
    read_both();
    assert_int_equal(a->seat.member_count, 1);
}

/* A table that was lost and written anew must not pass for the one of before. */
static void a_table_made_anew_is_not_taken_for_the_old_one(void **state)
{
    (void)state;
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    rig_do(one, a, &join);
    redis_server_say(server, "DEL interrex:{billing}:members");
    join = rig_op(two, IRX_OP_JOIN, B);
    rig_do(two, b, &join);
    read_both();
    assert_int_equal(a->seat.member_count, 1);
    assert_true(irx_id_equal(a->seat.members[0].session, B));
}

static void a_full_member_table_refuses_and_says_why(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 8; i++) { /* the rig's max_members */
        irx_op join = rig_op(one, IRX_OP_JOIN, rig_id(100 + i));
        assert_int_equal(rig_do(one, a, &join)->status, IRX_RESULT_OK);
    }
    irx_op join = rig_op(two, IRX_OP_JOIN, B);
    assert_int_equal(rig_do(two, b, &join)->status, IRX_RESULT_FAILED);
    assert_int_equal(b->why.code, IRX_EFULL);
    assert_non_null(strstr(b->why.text, "max_members is 8"));
    join = rig_op(one, IRX_OP_JOIN, rig_id(100)); /* a row that is there may be written again */
    assert_int_equal(rig_do(one, a, &join)->status, IRX_RESULT_OK);
}

static void a_first_term_is_the_time_of_the_server(void **state)
{
    (void)state;
    uint64_t seconds = strtoull(redis_server_say(server, "TIME"), NULL, 10);
    uint64_t term = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record.term;
    assert_in_range(term, seconds * 1000, (seconds + 60) * 1000);
}

/* Terms and beats near 2^53 stay exact although Lua counts in doubles. */
static void large_numbers_stay_exact(void **state)
{
    (void)state;
    const uint64_t large = (UINT64_C(1) << 53) - 3;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op claim = rig_claim(one, IRX_OP_CLAIM, A, &held);
    claim.term = large;
    claim.first_term = true;
    claim.beat = large;
    held = rig_do(one, a, &claim)->record;
    assert_int_equal(a->result.status, IRX_RESULT_OK);
    assert_true(held.term == large && held.beat == large);
    irx_op renew = rig_renew(one, &held, large);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_STALE);
    renew = rig_renew(one, &held, large + 1);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_OK);
    read_both();
    assert_true(b->result.record.beat == large + 1);
}

static void changes_are_pushed_and_renewals_are_not(void **state)
{
    (void)state;
    assert_true(rig_wait(two, &b->hints, 1)); /* that of the subscription */
    unsigned hints = b->hints;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    assert_true(rig_wait(two, &b->hints, ++hints));
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    rig_do(one, a, &renew);
    irx_op release = rig_renew(one, &held, 0);
    release.kind = IRX_OP_RELEASE;
    rig_do(one, a, &release);
    assert_true(rig_wait(two, &b->hints, ++hints));
    rig_run_ms(two, 50);
    assert_int_equal(b->hints, hints);
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    rig_do(one, a, &join);
    irx_op leave = rig_op(one, IRX_OP_LEAVE, A);
    rig_do(one, a, &leave);
    assert_true(rig_wait(two, &b->hints, ++hints));
}

static void a_subscription_is_followed_by_a_hint(void **state)
{
    (void)state;
    rig_seat *late = rig_attach(two, "other", "host:2");
    assert_true(rig_wait(two, &late->hints, 1));
    irx__medium_redis.disconnect(two->medium, IRX_CHANNEL_PRESENCE);
    assert_true(rig_up(two, IRX_CHANNEL_PRESENCE));
    assert_true(rig_wait(two, &late->hints, 2));
    rig_detach(two, late);
}

static void the_claimants_presence_is_seen_by_the_store_itself(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    assert_true(held.presence_seen);
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    renew.process = rig_id(77); /* nobody's */
    held = rig_do(one, a, &renew)->record;
    assert_false(held.presence_seen);
    irx_op claim = rig_claim(two, IRX_OP_CLAIM_IF_GONE, B, &held);
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_CONFLICT);
}

static void a_claim_without_presence_is_noted_as_such(void **state)
{
    (void)state;
    irx_record vacant;
    irx_op op = rig_op(one, IRX_OP_CREATE, A);
    op.incarnation = rig_id(1);
    vacant = rig_do(one, a, &op)->record;
    op = rig_claim(one, IRX_OP_CLAIM, A, &vacant);
    op.process = rig_id(77);
    assert_int_equal(rig_do(one, a, &op)->status, IRX_RESULT_OK);
    assert_false(a->result.record.presence_seen);
}

static void a_successor_is_named_by_a_release_and_forgotten_by_a_claim(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op op = rig_renew(two, &held, 0);
    op.kind = IRX_OP_RELEASE;
    op.successor = B;
    op.session = B; /* not the holder */
    assert_int_equal(rig_do(two, b, &op)->status, IRX_RESULT_STALE);
    op.session = A;
    assert_int_equal(rig_do(one, a, &op)->status, IRX_RESULT_OK);
    assert_true(irx_id_equal(a->result.record.successor, B));
    assert_true(irx_id_none(a->result.record.session));
    op = rig_claim(two, IRX_OP_CLAIM, B, &a->result.record);
    assert_int_equal(rig_do(two, b, &op)->status, IRX_RESULT_OK);
    assert_true(irx_id_none(b->result.record.successor));
}

/* The record is as known, the table is not: one without the other will not do. */
static void a_new_member_is_seen_though_the_record_is_the_same(void **state)
{
    (void)state;
    rig_take(one, a, A, IRX_TAKEOVER_FAST);
    read_both();
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    rig_do(one, a, &join);
    read_both();
    assert_int_equal(b->seat.member_count, 1);
    join.join = 0;
    assert_int_equal(rig_do(one, a, &join)->join, 1); /* it keeps its number */
    join.join = 7;
    assert_int_equal(rig_do(one, a, &join)->join, 7); /* or the one it brings */
    join = rig_op(two, IRX_OP_JOIN, B);
    assert_int_equal(rig_do(two, b, &join)->join, 8);
}

static void a_present_holder_is_not_gone(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op claim = rig_claim(two, IRX_OP_CLAIM_IF_GONE, B, &held);
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_CONFLICT);
    rig_vanish(one, server);
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_OK);
    assert_true(irx_id_equal(b->result.record.session, B));
    assert_int_equal(b->result.record.term, held.term + 1);
}

static void under_takeover_safe_nobody_is_gone(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_SAFE)->record;
    rig_vanish(one, server);
    irx_op claim = rig_claim(two, IRX_OP_CLAIM_IF_GONE, B, &held);
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_CONFLICT);
}

static void strikes_take_members_whose_presence_ended(void **state)
{
    (void)state;
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    rig_do(one, a, &join);
    join = rig_op(two, IRX_OP_JOIN, B);
    rig_do(two, b, &join);
    join = rig_op(two, IRX_OP_JOIN, rig_id(7)); /* one without presence is kept */
    join.process = (irx_id){0, 0};
    rig_do(two, b, &join);
    rig_vanish(one, server);
    irx_op strike = rig_op(two, IRX_OP_STRIKE, B);
    assert_int_equal(rig_do(two, b, &strike)->status, IRX_RESULT_OK);
    assert_int_equal(b->seat.member_count, 2);
    assert_true(irx_id_equal(b->seat.members[0].session, B));
}

static void a_watched_process_that_ends_is_gone_once(void **state)
{
    (void)state;
    irx_id process = one->id[IRX_CHANNEL_PRESENCE];
    irx__medium_redis.watch(two->medium, &b->seat, process, 25 * RIG_MS);
    rig_run_ms(two, 100);
    assert_int_equal(b->gones, 0);
    irx__medium_redis.disconnect(one->medium, IRX_CHANNEL_PRESENCE);
    assert_true(rig_wait(two, &b->gones, 1));
    assert_true(irx_id_equal(b->gone, process));
    rig_run_ms(two, 100);
    assert_int_equal(b->gones, 1);
    /* One that is gone already is told too, and one that is not watched any more is not. */
    irx__medium_redis.watch(two->medium, &b->seat, process, 25 * RIG_MS);
    assert_true(rig_wait(two, &b->gones, 2));
    irx__medium_redis.watch(two->medium, &b->seat, process, 25 * RIG_MS);
    irx__medium_redis.unwatch(two->medium, &b->seat);
    rig_run_ms(two, 100);
    assert_int_equal(b->gones, 2);
}

static void operations_of_another_epoch_change_nothing(void **state)
{
    (void)state;
    static const irx_op_kind kinds[] = {
        IRX_OP_READ,          IRX_OP_CREATE, IRX_OP_JOIN,    IRX_OP_LEAVE,  IRX_OP_CLAIM,
        IRX_OP_CLAIM_IF_GONE, IRX_OP_RENEW,  IRX_OP_RELEASE, IRX_OP_STRIKE, IRX_OP_PUBLISH};
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    char before[4096];
    strcpy(before, redis_server_say(server, "HGETALL interrex:{billing}"));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        irx_op op = rig_claim(one, kinds[i], A, &held);
        op.epoch = rig_id(5);
        op.incarnation = held.incarnation;
        op.term = held.term;
        op.data = "value";
        op.length = 5;
        rig_do(one, a, &op);
        assert_int_equal(a->result.status, IRX_RESULT_EPOCH);
        assert_true(irx_id_equal(a->result.epoch, one->id[IRX_CHANNEL_COMMAND]));
        assert_true(a->result.has_record);
    }
    assert_string_equal(redis_server_say(server, "HGETALL interrex:{billing}"), before);
    assert_string_equal(redis_server_say(server, "EXISTS interrex:{billing}:members"), "0");
}

/* Another server behind the same connection: the claim itself finds out. */
static void a_claim_compares_the_stores_identity(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    redis_server_say(server, "HSET interrex:store run_id somebodyelse");
    irx_op claim = rig_claim(two, IRX_OP_CLAIM, B, &held);
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_EPOCH);
    claim.epoch = b->result.epoch;
    redis_server_say(server, "HSET interrex:store replid somebodyelse");
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_EPOCH);
    assert_false(irx_id_equal(b->result.epoch, claim.epoch));
    assert_false(irx_id_equal(b->result.epoch, held.epoch));
    assert_true(irx_id_equal(b->result.record.session, A));
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    assert_int_equal(rig_do(one, a, &renew)->status, IRX_RESULT_EPOCH);
}

static void a_record_of_a_newer_format_is_read_and_left_alone(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    redis_server_say(server, "HSET interrex:{billing} format 2 takeover sideways");
    read_both();
    assert_int_equal(b->result.status, IRX_RESULT_OK);
    assert_int_equal(b->result.record.format, 2);
    assert_int_equal(b->result.record.term, held.term);
    irx_op op = rig_claim(two, IRX_OP_CLAIM, B, &held);
    assert_int_equal(rig_do(two, b, &op)->status, IRX_RESULT_CONFLICT);
    op = rig_renew(one, &held, held.beat + 1);
    assert_int_equal(rig_do(one, a, &op)->status, IRX_RESULT_STALE);
    op.kind = IRX_OP_RELEASE;
    assert_int_equal(rig_do(one, a, &op)->status, IRX_RESULT_STALE);
    op.kind = IRX_OP_PUBLISH;
    op.data = "value";
    op.length = 5;
    assert_int_equal(rig_do(one, a, &op)->status, IRX_RESULT_STALE);
    assert_int_equal(a->result.record.format, 2);
    assert_string_equal(redis_server_say(server, "HGET interrex:{billing} beat"), "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_that_finds_nothing_new_is_answered_with_one_word),
        TEST(a_renewal_tells_the_record_as_the_store_has_it),
        TEST(a_renewal_of_an_older_record_tells_its_epoch),
        TEST(the_member_table_travels_only_where_it_changed),
        TEST(a_table_made_anew_is_not_taken_for_the_old_one),
        TEST(a_full_member_table_refuses_and_says_why),
        TEST(a_first_term_is_the_time_of_the_server),
        TEST(large_numbers_stay_exact),
        TEST(changes_are_pushed_and_renewals_are_not),
        TEST(a_subscription_is_followed_by_a_hint),
        TEST(the_claimants_presence_is_seen_by_the_store_itself),
        TEST(a_claim_without_presence_is_noted_as_such),
        TEST(a_successor_is_named_by_a_release_and_forgotten_by_a_claim),
        TEST(a_new_member_is_seen_though_the_record_is_the_same),
        TEST(a_present_holder_is_not_gone),
        TEST(under_takeover_safe_nobody_is_gone),
        TEST(strikes_take_members_whose_presence_ended),
        TEST(a_watched_process_that_ends_is_gone_once),
        TEST(operations_of_another_epoch_change_nothing),
        TEST(a_claim_compares_the_stores_identity),
        TEST(a_record_of_a_newer_format_is_read_and_left_alone),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
