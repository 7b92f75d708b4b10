/* Protocol quorum from the leader's side: the list of voters, and how long acknowledgements carry a
 * leadership. Y is 1500 ms and the drift 0.005, so a lease lasts 1492.5 ms. */
#include "cmocka_all.h"
#include "driver.h"

#include <string.h>

#define LEASE_NS (1492500 * INT64_C(1000))

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

/* Leading term 8 beside members 30 to 34, whom it knows from the table alone. */
static void lead_among(int others)
{
    irx_record record = vacant(7);
    record.protocol = IRX_PROTOCOL_QUORUM;
    driver_join(d, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    driver_ok(d);
    for (int i = 0; i < others; i++)
        driver_add_member(d, id_of((uint64_t)(30 + i)), (uint64_t)(60 + i));
    assert_true(driver_asks(d, IRX_OP_STRIKE));
    driver_ok(d);
    assert_true(driver_leads(d));
}

/* Goes on to the next RENEW, which stays unanswered. */
static void next_renewal(void)
{
    for (int i = 0; i < 200 && !driver_asks(d, IRX_OP_RENEW); i++) {
        if (d->op.id != 0)
            driver_ok(d);
        else
            driver_advance(d, 5);
    }
    assert_true(driver_asks(d, IRX_OP_RENEW));
}

static void acknowledge(uint64_t beat, uint64_t member)
{
    irx_message ack = {
        .kind = IRX_MESSAGE_ACK,
        .from = id_of(member),
        .to = driver_self(d),
        .token = d->snapshot.token,
        .beat = beat,
    };
    driver_message(d, ack);
}

/* A heartbeat: the renewal is confirmed, and these members acknowledge its beat. */
static void beat_with(const uint64_t *members, size_t count)
{
    next_renewal();
    uint64_t beat = d->op.beat;
    driver_ok(d);
    for (size_t i = 0; i < count; i++)
        acknowledge(beat, members[i]);
}

static bool writes(uint64_t member)
{
    for (uint32_t i = 0; i < d->op.voter_count; i++) {
        if (irx_id_equal(d->op.voters[i], id_of(member)))
            return true;
    }
    return false;
}

static const uint64_t ALL[] = {30, 31, 32, 33, 34};

static void who_acknowledges_becomes_a_voter(void **state)
{
    (void)state;
    lead_among(3);
    next_renewal();
    assert_false(d->op.list_changed);
    assert_int_equal(d->op.list, 1);
    assert_int_equal(d->op.voter_count, 1);
    uint64_t beat = d->op.beat;
    driver_ok(d);
    acknowledge(beat, 30);
    acknowledge(beat, 31);
    acknowledge(beat, 99); /* in no row: nobody */
    next_renewal();
    assert_true(d->op.list_changed);
    assert_int_equal(d->op.list, 2);
    assert_int_equal(d->op.voter_count, 3);
    assert_true(irx_id_equal(d->op.voters[0], driver_self(d)));
    assert_true(writes(30) && writes(31) && !writes(32) && !writes(99));
    driver_ok(d);
    next_renewal();
    assert_false(d->op.list_changed);
    assert_int_equal(d->op.list, 2);
}

/* A change travels again in each renewal until the store has shown it. */
static void a_list_is_sent_until_it_was_shown(void **state)
{
    (void)state;
    lead_among(2);
    beat_with(ALL, 2);
    next_renewal();
    assert_int_equal(d->op.list, 2);
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EUNAVAILABLE);
    next_renewal();
    assert_true(d->op.list_changed);
    assert_int_equal(d->op.list, 2);
    driver_ok(d);
    beat_with(ALL, 2);
    next_renewal();
    assert_false(d->op.list_changed);
}

/* Of a list of three one acknowledgement beside the own is half, rounded up. Renewals go on all the
 * while; the time counts from the sending of the beat. */
