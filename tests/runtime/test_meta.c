/* What a member says of itself: given by an option, changed at any time, seen by everybody in the
 * table. Over every medium. */
#include "bent.h"
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

#include <stdlib.h>
#include <string.h>

static const char *url; /* of the medium under test */

static irx_id session_of(irx_election *e)
{
    irx_status status;
    assert_int_equal(irx_election_status(e, &status), 0);
    return status.session;
}

/* Does `e` see this meta of that session? */
static bool sees(irx_election *e, irx_id session, const void *meta, size_t length)
{
    irx_member_info *members;
    size_t count;
    bool found = false;
    assert_int_equal(irx_election_members(e, &members, &count), 0);
    for (size_t i = 0; i < count; i++) {
        if (!irx_id_equal(members[i].session, session))
            continue;
        assert_int_equal(members[i].meta == NULL, members[i].meta_length == 0);
        found = members[i].meta_length == length &&
                (length == 0 || memcmp(members[i].meta, meta, length) == 0);
    }
    irx_members_free(members);
    return found;
}

static void await_meta(irx_election *e, irx_id session, const char *text)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (!sees(e, session, text, strlen(text))) {
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
}

static int set_text(irx_election *e, const char *text, uint64_t *ticket)
{
    return irx_election_set_meta(e, text, strlen(text), ticket);
}

static void everybody_sees_everybodys_meta(void **state)
{
    (void)state;
    irx_election *first = open_election(url, "all", "meta", "{\"n\":1}", NULL);
    irx_election *second = open_election(url, "all", "meta", "{\"number\":2}", NULL);
    irx_election *third = open_election(url, "all", NULL);
    irx_election *list[] = {first, second, third};
    for (int i = 0; i < 3; i++) {
        irx_election_start(list[i]);
        expect_event(list[i], IRX_STARTED);
    }
    for (int i = 0; i < 3; i++) {
        await_meta(list[i], session_of(first), "{\"n\":1}");
        await_meta(list[i], session_of(second), "{\"number\":2}");
        await_meta(list[i], session_of(third), "");
    }
    for (int i = 0; i < 3; i++)
        irx_election_close(list[i]);
}

static void a_change_is_seen_by_the_others(void **state)
{
    (void)state;
    irx_election *leader = open_election(url, "change", "meta", "old", NULL);
    irx_election_start(leader);
    await_leading(leader);
    irx_election *other = open_election(url, "change", NULL);
    irx_election_start(other);
    expect_event(other, IRX_STARTED);
    await_meta(other, session_of(leader), "old");
    no_event_waits(other, IRX_MEMBERS);
    uint64_t ticket;
    assert_int_equal(set_text(leader, "new", &ticket), 0);
    assert_int_equal(await_settled(leader, ticket, NULL), 0);
    assert_true(sees(leader, session_of(leader), "new", 3)); /* the row is written */
    expect_event(other, IRX_MEMBERS);
    await_meta(other, session_of(leader), "new");
    assert_int_equal(set_text(other, "follows", &ticket), 0);
    assert_int_equal(await_settled(other, ticket, NULL), 0);
    await_meta(leader, session_of(other), "follows");
    assert_int_equal(irx_election_set_meta(leader, NULL, 0, &ticket), 0);
    assert_int_equal(await_settled(leader, ticket, NULL), 0);
    await_meta(other, session_of(leader), "");
    irx_election_close(other);
    irx_election_close(leader);
}

static void before_a_start_it_settles_at_once(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "before", "meta", "given", NULL);
    uint64_t ticket;
    assert_int_equal(set_text(e, "changed", &ticket), 0);
    assert_int_equal(await_settled(e, ticket, NULL), 0);
    irx_election_start(e);
    expect_event(e, IRX_STARTED);
    assert_true(sees(e, session_of(e), "changed", 7));
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    irx_election_start(e); /* is what the member says of itself, not of one start */
    expect_event(e, IRX_STARTED);
    assert_true(sees(e, session_of(e), "changed", 7));
    irx_election_close(e);
}

/* Asked for right after the start: it waits for the row. */
static void with_a_start_it_settles_when_the_row_is_written(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "with", NULL);
    uint64_t ticket;
    hold_loop(e);
    irx_election_start(e);
    assert_int_equal(set_text(e, "first", NULL), 0);
    assert_int_equal(set_text(e, "second", &ticket), 0);
    let_loop(e);
    assert_int_equal(await_settled(e, ticket, NULL), 0);
    assert_true(sees(e, session_of(e), "second", 6));
    irx_election_close(e);
}

