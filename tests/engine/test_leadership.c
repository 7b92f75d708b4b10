/* A leadership from its first moment to its last: what makes it valid, for how long, what ends it
 * and why. */
#include "cmocka_all.h"
#include "driver.h"

static driver *d;

static int setup_with(irx_takeover takeover)
{
    irx_engine_options options = driver_options();
    options.takeover = takeover;
    d = driver_new(&options);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(IRX_TAKEOVER_FAST);
}

static int setup_safe(void **state)
{
    (void)state;
    return setup_with(IRX_TAKEOVER_SAFE);
}

static int teardown(void **state)
{
    (void)state;
    driver_free(d);
    return 0;
}

static irx_record own_record(uint64_t beat)
{
    irx_record record = held(driver_self(d), 8, beat);
    record.process = id_of(100);
    record.takeover = d->op.takeover;
    return record;
}

/* Validity counts from the sending of the claim, not from its reply, and is shortened by the drift.
 */
static void validity_counts_from_sending(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    int64_t sent_ns = d->now_ns;
    driver_advance(d, 200);
    driver_ok(d);
    assert_true(driver_leads(d));
    assert_int_equal(d->snapshot.valid_until_ns - sent_ns, 1492500000);
}

/* A claim that is confirmed after its lease has run out is no leadership. */
static void a_late_confirmation_is_none(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    d->now_ns += 1493 * MS;
    d->wall_ns += 1493 * MS;
    driver_ok(d);
    assert_false(driver_leads(d));
    assert_string_equal(driver_events(d), "role follower, started, role candidate, "
                                          "role follower, role candidate");
}

/* Renewals leave once per heartbeat, each with a beat never used before. */
static void renewals_use_a_new_beat_each(void **state)
{
    (void)state;
    driver_lead(d);
    uint64_t beat = d->op.beat;
    for (int i = 0; i < 4; i++) {
        driver_wait(d, 300, NULL);
        assert_true(driver_asks(d, IRX_OP_RENEW));
        assert_true(d->op.beat > beat);
        beat = d->op.beat;
        driver_ok(d);
        driver_advance(d, 1);
    }
    assert_true(driver_leads(d));
    /* Also one that failed has used its beat up. */
    driver_wait(d, 300, NULL);
    beat = d->op.beat;
    driver_fail(d, IRX_RESULT_FAILED, IRX_EUNAVAILABLE);
    driver_advance(d, 30);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    assert_true(d->op.beat > beat);
}

/* An unconfirmed lease ends by itself at its deadline: first the snapshot, then the event, then a
 * READ. */
static void a_lease_expires(void **state)
{
    (void)state;
    driver_lead(d);
    driver_events(d);
    d->now_ns += 1493 * MS;
    d->wall_ns += 1493 * MS;
    assert_false(driver_leads(d));
    driver_do(d, IRX_IN_TIMEOUT);
    assert_string_equal(driver_events(d), "defeated expired, leader none, role follower");
    size_t i = 0;
    while (d->outputs.list[i].kind == IRX_OUT_TRACE)
        i++;
    assert_int_equal(d->outputs.list[i].kind, IRX_OUT_SNAPSHOT);
    assert_int_equal(d->outputs.list[i + 1].kind, IRX_OUT_EVENT);
    assert_true(driver_asks(d, IRX_OP_READ));
}

/* The deadline is tested before the input is looked at: a confirmation that comes with it is too
 * late. */
static void the_deadline_comes_first(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    d->now_ns += 1493 * MS;
    d->wall_ns += 1493 * MS;
    driver_events(d);
    driver_ok(d);
    assert_string_equal(driver_events(d),
                        "defeated expired, leader none, role follower, role candidate");
}

/* An unknown renewal is followed by a READ; the beat it shows confirms the lease from that
 * request's sending. */
static void a_read_confirms_a_renewal(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    int64_t sent_ns = d->now_ns;
    irx_record record = own_record(d->op.beat);
    driver_advance(d, 100);
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EPROTOCOL);
    driver_advance(d, 21);
    assert_true(driver_asks(d, IRX_OP_READ));
    driver_advance(d, 50);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_int_equal(d->snapshot.valid_until_ns - sent_ns, 1492500000);
    assert_true(driver_asks(d, IRX_OP_RENEW));
}

