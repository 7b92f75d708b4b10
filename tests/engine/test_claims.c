/* When a member claims, and when it must not: vacant, held, never-held and foreign records, and who
 * goes first. */
#include "cmocka_all.h"
#include "driver.h"

static driver *d;

static int setup(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    d = driver_new(&options);
    return 0;
}

static int setup_safe(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
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

static irx_record safe_record(irx_record record)
{
    record.takeover = IRX_TAKEOVER_SAFE;
    return record;
}

/* A deputy claims a vacant record at once, with the next term, and leads when it is confirmed. */
static void vacant_is_claimed_at_once(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_int_equal(d->op.term, 8);
    assert_false(d->op.first_term);
    assert_true(irx_id_equal(d->op.expected.incarnation, record.incarnation));
    assert_int_equal(d->op.expected.term, 7);
    assert_int_equal(d->op.expected.beat, 3);
    assert_true(irx_id_none(d->op.expected.session));
    assert_string_equal(driver_events(d), "role follower, started, role candidate");
    driver_ok(d);
    assert_string_equal(driver_events(d), "elected 8, leader self, role leader");
    assert_true(driver_leads(d));
    assert_true(driver_traced(d, "leads term 8"));
}

/* There is no record: one is created, never held, and claimed. Its first term is above every term
 * known. */
static void absent_is_created_first(void **state)
{
    (void)state;
    driver_join(d, NULL);
    assert_true(driver_asks(d, IRX_OP_CREATE));
    irx_id incarnation = d->op.incarnation;
    driver_ok(d);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_true(irx_id_equal(d->op.incarnation, incarnation));
    assert_true(d->op.first_term);
    assert_int_equal(d->op.term, 1);
}

/* A record that lost its life: the first term of the new one is above the highest this member has
 * seen. */
static void first_term_is_above_every_term_known(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 41, 3);
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_ABSENT, NULL);
    assert_true(driver_asks(d, IRX_OP_CREATE));
    record = never_held();
    record.incarnation = d->op.incarnation;
    driver_ok(d);
    driver_wait(d, 2000, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_true(d->op.first_term);
    assert_int_equal(d->op.term, 42);
}

/* A held record that stays unchanged is claimed a hold after it was first received, not before, and
 * only when a READ from after the hold still shows it. */
static void unchanged_for_a_hold(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    int64_t sight_ns = d->now_ns;
    driver_wait(d, 1507, &record);
    assert_int_equal(d->op.id, 0);
    driver_advance(d, 1);
    assert_true(driver_asks(d, IRX_OP_READ));
    assert_true(d->now_ns - sight_ns >= 1507500000);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_int_equal(d->op.expected.beat, 3);
}

