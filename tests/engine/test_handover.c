/* Leadership given up: draining, release to a named successor, the pause afterwards, and stopping
 * in any state. */
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

static int teardown(void **state)
{
    (void)state;
    driver_free(d);
    return 0;
}

/* Resigning without work: draining, then over, in two steps; the snapshot says no before the
 * release leaves. */
static void resigning_without_work(void **state)
{
    (void)state;
    driver_lead(d);
    driver_events(d);
    driver_do(d, IRX_IN_RESIGN);
    assert_false(driver_leads(d));
    assert_int_equal(d->op.id, 0);
    assert_int_equal(irx_engine_deadline(d->engine), d->now_ns);
    driver_do(d, IRX_IN_TIMEOUT);
    assert_string_equal(driver_events(d), "draining resigned, role draining, defeated resigned, "
                                          "leader none, role follower");
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    assert_int_equal(d->op.term, 8);
    assert_true(irx_id_none(d->op.successor));
    assert_false(d->op.leave);
    size_t snapshot = IRX_OUTPUTS_MAX;
    size_t release = 0;
    for (size_t i = 0; i < d->outputs.count; i++) {
        if (d->outputs.list[i].kind == IRX_OUT_SNAPSHOT && snapshot == IRX_OUTPUTS_MAX)
            snapshot = i;
        if (d->outputs.list[i].kind == IRX_OUT_OP)
            release = i;
    }
    assert_true(snapshot < release);
}

/* While work runs, check() stays true and renewals go on; is_leader says no. */
static void work_is_waited_for(void **state)
{
    (void)state;
    driver_lead(d);
    d->work = 2;
    driver_do(d, IRX_IN_RESIGN);
    assert_false(driver_leads(d));
    assert_true(d->now_ns < d->snapshot.valid_until_ns);
    int renewals = 0;
    for (int64_t end_ns = d->now_ns + 3000 * MS; d->now_ns < end_ns;) {
        driver_wait(d, 100, NULL);
        renewals += driver_asks(d, IRX_OP_RENEW);
        assert_false(driver_asks(d, IRX_OP_RELEASE));
        if (d->op.id != 0)
            driver_ok(d);
    }
    assert_true(renewals >= 9);
    d->work = 0;
    driver_do(d, IRX_IN_WAKE);
    assert_true(driver_asks(d, IRX_OP_RELEASE));
}

/* Work that began between the decision and the snapshot is counted: the drain looks again in a
 * later step. */
static void work_that_just_began_is_counted(void **state)
{
    (void)state;
    driver_lead(d);
    driver_do(d, IRX_IN_RESIGN);
    d->work = 1;
    driver_do(d, IRX_IN_TIMEOUT);
    assert_int_equal(d->op.id, 0);
    assert_int_equal(d->snapshot.role, IRX_ROLE_DRAINING);
}

/* At the drain limit it is over, work or not. */
static void the_drain_limit_ends_it(void **state)
{
    (void)state;
    driver_lead(d);
    d->work = 1;
    driver_do(d, IRX_IN_RESIGN);
    int64_t began_ns = d->now_ns;
    while (!driver_asks(d, IRX_OP_RELEASE) && d->now_ns < began_ns + 6000 * MS) {
        if (d->op.id != 0)
            driver_ok(d);
        driver_wait(d, 10, NULL);
    }
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    assert_in_range(d->now_ns - began_ns, 5000 * MS, 5020 * MS);
}

/* A transfer names its successor; the giver waits its turn for a time-out and a half, though it is
 * the deputy: others may know of the release only by their next poll. */