/* A READ that shows an older beat confirms no more than that. */
static void a_read_of_an_older_beat_confirms_no_more(void **state)
{
    (void)state;
    driver_lead(d);
    int64_t until_ns = d->snapshot.valid_until_ns;
    irx_record record = own_record(4);
    driver_wait(d, 300, NULL);
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EPROTOCOL);
    driver_advance(d, 21);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_int_equal(d->snapshot.valid_until_ns, until_ns);
    assert_true(driver_leads(d));
}

/* Only a foreign session or term, or no record, is a loss. */
static void a_foreign_session_supersedes(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    driver_events(d);
    irx_record other = held(id_of(2), 9, 4);
    driver_answer(d, IRX_RESULT_STALE, &other);
    assert_string_equal(driver_events(d), "defeated superseded, leader other, role follower");
}

static void another_term_of_its_own_supersedes(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    driver_events(d);
    irx_record other = held(driver_self(d), 9, 4);
    driver_answer(d, IRX_RESULT_STALE, &other);
    assert_string_equal(driver_events(d), "defeated superseded, leader none, role follower");
    assert_true(driver_asks(d, IRX_OP_READ));
}

static void a_lost_record_is_a_loss_and_is_not_renewed(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    driver_events(d);
    driver_answer(d, IRX_RESULT_ABSENT, NULL);
    assert_string_equal(driver_events(d), "defeated record-lost, leader none, role follower");
    assert_false(driver_leads(d));
}

/* A refused renewal costs nothing by itself: it is tried again while the lease lasts. */
static void a_refused_renewal_is_tried_again(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    driver_fail(d, IRX_RESULT_FAILED, IRX_EUNAVAILABLE);
    assert_true(driver_leads(d));
    driver_advance(d, 25);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    driver_ok(d);
    assert_true(driver_leads(d));
}

/* A leader whose epoch is over steps down, on any reply that tells of it and on reconnection. */
static void another_epoch_ends_it(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    irx_record record = own_record(4);
    d->epoch = id_of(55);
    driver_events(d);
    driver_answer(d, IRX_RESULT_EPOCH, &record);
    assert_string_equal(driver_events(d), "defeated store-changed, leader none, role follower");
    driver_wait(d, 1400, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 200, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_false(irx_id_equal(d->op.incarnation, record.incarnation));
}

static void another_epoch_on_reconnection_ends_it(void **state)
{
    (void)state;
    driver_lead(d);
    driver_channel_down(d, IRX_CHANNEL_COMMAND, 1);
    assert_true(driver_leads(d));
    driver_events(d);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 2, id_of(55));
    assert_string_equal(driver_events(d), "defeated store-changed, leader none, role follower");
}

/* A lost command connection costs nothing until the deadline; then the reason is cut-off. */
static void cut_off(void **state)
{
    (void)state;
    driver_lead(d);
    driver_channel_down(d, IRX_CHANNEL_COMMAND, 1);
    driver_advance(d, 1480);
    assert_true(driver_leads(d));
    driver_events(d);
    driver_advance(d, 20);
    assert_string_equal(driver_events(d), "defeated cut-off, leader none, role follower");
}

/* Back in time, the first thing sent is a renewal. */
static void a_reconnected_leader_renews_first(void **state)
{
    (void)state;
    driver_lead(d);
    driver_channel_down(d, IRX_CHANNEL_COMMAND, 1);
    driver_advance(d, 400);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 2, d->epoch);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    driver_ok(d);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    assert_true(driver_leads(d));
}

/* A request that is not answered in a third of the time-out takes the connection with it. */
static void silence_drops_the_connection(void **state)
{
    (void)state;
    driver_lead(d);
    driver_advance(d, 300);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    driver_advance(d, 500);
    bool dropped = false;
    for (size_t i = 0; i < d->outputs.count; i++)
        dropped |= d->outputs.list[i].kind == IRX_OUT_DISCONNECT;
    assert_true(dropped || driver_traced(d, "not answered in time"));
    assert_true(driver_leads(d));
}

/* So does one of which the medium says so itself. */
static void a_request_that_timed_out_drops_the_connection(void **state)
{
    (void)state;
    driver_lead(d);
    driver_wait(d, 300, NULL);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_ETIMEOUT);
    bool dropped = false;
    for (size_t i = 0; i < d->outputs.count; i++)
        dropped |= d->outputs.list[i].kind == IRX_OUT_DISCONNECT;
    assert_true(dropped);
    assert_true(driver_leads(d));
}

/* Under fast a lost presence ends the term at once; under safe it costs nothing, and the next
 * renewal names the new one. */