/* Any change is a new sight: the hold counts anew. */
static void a_renewal_is_a_new_sight(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_advance(d, 1000);
    driver_do(d, IRX_IN_HINT);
    record.beat = 4;
    driver_answer(d, IRX_RESULT_OK, &record);
    driver_wait(d, 1500, &record);
    assert_int_equal(d->op.id, 0);
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Receiving the same record again and again neither shortens nor lengthens the wait. */
static void the_same_again_is_no_sight(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    int64_t sight_ns = d->now_ns;
    while (d->now_ns - sight_ns < 1500 * MS) {
        driver_do(d, IRX_IN_HINT);
        assert_true(driver_asks(d, IRX_OP_READ));
        driver_answer(d, IRX_RESULT_OK, &record);
        assert_false(driver_asks(d, IRX_OP_CLAIM));
        driver_advance(d, 50);
        if (driver_asks(d, IRX_OP_READ))
            driver_answer(d, IRX_RESULT_OK, &record);
        assert_false(driver_asks(d, IRX_OP_CLAIM));
    }
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* A leader with a longer hold is given its time, also once it is no longer the leader. */
static void the_largest_hold_seen_counts(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    record.hold_ns = 4000 * MS;
    driver_join(d, &record);
    driver_advance(d, 10);
    driver_do(d, IRX_IN_HINT);
    record = safe_record(held(id_of(3), 8, 4));
    driver_answer(d, IRX_RESULT_OK, &record);
    driver_wait(d, 3990, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Under safe a never-held record is claimed a hold after it was first received as such. */
static void never_held_waits_under_safe(void **state)
{
    (void)state;
    irx_record record = safe_record(never_held());
    driver_join(d, &record);
    driver_wait(d, 1500, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* That wait begins anew when the record was absent in between: a newcomer after a wipe knows
 * nothing. */
static void never_held_counts_anew(void **state)
{
    (void)state;
    irx_record record = safe_record(never_held());
    driver_join(d, &record);
    driver_wait(d, 1000, &record);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_ABSENT, NULL);
    assert_true(driver_asks(d, IRX_OP_CREATE));
    driver_answer(d, IRX_RESULT_CONFLICT, &record);
    driver_wait(d, 1400, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 200, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Under fast it is claimed at once, unless this session saw a living election of this name before.
 */
static void never_held_is_claimed_at_once_under_fast(void **state)
{
    (void)state;
    irx_record record = never_held();
    driver_join(d, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

static void never_held_waits_after_life(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    irx_record empty = never_held();
    empty.incarnation = id_of(77);
    driver_answer(d, IRX_RESULT_OK, &empty);
    driver_wait(d, 1500, &empty);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 20, &empty);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* A record of another epoch, vacant or not, is claimed only after a hold, and gets a new
 * incarnation. */
static void quarantine(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    record.epoch = id_of(66);
    driver_join(d, &record);
    driver_wait(d, 1500, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_true(d->op.first_term);
    assert_int_equal(d->op.term, 8);
    assert_false(irx_id_equal(d->op.incarnation, record.incarnation));
    assert_true(irx_id_equal(d->op.expected.incarnation, record.incarnation));
}

/* A new epoch makes the record received under it a new sight. */
static void a_new_epoch_counts_anew(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_wait(d, 1400, &record);
    d->epoch = id_of(55);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    while (driver_asks(d, IRX_OP_READ))
        driver_answer(d, IRX_RESULT_OK, &record);
    driver_wait(d, 1500, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* A holder that is gone does not end the quarantine: another store may know a living one. */
static void gone_does_not_end_the_quarantine(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_equal(d->watched, record.process));
    d->epoch = id_of(55);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    while (driver_asks(d, IRX_OP_READ))
        driver_answer(d, IRX_RESULT_OK, &record);
    driver_gone(d, record.process);
    driver_wait(d, 1000, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM_IF_GONE));
    assert_false(driver_asks(d, IRX_OP_CLAIM));
}

/* Second in rank lets the deputy go first; a refused claim is a sight like any other. */
static void claims_are_staggered_by_rank(void **state)
{
    (void)state;
    driver_add_member(d, id_of(2), 1);
    driver_add_member(d, id_of(3), 2);
    irx_record record = vacant(7);
    driver_join(d, &record);
    assert_int_equal(d->op.id, 0);
    driver_advance(d, 14);
    assert_int_equal(d->op.id, 0);
    driver_advance(d, 2);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    irx_record other = held(id_of(2), 8, 4);
    driver_answer(d, IRX_RESULT_CONFLICT, &other);
    assert_false(driver_leads(d));
    assert_string_equal(driver_events(d),
                        "role follower, started, role candidate, role follower, leader other");
}

/* An answer that waited while the member was stopped is no measure of the network: the stagger does
 * not grow by it. */
static void a_pause_does_not_grow_the_stagger(void **state)
{
    (void)state;
    driver_add_member(d, id_of(2), 1);
    driver_add_member(d, id_of(3), 2);
    irx_record record = held(id_of(4), 7, 3);
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    d->now_ns += 4000 * MS;
    d->wall_ns += 4000 * MS;
    record = vacant(7);
    driver_answer(d, IRX_RESULT_OK, &record);
    driver_advance(d, 16);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* The successor that a release names claims at once, whatever its rank; the deputy then waits. */
static void the_successor_claims_at_once(void **state)
{
    (void)state;
    driver_add_member(d, id_of(2), 1);
    driver_add_member(d, id_of(3), 2);
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    record = vacant(7);
    record.successor = driver_self(d);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

static void the_deputy_lets_the_successor_go_first(void **state)
{
    (void)state;
    driver_add_member(d, id_of(2), 90);
    irx_record record = held(id_of(5), 7, 3);
    driver_join(d, &record);
    record = vacant(7);
    record.successor = id_of(2);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_int_equal(d->op.id, 0);
    driver_advance(d, 6);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* A record that still names this session, because a claim landed late or a lease ran out, is
 * claimed anew without a hold. */
static void own_record_is_claimed_without_a_hold(void **state)
{
    (void)state;
    driver_lead(d);
    driver_advance(d, 300);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    driver_advance(d, 600);
    driver_channel_down(d, IRX_CHANNEL_COMMAND, 1);
    driver_advance(d, 1000);
    assert_false(driver_leads(d));
    irx_record own = held(driver_self(d), 8, 5);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 2, d->epoch);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    driver_answer(d, IRX_RESULT_OK, &own);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_int_equal(d->op.term, 9);
    assert_int_equal(d->op.expected.beat, 5);
}

/* An unknown claim is followed by a READ, never by another claim. */
static void after_unknown_comes_a_read(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EPROTOCOL);
    assert_int_equal(d->op.id, 0); /* not at the speed of the wire */
    driver_advance(d, 21);
    assert_true(driver_asks(d, IRX_OP_READ));
}

/* A reply to an operation that was given up changes nothing. */
static void a_stale_reply_changes_nothing(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    irx_op claim = d->op;
    driver_channel_down(d, IRX_CHANNEL_COMMAND, 1);
    driver_advance(d, 100);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 2, d->epoch);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    irx_op join = d->op;
    record = held(driver_self(d), 8, 4);
    d->op = claim;
    d->generation = 1;
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_false(driver_leads(d));
    assert_true(driver_traced(d, "a stale reply is dropped"));
    d->op = join;
    d->generation = 2;
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* A newer format is somebody else's to understand. */
static void a_newer_format_is_read_only(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    record.format = IRX_FORMAT + 1;
    driver_join(d, &record);
    driver_wait(d, 4000, &record);
    assert_int_equal(d->op.id, 0);
}

/* A living leader with other settings stops the newcomer with an error; a dead one does not. */
static void other_settings_of_a_living_leader(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_events(d);
    driver_do(d, IRX_IN_HINT);
    record.beat = 4;
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_LEAVE));
    driver_ok(d);
    assert_string_equal(driver_events(d), "error MISMATCH, leader none, role stopped, stopped");
}

static void other_settings_of_a_dead_leader(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_wait(d, 1520, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_int_equal(d->op.takeover, IRX_TAKEOVER_FAST);
}

/* An observer sees all and claims nothing. */
static void an_observer_never_claims(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    options.candidate = false;
    driver *observer = driver_new(&options);
    irx_record record = vacant(7);
    driver_join(observer, &record);
    driver_wait(observer, 5000, &record);
    assert_int_equal(observer->op.id, 0);
    driver_free(observer);
}

/* A hint causes a READ and nothing else. */
static void a_hint_causes_a_read(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    assert_true(driver_asks(d, IRX_OP_READ));
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_int_equal(d->op.id, 0);
}

/* A refused operation is tried again after a back-off, and told once. */
static void a_refusal_backs_off(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    driver_events(d);
    driver_fail(d, IRX_RESULT_FAILED, IRX_EFULL);
    assert_int_equal(d->op.id, 0);
    driver_advance(d, 25);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_fail(d, IRX_RESULT_FAILED, IRX_EFULL);
    assert_string_equal(driver_events(d), "error FULL, role follower, role candidate, "
                                          "role follower");
}

/* The hint is not spent before a READ has shown what it was about: the next poll may be far off. */
static void a_refused_reading_keeps_its_hint(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    assert_true(driver_asks(d, IRX_OP_READ));
    driver_fail(d, IRX_RESULT_FAILED, IRX_EUNAVAILABLE);
    assert_int_equal(d->op.id, 0);
    driver_advance(d, 100);
    assert_true(driver_asks(d, IRX_OP_READ));
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_int_equal(d->op.id, 0);
}

/* With all members of a full table dead, nobody but a newcomer could strike them. Only where that
 * makes no room it is trouble. */
static void a_full_table_is_rid_of_the_dead_first(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_do(d, IRX_IN_START);
    driver_up(d);
    driver_events(d);
    for (int round = 0; round < 2; round++) {
        assert_true(driver_asks(d, IRX_OP_JOIN));
        driver_fail(d, IRX_RESULT_FAILED, IRX_EFULL);
        assert_true(driver_asks(d, IRX_OP_STRIKE));
        assert_string_equal(driver_events(d), "");
        driver_answer(d, IRX_RESULT_OK, &record);
        assert_true(driver_asks(d, IRX_OP_JOIN));
        if (round == 1)
            break;
        assert_string_equal(driver_events(d), "leader other");
        driver_fail(d, IRX_RESULT_FAILED, IRX_EFULL);
        assert_int_equal(d->op.id, 0);
        assert_string_equal(driver_events(d), "error FULL");
        driver_advance(d, 100); /* and so again */
        assert_true(driver_asks(d, IRX_OP_STRIKE));
        driver_answer(d, IRX_RESULT_OK, &record);
        driver_answer(d, IRX_RESULT_OK, &record); /* the JOIN */
        assert_true(irx_engine_deadline(d->engine) > d->now_ns);
        d->member_count = 0; /* struck in its turn: it begins anew, with the JOIN */
        driver_do(d, IRX_IN_HINT);
        driver_answer(d, IRX_RESULT_OK, &record);
        driver_advance(d, 400);
        driver_events(d);
    }
}

/* Struck while it was away, a member joins again under its old number. */
static void a_struck_member_joins_again(void **state)
{
    (void)state;
    irx_record record = safe_record(held(id_of(2), 7, 3));
    driver_join(d, &record);
    driver_advance(d, 400);
    d->member_count = 0;
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    assert_int_equal(d->op.join, 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SAFE(name) cmocka_unit_test_setup_teardown(name, setup_safe, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vacant_is_claimed_at_once),
        TEST(absent_is_created_first),
        TEST(first_term_is_above_every_term_known),
        SAFE(unchanged_for_a_hold),
        SAFE(a_renewal_is_a_new_sight),
        SAFE(the_same_again_is_no_sight),
        SAFE(the_largest_hold_seen_counts),
        SAFE(never_held_waits_under_safe),
        SAFE(never_held_counts_anew),
        TEST(never_held_is_claimed_at_once_under_fast),
        TEST(never_held_waits_after_life),
        TEST(quarantine),
        SAFE(a_new_epoch_counts_anew),
        TEST(gone_does_not_end_the_quarantine),
        TEST(claims_are_staggered_by_rank),
        TEST(a_pause_does_not_grow_the_stagger),
        TEST(the_successor_claims_at_once),
        TEST(the_deputy_lets_the_successor_go_first),
        TEST(own_record_is_claimed_without_a_hold),
        TEST(after_unknown_comes_a_read),
        TEST(a_stale_reply_changes_nothing),
        TEST(a_newer_format_is_read_only),
        TEST(other_settings_of_a_living_leader),
        TEST(other_settings_of_a_dead_leader),
        TEST(an_observer_never_claims),
        SAFE(a_hint_causes_a_read),
        TEST(a_refusal_backs_off),
        SAFE(a_refused_reading_keeps_its_hint),
        SAFE(a_full_table_is_rid_of_the_dead_first),
        SAFE(a_struck_member_joins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
