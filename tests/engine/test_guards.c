/* Doubts about ourselves: a paused guest, a silent host; and the back-off of connections, and
 * unsafe options. */
#include "cmocka_all.h"
#include "driver.h"

#include <stdlib.h>
#include <string.h>

static driver *d;

static int setup(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    options.stall_limit_ns = 30000 * MS;
    d = driver_new(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_free(d);
    return 0;
}

/* The wall clock moved forward against the boot-time clock by more than half a time-out: the guest
 * was paused. The leader steps down and is somebody new, with another presence, and waits like
 * anyone. */
static void a_forward_jump_ends_leadership(void **state)
{
    (void)state;
    driver_lead(d);
    irx_id before = driver_self(d);
    driver_events(d);
    d->wall_ns += 751 * MS;
    driver_do(d, IRX_IN_TIMEOUT);
    assert_string_equal(driver_events(d), "defeated clock-jump, leader none, role follower, "
                                          "leader other");
    assert_false(irx_id_equal(before, driver_self(d)));
    bool presence_dropped = false;
    for (size_t i = 0; i < d->outputs.count; i++) {
        const irx_output *o = &d->outputs.list[i];
        presence_dropped |=
            o->kind == IRX_OUT_DISCONNECT && o->channel.channel == IRX_CHANNEL_PRESENCE;
    }
    assert_true(presence_dropped);
    driver_advance(d, 25);
    driver_channel_up(d, IRX_CHANNEL_PRESENCE, 2, id_of(101));
    assert_true(driver_asks(d, IRX_OP_JOIN));
    irx_record record = held(before, 8, 4);
    driver_answer(d, IRX_RESULT_OK, &record);
    driver_wait(d, 1400, &record);
    assert_false(driver_asks(d, IRX_OP_CLAIM));
    driver_wait(d, 150, &record);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* Two copies of one guest, restored at different times, know the same random numbers; the new
 * sessions they draw must be two all the same. */
static void two_copies_become_two(void **state)
{
    (void)state;
    driver_lead(d);
    void *copy = malloc(irx_engine_size());
    assert_non_null(copy);
    memcpy(copy, d->engine, irx_engine_size());
    int64_t wall_ns = d->wall_ns;
    d->wall_ns += 800 * MS;
    driver_do(d, IRX_IN_TIMEOUT);
    irx_id first = driver_self(d);
    memcpy(d->engine, copy, irx_engine_size());
    free(copy);
    d->wall_ns = wall_ns + 801 * MS;
    driver_do(d, IRX_IN_TIMEOUT);
    assert_false(irx_id_equal(first, driver_self(d)));
}

/* Half a time-out is within what clocks do; backward steps mean nothing. */
static void other_steps_of_the_wall_clock_mean_nothing(void **state)
{
    (void)state;
    driver_lead(d);
    d->wall_ns += 750 * MS;
    driver_do(d, IRX_IN_TIMEOUT);
    assert_true(driver_leads(d));
    d->wall_ns -= 3600 * 1000 * MS;
    driver_do(d, IRX_IN_TIMEOUT);
    assert_true(driver_leads(d));
}

/* A host that shows no life for the stall limit loses leadership; it is released, and not claimed
 * until a pulse. */
static void a_silent_host_steps_down(void **state)
{
    (void)state;
    driver_lead(d);
    driver_events(d);
    while (d->now_ns < d->pulse_ns + 29900 * MS) {
        driver_wait(d, 50, NULL);
        if (d->op.id != 0)
            driver_ok(d);
    }
    assert_true(driver_leads(d));
    while (d->now_ns < d->pulse_ns + 30000 * MS) {
        driver_wait(d, 10, NULL);
        if (driver_asks(d, IRX_OP_RENEW))
            driver_ok(d);
    }
    assert_string_equal(driver_events(d), "defeated host-stalled, leader none, role follower");
    assert_true(driver_asks(d, IRX_OP_RELEASE));
    driver_ok(d);
    irx_record record = vacant(8);
    driver_wait(d, 3000, &record);
    assert_int_equal(d->op.id, 0);
    assert_true(d->snapshot.stalled);
    d->pulse_ns = d->now_ns;
    driver_do(d, IRX_IN_WAKE);
    assert_true(driver_asks(d, IRX_OP_CLAIM));
}

/* After a failure it is tried again within 20 ms, then within 40, … at most min(time-out, 5 s). */
static void connections_back_off(void **state)
{
    (void)state;
    driver_do(d, IRX_IN_START);
    int64_t longest_ns = 0;
    for (uint32_t attempt = 1; attempt < 40; attempt++) {
        irx_input input = {.kind = IRX_IN_MEDIUM_DOWN};
        input.down.channel = IRX_CHANNEL_COMMAND;
        input.down.generation = attempt;
        input.down.attempt = attempt;
        input.down.draw = UINT64_MAX / attempt;
        input.down.error_code = IRX_EUNREACHABLE;
        driver_input(d, input);
        int64_t wait_ns = irx_engine_deadline(d->engine) - d->now_ns;
        longest_ns = wait_ns > longest_ns ? wait_ns : longest_ns;
        assert_true(wait_ns > 0);
        assert_true(wait_ns <= (attempt < 8 ? 20 * MS << (attempt - 1) : 1500 * MS));
        driver_advance(d, 1501);
    }
    assert_true(longest_ns > 500 * MS);
    assert_string_equal(driver_events(d), "role follower, error UNREACHABLE");
}

static void assert_refused(irx_engine_options options, const char *word)
{
    irx_error error = {0};
    assert_int_equal(irx_engine_options_check(&options, &error), IRX_ECONFIG);
    if (strstr(error.text, word) == NULL)
        fail_msg("'%s' does not name %s", error.text, word);
}

/* Numbers that are not safe together are refused, by the option's name, its value and the rule. */
static void unsafe_options_are_refused(void **state)
{
    (void)state;
    irx_engine_options options = driver_options();
    assert_int_equal(irx_engine_options_check(&options, NULL), 0);
    options.timeout_ns = 899 * MS;
    assert_refused(options, "timeout: 899 ms is unsafe");
    options = driver_options();
    options.heartbeat_ns = 9 * MS;
    assert_refused(options, "heartbeat: 9 ms");
    options = driver_options();
    options.timeout_ns = 600001 * MS;
    assert_refused(options, "timeout: 600001 ms");
    options = driver_options();
    options.drift_ppm = 100001;
    assert_refused(options, "drift: 100001 ppm");
    options = driver_options();
    options.stall_limit_ns = 1;
    assert_refused(options, "stall_limit");
    options = driver_options();
    options.probe_ns = 1;
    assert_refused(options, "probe");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_forward_jump_ends_leadership), TEST(other_steps_of_the_wall_clock_mean_nothing),
        TEST(two_copies_become_two),          TEST(a_silent_host_steps_down),
        TEST(connections_back_off),           TEST(unsafe_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