static void the_last_of_many_changes_stays(void **state)
{
    (void)state;
    enum { MANY = 50 };
    irx_election *e = open_election(url, "many", NULL);
    irx_election_start(e);
    expect_event(e, IRX_STARTED);
    uint64_t tickets[MANY];
    for (int i = 0; i < MANY; i++)
        assert_int_equal(irx_election_set_meta(e, &i, sizeof i, &tickets[i]), 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(await_settled(e, tickets[i], NULL), 0);
    int last = MANY - 1;
    assert_true(sees(e, session_of(e), &last, sizeof last));
    irx_election_close(e);
}

static void meta_is_bytes_of_any_kind_up_to_the_limit(void **state)
{
    (void)state;
    unsigned char bytes[IRX_META_MAX + 1];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 5 + i / 256);
    irx_election *e = open_election(url, "bytes", NULL);
    irx_election_start(e);
    expect_event(e, IRX_STARTED);
    uint64_t ticket = 77;
    assert_int_equal(irx_election_set_meta(e, bytes, sizeof bytes, &ticket), IRX_ETOOLARGE);
    assert_int_equal(ticket, 77);
    assert_int_equal(irx_election_set_meta(e, bytes, IRX_META_MAX, &ticket), 0);
    assert_int_equal(await_settled(e, ticket, NULL), 0);
    assert_true(sees(e, session_of(e), bytes, IRX_META_MAX));
    assert_int_equal(irx_election_set_meta(NULL, bytes, 1, &ticket), IRX_ESTATE);
    irx_election_close(e);
}

/* ---- what no medium does on demand ------------------------------------------------------------
 */

static const irx_medium_class *real;

static void swallow_joins(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    if (op->kind != IRX_OP_JOIN)
        real->submit(medium, seat, op);
}

/* The row is not written, and the election ends: the asker hears so. It is said at the next start
 * all the same. */
static void a_stop_settles_what_was_not_written(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "stopped", NULL);
    irx_election_start(e);
    await_leading(e);
    real = e->class;
    irx_medium_class deaf = *real;
    deaf.submit = swallow_joins;
    bend(e, &deaf);
    uint64_t ticket;
    assert_int_equal(set_text(e, "later", &ticket), 0);
    sleep_ms(20);
    assert_true(no_event_waits(e, IRX_SETTLED));
    irx_election_stop(e);
    assert_int_equal(await_settled(e, ticket, NULL), IRX_ESTOPPED);
    expect_event(e, IRX_STOPPED);
    bend(e, real);
    irx_election_start(e);
    expect_event(e, IRX_STARTED);
    assert_true(sees(e, session_of(e), "later", 5));
    irx_election_close(e);
}

/* A row that was on its way when the connection broke is written again, and settles then. */
static void a_lost_connection_delays_it(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "lost", NULL);
    irx_election_start(e);
    await_leading(e);
    real = e->class;
    irx_medium_class deaf = *real;
    deaf.submit = swallow_joins;
    bend(e, &deaf);
    uint64_t ticket;
    assert_int_equal(set_text(e, "again", &ticket), 0);
    on_loop(e, irx__courier_take);
    bend(e, real);
    cut(e);
    assert_int_equal(await_settled(e, ticket, NULL), 0);
    assert_true(sees(e, session_of(e), "again", 5));
    irx_election_close(e);
}

#define OVER_EVERY_MEDIUM                                                                          \
    cmocka_unit_test(everybody_sees_everybodys_meta),                                              \
        cmocka_unit_test(a_change_is_seen_by_the_others),                                          \
        cmocka_unit_test(before_a_start_it_settles_at_once),                                       \
        cmocka_unit_test(with_a_start_it_settles_when_the_row_is_written),                         \
        cmocka_unit_test(the_last_of_many_changes_stays),                                          \
        cmocka_unit_test(meta_is_bytes_of_any_kind_up_to_the_limit)

int main(void)
{
    const struct CMUnitTest bent[] = {
        OVER_EVERY_MEDIUM,
        cmocka_unit_test(a_stop_settles_what_was_not_written),
        cmocka_unit_test(a_lost_connection_delays_it),
    };
    url = "memory:meta";
    int failed = cmocka_run_group_tests_name("memory", bent, NULL, NULL);
    const struct CMUnitTest plain[] = {OVER_EVERY_MEDIUM};
    redis_server *server = redis_server_start(NULL);
    url = redis_server_url(server);
    failed += cmocka_run_group_tests_name("redis", plain, NULL, NULL);
    redis_server_stop(server);
    const struct CMUnitTest local[] = {OVER_EVERY_MEDIUM};
    char directory[64], local_url[80];
    make_directory(directory, local_url);
    url = local_url;
    failed += cmocka_run_group_tests_name("local", local, NULL, NULL);
    remove_directory(directory);
    return failed;
}
