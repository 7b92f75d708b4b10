/* The line of operations before a connection that no server is behind: what becomes of them where
 * an answer, or memory, is missing, which no server does on demand. */
#include "cmocka_all.h"

#include "medium/postgres_tasks.h"

#include <ev.h>
#include <stdlib.h>

static struct ev_loop *loop;
static irx_medium *medium;
static irx_url url;
static irx_seat seats[2] = {{.name = "one", .label = "host:1"}, {.name = "two", .label = "host:1"}};
static int results;
static irx_result last;

static void take_result(void *owner, irx_seat *seat, const irx_result *result, const irx_error *why)
{
    (void)owner;
    (void)seat;
    (void)why;
    results++;
    last = *result;
}

/* A medium that is up, as far as it knows. */
static int open_medium(void **state)
{
    irx_error error;
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    assert_int_equal(irx__url_parse("postgres://127.0.0.1:1/nowhere", &url, &error), 0);
    const irx_medium_config config = {.url = &url,
                                      .namespace_name = "interrex",
                                      .heartbeat_ns = 300 * INT64_C(1000000),
                                      .loop = loop,
                                      .sink = {.result = take_result}};
    assert_int_equal(irx__medium_postgres.open(&config, &medium, &error), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(irx__medium_postgres.attach(medium, &seats[i], &error), 0);
    irx__pg_command(medium)->state = IRX_PG_READY;
    results = 0;
    return 0;
}

static int close_medium(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        irx__medium_postgres.detach(medium, &seats[i]);
    irx__medium_postgres.close(medium);
    ev_loop_destroy(loop);
    return 0;
}

static void submit(int seat, irx_op_kind kind)
{
    const irx_op op = {.id = 1, .kind = kind, .session = {1, 1}, .deadline_ns = IRX_NEVER / 2};
    irx__medium_postgres.submit(medium, &seats[seat], &op);
}

/* What is not known to have been left undone must not be sent a second time. */
static void what_is_not_answered_is_not_sent_again(void **state)
{
    const irx__pg_rows none = {.rows = 0};
    const irx__pg_outcome outcome = {.rows = &none};
    (void)state;
    submit(0, IRX_OP_CLAIM);
    medium->first->alone = true; /* it went with another one, which was refused */
    assert_true(irx__pg_gather(medium));
    irx__pg_answered(medium, &outcome);
    assert_null(medium->first);
    assert_int_equal(results, 1);
    assert_int_equal(last.status, IRX_RESULT_UNKNOWN);
}

/* Once the connection is to be given up, what is under way is told by its end, and must still be
 * there. */
static void nothing_follows_what_could_not_be_asked(void **state)
{
    const irx_error why = {.code = IRX_ENOMEM};
    (void)state;
    submit(0, IRX_OP_READ);
    submit(1, IRX_OP_JOIN);
    assert_true(irx__pg_gather(medium));
    irx__pg_fail(irx__pg_command(medium), &why); /* there was no memory for it */
    const irx__pg_task *asked = medium->asked[0];
    irx__pg_pump(medium);
    assert_ptr_equal(medium->asked[0], asked);
    assert_non_null(medium->first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_medium, close_medium)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_answered_is_not_sent_again),
        TEST(nothing_follows_what_could_not_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
