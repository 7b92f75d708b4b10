/* Taking over from a holder whose presence ended: who watches, what is asked of the store, and when
 * it does not count.
 */
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

static int setup_kernel(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    options.kernel = true;
    d = driver_new(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_free(d);
    return 0;
}

/* The deputy watches the holder's process and, when it is gone, asks the store to judge for itself.
 */
static void the_deputy_takes_over_at_once(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_equal(d->watched, record.process));
    assert_int_equal(d->watch_every_ns, 25 * MS);
    driver_gone(d, record.process);
    assert_true(driver_asks(d, IRX_OP_CLAIM_IF_GONE));
    assert_int_equal(d->op.term, 8);
    assert_int_equal(d->op.expected.term, 7);
    driver_ok(d);
    assert_true(driver_leads(d));
}

/* A row that nothing would ever strike, because its member died before it had presence, does not
 * keep the next one from being the deputy. */
static void a_row_without_presence_is_no_deputy(void **state)
{
    (void)state;
    driver_add_member(d, id_of(3), 1);
    d->members[0].process = (irx_id){0};
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_equal(d->watched, record.process));
    assert_int_equal(d->watch_every_ns, 25 * MS);
}

/* After the table was lost two rows may have the same number; still only one of them is the deputy.
 */
static void of_two_rows_of_one_number_one_is_first(void **state)
{
    (void)state;
    driver_add_member(d, (irx_id){0, 1}, 50); /* the number that the driver gives */
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_int_equal(d->watch_every_ns, 100 * MS);
}

/* A JOIN of before, without presence, landed after the one that followed it: the row is written
 * anew, or nobody would know this member's presence. */
static void a_row_that_a_late_join_wrote_is_written_anew(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_false(driver_asks(d, IRX_OP_JOIN));
    d->members[0].process = (irx_id){0};
    driver_do(d, IRX_IN_HINT);
    driver_answer(d, IRX_RESULT_OK, &record);
    driver_wait(d, 300, &record); /* one JOIN a heartbeat */
    assert_true(driver_asks(d, IRX_OP_JOIN));
    assert_true(irx_id_equal(d->op.process, id_of(100)));
}

/* The one behind the deputy watches too, at leisure: leader and deputy may die together. */
static void the_second_watches_at_leisure(void **state)
{
    (void)state;
    driver_add_member(d, id_of(3), 1);
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_equal(d->watched, record.process));
    assert_int_equal(d->watch_every_ns, 100 * MS);
    driver_gone(d, record.process);
    assert_int_equal(d->op.id, 0); /* the deputy goes first */
    driver_wait(d, 11, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM_IF_GONE));
}

/* Behind those two nobody watches. */
static void others_do_not_watch(void **state)
{
    (void)state;
    driver_add_member(d, id_of(3), 1);
    driver_add_member(d, id_of(4), 2);
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_none(d->watched));
}

/* The holder itself does not count for the rank: behind it alone one is the deputy. */
static void behind_the_holder_one_is_the_deputy(void **state)
{
    (void)state;
    driver_add_member(d, id_of(2), 1);
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_equal(d->watched, record.process));
}

/* GONE of another process than the record names changes nothing. */
static void another_process_gone_changes_nothing(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_gone(d, id_of(201));
    assert_int_equal(d->op.id, 0);
    assert_true(irx_id_equal(d->watched, record.process));
}

/* Where the store never saw the holder's presence, or the record says safe, a hold is waited. */
static void unseen_presence_does_not_count(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    record.presence_seen = false;
    driver_join(d, &record);
    assert_true(irx_id_none(d->watched));
    driver_gone(d, record.process);
    assert_int_equal(d->op.id, 0);
}

/* The store says no: look, and watch anew. */
static void refused_it_watches_anew(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_gone(d, record.process);
    assert_true(driver_asks(d, IRX_OP_CLAIM_IF_GONE));
    driver_answer(d, IRX_RESULT_CONFLICT, &record);
    assert_false(driver_leads(d));
    assert_true(irx_id_equal(d->watched, record.process));
    driver_advance(d, 30);
    assert_false(driver_asks(d, IRX_OP_CLAIM_IF_GONE));
}

/* Without presence of its own a member of a fast election waits holds. */
static void without_presence_holds_are_waited(void **state)
{
    (void)state;
    driver_do(d, IRX_IN_START);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 1, d->epoch);
    assert_int_equal(d->op.id, 0); /* presence may still come: it is asked for first */
    driver_channel_down(d, IRX_CHANNEL_PRESENCE, 1);
    assert_true(driver_asks(d, IRX_OP_JOIN));
    irx_record record = held(id_of(2), 7, 3);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(irx_id_none(d->watched));
    driver_wait(d, 1520, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
    assert_true(irx_id_none(d->op.process));
}

/* The watch ends with the command connection, and begins again after it. */
static void the_watch_needs_the_connection(void **state)
{
    (void)state;
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    driver_channel_down(d, IRX_CHANNEL_COMMAND, 1);
    assert_true(irx_id_none(d->watched));
    driver_advance(d, 50);
    driver_channel_up(d, IRX_CHANNEL_COMMAND, 2, d->epoch);
    driver_answer(d, IRX_RESULT_OK, &record);
    assert_true(irx_id_equal(d->watched, record.process));
}

/* Under the kernel's exclusion a leadership has no deadline and no renewals, only a look at the
 * directory. */
static void the_kernel_excludes(void **state)
{
    (void)state;
    driver_lead(d);
    assert_int_equal(d->snapshot.valid_until_ns, IRX_NEVER);
    driver_advance(d, 300);
    assert_true(driver_asks(d, IRX_OP_READ));
    irx_record record = held(driver_self(d), 8, 4);
    driver_answer(d, IRX_RESULT_OK, &record);
    driver_advance(d, 300);
    assert_true(driver_asks(d, IRX_OP_READ));
    assert_true(driver_leads(d));
}

/* There, everybody watches, and a held record is taken only when its holder is gone, however long
 * it is silent. */
static void under_the_kernel_only_gone_counts(void **state)
{
    (void)state;
    driver_add_member(d, id_of(3), 1);
    irx_record record = held(id_of(2), 7, 3);
    driver_join(d, &record);
    assert_true(irx_id_equal(d->watched, record.process));
    driver_wait(d, 10000, &record);
    assert_int_equal(d->op.id, 0);
    driver_gone(d, record.process);
    assert_int_equal(d->op.id, 0);
    driver_wait(d, 12, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM_IF_GONE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define KERNEL(name) cmocka_unit_test_setup_teardown(name, setup_kernel, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_deputy_takes_over_at_once),
        TEST(a_row_without_presence_is_no_deputy),
        TEST(a_row_that_a_late_join_wrote_is_written_anew),
        TEST(of_two_rows_of_one_number_one_is_first),
        TEST(the_second_watches_at_leisure),
        TEST(others_do_not_watch),
        TEST(behind_the_holder_one_is_the_deputy),
        TEST(another_process_gone_changes_nothing),
        TEST(unseen_presence_does_not_count),
        TEST(refused_it_watches_anew),
        TEST(without_presence_holds_are_waited),
        TEST(the_watch_needs_the_connection),
        KERNEL(the_kernel_excludes),
        KERNEL(under_the_kernel_only_gone_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