static void without_acknowledgements_it_ends(void **state)
{
    (void)state;
    lead_among(2);
    beat_with(ALL, 2);
    beat_with(ALL, 2);
    next_renewal();
    int64_t sent_ns = d->now_ns;
    uint64_t beat = d->op.beat;
    driver_ok(d);
    assert_true(d->snapshot.valid_until_ns < sent_ns + LEASE_NS);
    d->now_ns += 40 * MS;
    d->wall_ns += 40 * MS;
    acknowledge(beat, 31);
    assert_int_equal(d->snapshot.valid_until_ns, sent_ns + LEASE_NS);
    driver_events(d);
    /* Nothing can be struck: the store is away, as far as renewals go. */
    while (driver_leads(d)) {
        driver_advance(d, 50);
        if (d->op.id != 0 && d->op.list_changed)
            driver_fail(d, IRX_RESULT_FAILED, IRX_EUNAVAILABLE);
        else if (d->op.id != 0)
            driver_ok(d);
    }
    assert_true(d->now_ns - (sent_ns + LEASE_NS) < 60 * MS);
    assert_non_null(strstr(driver_events(d), "defeated cut-off"));
}

/* Both lists count until the store has shown the new one: votes may be counted against either. */
static void a_list_on_its_way_counts_beside_the_one_it_replaces(void **state)
{
    (void)state;
    lead_among(5);
    beat_with(ALL, 2);
    beat_with(ALL, 2); /* listed: itself, 30, 31 */
    const uint64_t old_voters[] = {30, 31};
    beat_with(old_voters, 2);
    next_renewal();
    uint64_t beat = d->op.beat;
    driver_ok(d);
    for (uint64_t member = 30; member < 35; member++)
        acknowledge(beat, member);
    int64_t all_ns = d->snapshot.valid_until_ns;
    next_renewal(); /* proposes all six, and is not answered for a while */
    assert_int_equal(d->op.voter_count, 6);
    beat = d->op.beat;
    int64_t sent_ns = d->now_ns;
    driver_fail(d, IRX_RESULT_UNKNOWN, IRX_EUNAVAILABLE);
    acknowledge(beat, 30); /* half of the old list; of the new one it takes two more */
    assert_int_equal(d->snapshot.valid_until_ns, all_ns);
    next_renewal();
    driver_ok(d);
    acknowledge(beat, 31);
    assert_int_equal(d->snapshot.valid_until_ns, sent_ns + LEASE_NS);
}

static void a_longer_list_can_shorten_it(void **state)
{
    (void)state;
    lead_among(5);
    beat_with(ALL, 2);
    beat_with(ALL, 2);
    next_renewal();
    uint64_t first = d->op.beat;
    int64_t first_ns = d->now_ns;
    driver_ok(d);
    for (uint64_t member = 30; member < 35; member++)
        acknowledge(first, member);
    const uint64_t one[] = {30};
    next_renewal();
    uint64_t second = d->op.beat;
    int64_t second_ns = d->now_ns;
    assert_int_equal(d->op.voter_count, 6);
    d->op.list_changed = false; /* the store shows the old list: a later one has overtaken it */
    driver_ok(d);
    acknowledge(second, one[0]);
    assert_true(d->snapshot.valid_until_ns <= first_ns + LEASE_NS);
    next_renewal();
    driver_ok(d); /* now it is shown: two of the five others acknowledged no more than the first */
    assert_int_equal(d->snapshot.valid_until_ns, first_ns + LEASE_NS);
    acknowledge(second, 31);
    assert_int_equal(d->snapshot.valid_until_ns, second_ns + LEASE_NS);
}

/* Where in the last step's outputs the first of that kind is. */
static size_t place_of(irx_output_kind kind)
{
    size_t at = 0;
    while (at < d->outputs.count && d->outputs.list[at].kind != kind)
        at++;
    assert_true(at < d->outputs.count);
    return at;
}

/* New voters may have acknowledged no more than an older beat. What that takes away is told before
 * the list leaves: who is stopped in between must not lead on while the new voters vote. */