static void a_lost_presence_ends_it_under_fast(void **state)
{
    (void)state;
    driver_lead(d);
    driver_events(d);
    driver_channel_down(d, IRX_CHANNEL_PRESENCE, 1);
    assert_string_equal(driver_events(d),
                        "defeated presence-lost, leader none, role follower, warning UNREACHABLE");
}

/* Claimed without presence; the renewal that names the new one is not answered, but may have
 * landed: losing that presence ends the term too. */
static void so_does_one_that_an_unanswered_renewal_names(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_do(d, IRX_IN_START);
    driver_channel_down(d, IRX_CHANNEL_PRESENCE, 1);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 1, d->epoch);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_ok(d);
    while (d->op.id != 0)
        driver_ok(d);
    assert_true(driver_leads(d));
    driver_channel_up(d, IRX_CHANNEL_PRESENCE, 2, id_of(101));
    assert_true(driver_asks(d, IRX_OP_RENEW));
    driver_channel_down(d, IRX_CHANNEL_PRESENCE, 2);
    assert_false(driver_leads(d));
}

static void a_lost_presence_costs_nothing_under_safe(void **state)
{
    (void)state;
    driver_lead(d);
    driver_channel_down(d, IRX_CHANNEL_PRESENCE, 1);
    assert_true(driver_leads(d));
    driver_channel_up(d, IRX_CHANNEL_PRESENCE, 2, id_of(101));
    assert_true(driver_asks(d, IRX_OP_RENEW));
    assert_true(irx_id_equal(d->op.process, id_of(101)));
    driver_ok(d);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    assert_true(irx_id_equal(d->op.process, id_of(101)));
}

/* A claim that is confirmed under a presence that has ended meanwhile is no leadership. */
static void a_claim_under_an_old_presence_is_none(void **state)
{
    (void)state;
    irx_record record = vacant(7);
    driver_join(d, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_channel_down(d, IRX_CHANNEL_PRESENCE, 1);
    driver_ok(d);
    assert_false(driver_leads(d));
    assert_true(driver_traced(d, "under a presence that is gone"));
}

/* Who leads is told to followers, once per leadership; renewals are no news. */
static void the_leader_is_told_once(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_string_equal(driver_events(d), "role follower, started, leader other");
    driver_do(d, IRX_IN_HINT);
    record.beat = 4;
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_string_equal(driver_events(d), "");
    driver_do(d, IRX_IN_HINT);
    record = held(id_of(3), 8, 5);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_string_equal(driver_events(d), "leader other");
}

/* The leader strikes silent members as soon as it leads, then once per time-out, also while it
 * knows of none: that is how it learns of those who joined later. */
static void the_leader_strikes_once_per_timeout(void **state)
{
    (void)state;
    driver_lead(d);
    int strikes = 0;
    for (int64_t end_ns = d->now_ns + 4600 * MS; d->now_ns < end_ns;) {
        driver_wait(d, 100, NULL);
        if (d->op.id == 0)
            continue;
        strikes += d->op.kind == IRX_OP_STRIKE;
        driver_ok(d);
    }
    assert_int_equal(strikes, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SAFE(name) cmocka_unit_test_setup_teardown(name, setup_safe, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(validity_counts_from_sending),
        TEST(a_late_confirmation_is_none),
        TEST(renewals_use_a_new_beat_each),
        TEST(a_lease_expires),
        TEST(the_deadline_comes_first),
        TEST(a_read_confirms_a_renewal),
        TEST(a_read_of_an_older_beat_confirms_no_more),
        TEST(a_foreign_session_supersedes),
        TEST(another_term_of_its_own_supersedes),
        TEST(a_lost_record_is_a_loss_and_is_not_renewed),
        TEST(a_refused_renewal_is_tried_again),
        TEST(another_epoch_ends_it),
        TEST(another_epoch_on_reconnection_ends_it),
        TEST(cut_off),
        TEST(a_reconnected_leader_renews_first),
        TEST(silence_drops_the_connection),
        TEST(a_request_that_timed_out_drops_the_connection),
        TEST(a_lost_presence_ends_it_under_fast),
        TEST(so_does_one_that_an_unanswered_renewal_names),
        SAFE(a_lost_presence_costs_nothing_under_safe),
        TEST(a_claim_under_an_old_presence_is_none),
        TEST(the_leader_is_told_once),
        TEST(the_leader_strikes_once_per_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