static void a_transfer_names_its_successor(void **state)
{
    (void)state;
    driver_lead(d);
    driver_add_member(d, id_of(2), 90);
    irx_input input = {.kind = IRX_IN_TRANSFER};
    input.transfer.successor = id_of(2);
    driver_events(d);
    driver_input(d, input);
    driver_do(d, IRX_IN_TIMEOUT);
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    assert_true(irx_id_equal(d->op.successor, id_of(2)));
    assert_string_equal(driver_events(d), "draining transferred, role draining, "
                                          "defeated transferred, leader none, role follower");
    driver_ok(d);
    irx_record record = vacant(8);
    driver_wait(d, 2240, &record);
    assert_int_equal(d->op.id, 0);
    driver_wait(d, 50, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Whoever is asked to lead again just after it gave up does so at once. */
static void a_successor_does_not_rest(void **state)
{
    (void)state;
    driver_lead(d);
    driver_add_member(d, id_of(2), 90);
    driver_do(d, IRX_IN_RESIGN);
    driver_do(d, IRX_IN_TIMEOUT);
    driver_ok(d);
    irx_record record = held(id_of(2), 9, 1);
    driver_wait(d, 100, &record);
    record = vacant(9);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_int_equal(d->op.id, 0);
    record.successor = driver_self(d);
    record.beat++;
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Nobody else could lead: then the one that resigned goes on without the pause. */
static void alone_there_is_no_pause(void **state)
{
    (void)state;
    driver_lead(d);
    driver_do(d, IRX_IN_RESIGN);
    driver_do(d, IRX_IN_TIMEOUT);
    driver_ok(d);
    irx_record record = vacant(8);
    driver_wait(d, 20, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Who joined a moment ago may not be known yet: it looks again before it calls itself alone. */
static void alone_is_what_a_reading_after_the_release_says(void **state)
{
    (void)state;
    driver_lead(d);
    driver_do(d, IRX_IN_RESIGN);
    driver_do(d, IRX_IN_TIMEOUT);
    driver_ok(d);
    assert_true(driver_asks(d, IRX_OP_READ));
    driver_add_member(d, id_of(2), 90);
    irx_record record = vacant(8);
    driver_wait(d, 2240, &record);
    assert_int_equal(d->op.id, 0);
}

/* A release that was not answered is sent again; it is guarded by session and term. */
static void a_lost_release_is_sent_again(void **state)
{
    (void)state;
    driver_lead(d);
    driver_do(d, IRX_IN_RESIGN);
    driver_do(d, IRX_IN_TIMEOUT);
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EPROTOCOL);
    driver_advance(d, 21);
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    driver_ok(d);
    assert_false(driver_asks(d, IRX_OP_RELEASE));
}

/* No reply to an earlier renewal revives a leadership that was given up. */
static void an_earlier_renewal_does_not_revive_it(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    irx_op renewal = d->op;
    driver_do(d, IRX_IN_RESIGN);
    driver_do(d, IRX_IN_TIMEOUT);
    irx_op release = d->op;
    assert_int_equal(release.kind, IRX_OP_RELEASE);
    d->op = renewal;
    driver_ok(d);
    assert_false(driver_leads(d));
    d->op = release;
    driver_ok(d);
    assert_false(driver_leads(d));
}

/* Stopping while leading releases and leaves in one operation, and ends with `stopped`. */
static void stopping_while_leading(void **state)
{
    (void)state;
    driver_lead(d);
    driver_events(d);
    driver_do(d, IRX_IN_STOP);
    driver_do(d, IRX_IN_TIMEOUT);
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    assert_true(d->op.leave);
    driver_ok(d);
    assert_string_equal(driver_events(d),
                        "draining stopped, role draining, defeated stopped, leader none, "
                        "role follower, role stopped, stopped");
    assert_int_equal(irx_engine_deadline(d->engine), IRX_NEVER);
}

/* The RELEASE of a resignation did not take the row along; nobody would ever strike it, as long as
 * its process lives. */
static void stopping_with_a_release_in_flight(void **state)
{
    (void)state;
    driver_lead(d);
    driver_do(d, IRX_IN_RESIGN);
    driver_do(d, IRX_IN_TIMEOUT);
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    assert_false(d->op.leave);
    driver_do(d, IRX_IN_STOP);
    driver_ok(d);
    assert_true(driver_asks(d, IRX_OP_LEAVE));
    assert_int_not_equal(d->snapshot.role, IRX_ROLE_STOPPED);
    driver_ok(d);
    assert_int_equal(d->snapshot.role, IRX_ROLE_STOPPED);
    assert_int_equal(d->op.id, 0);
}

static void stopping_a_follower(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_do(d, IRX_IN_STOP);
    assert_true(driver_asks(d, IRX_OP_LEAVE));
    assert_true(irx_id_none(d->watched));
    driver_events(d);
    driver_ok(d);
    assert_string_equal(driver_events(d), "leader none, role stopped, stopped");
}

static void stopping_before_anything_is_connected(void **state)
{
    (void)state;
    driver_do(d, IRX_IN_STOP);
    assert_string_equal(driver_events(d), "");
    driver_do(d, IRX_IN_START);
    driver_do(d, IRX_IN_STOP);
    assert_string_equal(driver_events(d), "role follower, role stopped, stopped");
}

/* A claim in flight is waited for: had it landed unseen, nobody could lead for a hold. */
static void stopping_with_a_claim_in_flight(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_do(d, IRX_IN_STOP);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_ok(d);
    assert_false(driver_leads(d));
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    assert_true(d->op.leave);
    driver_ok(d);
    assert_int_equal(d->snapshot.role, IRX_ROLE_STOPPED);
}

/* So is a row: a JOIN that was sent may have landed, whatever is known of it. */
static void stopping_with_a_join_in_flight(void **state)
{
    (void)state;
    driver_do(d, IRX_IN_START);
    driver_up(d);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    driver_do(d, IRX_IN_STOP);
    assert_true(driver_asks(d, IRX_OP_LEAVE));
    driver_ok(d);
    assert_int_equal(d->snapshot.role, IRX_ROLE_STOPPED);
}

/* A stop is bounded: a silent medium ends it at the operation's deadline. */
static void a_silent_medium_does_not_hold_a_stop_up(void **state)
{
    (void)state;
    driver_lead(d);
    driver_do(d, IRX_IN_STOP);
    driver_advance(d, 510);
    assert_int_equal(d->snapshot.role, IRX_ROLE_STOPPED);
}

/* Also when the medium says that it does not know: the LEAVE is not sent again. */
static void an_unknown_leave_ends_a_stop(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_do(d, IRX_IN_STOP);
    assert_true(driver_asks(d, IRX_OP_LEAVE));
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EPROTOCOL);
    assert_int_equal(d->snapshot.role, IRX_ROLE_STOPPED);
    assert_int_equal(d->op.id, 0);
}

/* Started again it is somebody new, and replies to its earlier life stay stale. */
static void a_new_start_is_a_new_session(void **state)
{
    (void)state;
    driver_lead(d);
    irx_id first = driver_self(d);
    driver_do(d, IRX_IN_STOP);
    driver_do(d, IRX_IN_TIMEOUT);
    uint64_t release = d->op.id;
    driver_ok(d);
    driver_do(d, IRX_IN_START);
    assert_false(irx_id_equal(first, driver_self(d)));
    driver_up(d);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    assert_true(d->op.id > release);
    assert_int_equal(d->op.join, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(resigning_without_work),
        TEST(work_is_waited_for),
        TEST(work_that_just_began_is_counted),
        TEST(the_drain_limit_ends_it),
        TEST(a_transfer_names_its_successor),
        TEST(a_successor_does_not_rest),
        TEST(alone_there_is_no_pause),
        TEST(alone_is_what_a_reading_after_the_release_says),
        TEST(a_lost_release_is_sent_again),
        TEST(an_earlier_renewal_does_not_revive_it),
        TEST(stopping_while_leading),
        TEST(stopping_with_a_release_in_flight),
        TEST(stopping_a_follower),
        TEST(stopping_before_anything_is_connected),
        TEST(stopping_with_a_claim_in_flight),
        TEST(stopping_with_a_join_in_flight),
        TEST(a_silent_medium_does_not_hold_a_stop_up),
        TEST(an_unknown_leave_ends_a_stop),
        TEST(a_new_start_is_a_new_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