static void a_list_that_grows_takes_time_away(void **state)
{
    (void)state;
    lead_among(5);
    beat_with(ALL, 2);
    beat_with(ALL, 2);
    next_renewal();
    uint64_t older = d->op.beat;
    int64_t older_ns = d->now_ns;
    driver_ok(d);
    next_renewal();
    int64_t newer_ns = d->now_ns;
    uint64_t newer = d->op.beat;
    driver_ok(d);
    acknowledge(newer, 30);
    assert_int_equal(d->snapshot.valid_until_ns, newer_ns + LEASE_NS);
    for (uint64_t member = 32; member < 35; member++)
        acknowledge(older, member);
    next_renewal();
    assert_int_equal(d->op.voter_count, 5); /* 31 was silent for too long */
    assert_int_equal(d->snapshot.valid_until_ns, older_ns + LEASE_NS);
    assert_true(place_of(IRX_OUT_SNAPSHOT) < place_of(IRX_OUT_OP));
}

static void silent_voters_are_struck_before_they_are_missed(void **state)
{
    (void)state;
    lead_among(2);
    beat_with(ALL, 2);
    beat_with(ALL, 2);
    int64_t last_ns = d->now_ns;
    for (int i = 0; i < 30; i++) {
        driver_advance(d, 100);
        if (driver_asks(d, IRX_OP_RENEW) && d->op.voter_count == 1)
            break;
        if (d->op.id != 0)
            driver_ok(d);
    }
    assert_true(d->op.list_changed);
    assert_int_equal(d->op.list, 3);
    assert_true(d->now_ns - last_ns <= 1100 * MS);
    driver_ok(d);
    for (int i = 0; i < 30; i++) {
        driver_advance(d, 100);
        if (d->op.id != 0)
            driver_ok(d);
        assert_true(driver_leads(d));
    }
}

/* Who has left is struck at once, at the first look at the table. */
static void a_scale_down_deposes_nobody(void **state)
{
    (void)state;
    lead_among(5);
    beat_with(ALL, 5);
    beat_with(ALL, 5);
    beat_with(ALL, 5);
    next_renewal();
    driver_ok(d);
    d->member_count -= 4;
    driver_do(d, IRX_IN_HINT);
    for (int i = 0; i < 3 && d->op.id != 0 && !driver_asks(d, IRX_OP_RENEW); i++)
        driver_ok(d);
    assert_true(driver_asks(d, IRX_OP_RENEW));
    assert_true(d->op.list_changed);
    assert_int_equal(d->op.voter_count, 2);
    assert_true(writes(30));
}

/* A late acknowledgement of an earlier beat takes nothing away, one of another term gives nothing.
 */
static void late_acknowledgements_change_nothing(void **state)
{
    (void)state;
    lead_among(2);
    beat_with(ALL, 2);
    beat_with(ALL, 2);
    beat_with(ALL, 2);
    int64_t until_ns = d->snapshot.valid_until_ns;
    next_renewal();
    uint64_t beat = d->op.beat;
    driver_ok(d);
    acknowledge(beat - 1, 30);
    assert_int_equal(d->snapshot.valid_until_ns, until_ns);
    irx_message ack = {.kind = IRX_MESSAGE_ACK, .from = id_of(30), .to = driver_self(d)};
    ack.token = (irx_token){d->snapshot.token.term - 1, d->snapshot.token.incarnation};
    ack.beat = beat;
    driver_message(d, ack);
    assert_int_equal(d->snapshot.valid_until_ns, until_ns);
    ack.token = d->snapshot.token;
    ack.to = id_of(31);
    driver_message(d, ack); /* for another session */
    assert_int_equal(d->snapshot.valid_until_ns, until_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(who_acknowledges_becomes_a_voter),
        T(a_list_is_sent_until_it_was_shown),
        T(without_acknowledgements_it_ends),
        T(a_list_on_its_way_counts_beside_the_one_it_replaces),
        T(a_longer_list_can_shorten_it),
        T(a_list_that_grows_takes_time_away),
        T(silent_voters_are_struck_before_they_are_missed),
        T(a_scale_down_deposes_nobody),
        T(late_acknowledgements_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
