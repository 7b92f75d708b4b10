/* The published value: only the leader writes it, everybody receives it, the next leader inherits
 * it, and whoever published is told what is known of it. Over every medium that keeps one. */
#include "bent.h"
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"
#include "runtime/drive.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *url; /* of the medium under test */

static irx_election *started(const char *name)
{
    irx_election *e = open_election(url, name, NULL);
    assert_int_equal(irx_election_start(e), 0);
    return e;
}

static int publish_text(irx_election *e, const char *text, uint64_t *ticket)
{
    return irx_election_publish(e, text, strlen(text), ticket);
}

/* Publishes, and waits until it is durable. */
static irx_version publish(irx_election *e, const char *text)
{
    uint64_t ticket;
    irx_version version = {0, 0};
    assert_int_equal(publish_text(e, text, &ticket), 0);
    assert_int_equal(await_settled(e, ticket, &version), 0);
    return version;
}

static void expect_published(irx_election *e, irx_version version, const char *text)
{
    irx_value *value;
    assert_int_equal(irx_election_value(e, &value), 0);
    assert_int_equal(value->version.term, version.term);
    assert_int_equal(value->version.index, version.index);
    assert_int_equal(value->length, strlen(text));
    assert_non_null(value->data);
    assert_memory_equal(value->data, text, value->length);
    irx_value_free(value);
}

/* Takes events until this value is told. */
static void await_value(irx_election *e, irx_version version, const char *text)
{
    for (;;) {
        irx_event *event = await_event(e, IRX_VALUE);
        bool found = event->version.term == version.term && event->version.index == version.index;
        if (found) {
            assert_int_equal(event->length, strlen(text));
            assert_memory_equal(event->data, text, event->length);
        }
        irx_event_free(event);
        if (found)
            break;
    }
    expect_published(e, version, text);
}

static uint64_t term_of(irx_election *e)
{
    irx_token token = {0};
    assert_true(irx_election_check(e, 0, &token));
    return token.term;
}

static void every_member_receives_what_the_leader_publishes(void **state)
{
    (void)state;
    irx_election *leader = started("receive");
    await_leading(leader);
    irx_election *other = started("receive");
    await_following(other);
    irx_value *none;
    assert_int_equal(irx_election_value(other, &none), 0);
    assert_int_equal(none->version.term, 0);
    assert_int_equal(none->version.index, 0);
    assert_int_equal(none->length, 0);
    assert_null(none->data);
    irx_value_free(none);
    irx_version first = publish(leader, "first");
    assert_int_equal(first.term, term_of(leader));
    assert_int_equal(first.index, 1);
    expect_published(leader, first, "first");
    await_value(other, first, "first");
    irx_version second = publish(leader, "second");
    assert_int_equal(second.term, first.term);
    assert_int_equal(second.index, 2);
    await_value(other, second, "second");
    irx_election *late = started("receive");
    await_value(late, second, "second");
    irx_election_close(late);
    irx_election_close(other);
    irx_election_close(leader);
}

/* The one who published hears of it as everybody does, and before its ticket settles. */
static void the_leader_is_told_its_own_value(void **state)
{
    (void)state;
    irx_election *leader = started("own");
    await_leading(leader);
    uint64_t ticket;
    assert_int_equal(publish_text(leader, "mine", &ticket), 0);
    irx_event *event = NULL;
    do {
        irx_event_free(event);
        assert_int_equal(irx_election_next_event(leader, &event, PATIENCE_MS), 0);
    } while (event->kind != IRX_VALUE && event->kind != IRX_SETTLED);
    assert_int_equal(event->kind, IRX_VALUE);
    assert_memory_equal(event->data, "mine", 4);
    irx_event_free(event);
    assert_int_equal(await_settled(leader, ticket, NULL), 0);
    sleep_ms(50);
    assert_true(no_event_waits(leader, IRX_VALUE)); /* once is enough */
    irx_election_close(leader);
}

static void the_next_leader_inherits_the_value(void **state)
{
    (void)state;
    irx_election *leader = started("inherit");
    await_leading(leader);
    irx_election *next = started("inherit");
    await_following(next);
    irx_version old = publish(leader, "of the old one");
    irx_election_stop(leader);
    await_leading(next);
    expect_published(next, old, "of the old one");
    irx_version new = publish(next, "of the new one");
    assert_int_equal(new.term, term_of(next));
    assert_true(new.term > old.term);
    assert_int_equal(new.index, 1);
    expect_event(leader, IRX_STOPPED);
    expect_published(leader, old, "of the old one"); /* readable after a stop */
    irx_election_start(leader);
    await_value(leader, new, "of the new one");
    irx_election_close(leader);
    irx_election_close(next);
}

static void only_the_leader_may_publish(void **state)
{
    (void)state;
    irx_election *leader = started("only");
    await_leading(leader);
    irx_election *other = started("only");
    await_following(other);
    uint64_t ticket = 77;
    assert_int_equal(publish_text(other, "x", &ticket), IRX_ENOTLEADER);
    irx_election *never = open_election(url, "only", NULL);
    assert_int_equal(publish_text(never, "x", &ticket), IRX_ENOTLEADER);
    assert_int_equal(publish_text(NULL, "x", &ticket), IRX_ESTATE);
    assert_int_equal(ticket, 77);
    irx_election_close(never);
    irx_election_close(other);
    irx_election_close(leader);
}

static void values_are_bytes_of_any_kind_up_to_the_limit(void **state)
{
    (void)state;
    irx_election *leader = started("bytes");
    await_leading(leader);
    irx_election *other = started("bytes");
    expect_event(other, IRX_STARTED);
    unsigned char *bytes = malloc(IRX_VALUE_MAX + 1);
    for (size_t i = 0; i <= IRX_VALUE_MAX; i++)
        bytes[i] = (unsigned char)(i * 11 + i / 256);
    assert_int_equal(irx_election_publish(leader, bytes, IRX_VALUE_MAX + 1, NULL), IRX_ETOOLARGE);
    assert_int_equal(irx_election_publish(leader, bytes, IRX_VALUE_MAX, NULL), 0);
    irx_event *event = await_event(other, IRX_VALUE);
    assert_int_equal(event->length, IRX_VALUE_MAX);
    assert_memory_equal(event->data, bytes, IRX_VALUE_MAX);
    irx_event_free(event);
    irx_version empty = publish(leader, "");
    await_value(other, empty, "");
    free(bytes);
    irx_election_close(other);
    irx_election_close(leader);
}

static void nothing(irx_election *e)
{
    (void)e;
}

/* Who sleeps finds the newest, once. */
static void of_values_the_newest_waits(void **state)
{
    (void)state;
    irx_election *leader = started("newest");
    await_leading(leader);
    irx_election *other = started("newest");
    expect_event(other, IRX_STARTED);
    irx_version version = {0, 0};
    for (int i = 0; i < 20; i++)
        version = publish(leader, i < 19 ? "old" : "new");
    int64_t until_ms = now_ms() + PATIENCE_MS;
    uint64_t seen;
    do {
        irx_value *value;
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
        assert_int_equal(irx_election_value(other, &value), 0);
        seen = value->version.index;
        irx_value_free(value);
    } while (seen < version.index);
    on_loop(other, nothing); /* what was read may be on its way to be told */
    irx_event *event = await_event(other, IRX_VALUE);
    assert_int_equal(event->version.index, 20);
    irx_event_free(event);
    assert_true(no_event_waits(other, IRX_VALUE));
    irx_metrics metrics;
    assert_int_equal(irx_election_metrics(other, &metrics), 0);
    assert_int_equal(metrics.events_dropped, 0);
    irx_election_close(other);
    irx_election_close(leader);
}

static void a_draining_leader_may_publish(void **state)
{
    (void)state;
    irx_election *leader = started("draining");
    await_leading(leader);
    assert_int_equal(irx_election_work_begin(leader, NULL), 0);
    irx_election_stop(leader);
    expect_event(leader, IRX_DRAINING);
    publish(leader, "the state at the end");
    irx_election_work_end(leader);
    expect_event(leader, IRX_STOPPED);
    irx_election_close(leader);
}

/* What was asked for before leadership was given up is written before. */
static void a_last_value_is_written_before_the_release(void **state)
{
    (void)state;
    irx_election *leader = started("last");
    await_leading(leader);
    irx_election *next = started("last");
    await_following(next);
    uint64_t ticket;
    irx_version version;
    hold_loop(leader);
    assert_int_equal(publish_text(leader, "last", &ticket), 0);
    irx_election_resign(leader);
    let_loop(leader);
    assert_int_equal(await_settled(leader, ticket, &version), 0);
    await_leading(next);
    expect_published(next, version, "last");
    irx_election_close(leader);
    irx_election_close(next);
}

/* ---- what no medium does on demand ------------------------------------------------------------
 */

static irx_op swallowed;
static const irx_medium_class *real;

static void swallow_publish(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    if (op->kind == IRX_OP_PUBLISH)
        swallowed = *op;
    else
        real->submit(medium, seat, op);
}

static void publish_of_another_term(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    irx_op other = *op;
    if (op->kind == IRX_OP_PUBLISH)
        other.term++;
    real->submit(medium, seat, &other);
}

static void publish_of_another_epoch(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    irx_op other = *op;
    if (op->kind == IRX_OP_PUBLISH)
        other.epoch.lo++;
    real->submit(medium, seat, &other);
}

static irx_election *bent_leader(const char *name, irx_medium_class *with,
                                 void (*submit)(irx_medium *, irx_seat *, const irx_op *))
{
    irx_election *leader = started(name);
    await_leading(leader);
    real = leader->class;
    *with = *real;
    with->submit = submit;
    bend(leader, with);
    return leader;
}

/* The store is the judge: it knows of a successor before the old leader does. */
static void the_store_refuses_who_no_longer_leads(void **state)
{
    (void)state;
    irx_medium_class with;
    uint64_t ticket;
    irx_election *leader = bent_leader("refused", &with, publish_of_another_term);
    assert_int_equal(publish_text(leader, "x", &ticket), 0);
    assert_int_equal(await_settled(leader, ticket, NULL), IRX_ENOTLEADER);
    with.submit = publish_of_another_epoch;
    assert_int_equal(publish_text(leader, "x", &ticket), 0);
    assert_int_equal(await_settled(leader, ticket, NULL), IRX_ENOTLEADER);
    irx_value *value;
    assert_int_equal(irx_election_value(leader, &value), 0);
    assert_int_equal(value->version.term, 0);
    irx_value_free(value);
    bend(leader, real);
    irx_election_close(leader);
}

/* What was asked for before has been submitted when the background thread comes to this. */
static void await_swallowed(irx_election *e)
{
    on_loop(e, irx__courier_take);
    assert_true(swallowed.id >> 63);
}

static irx_event *await_settling(irx_election *e)
{
    irx_event *event = await_event(e, IRX_SETTLED);
    assert_non_null(strstr(event->error.text, "may have been written"));
    return event;
}

static void a_lost_connection_leaves_it_open(void **state)
{
    (void)state;
    irx_medium_class with;
    swallowed.id = 0;
    irx_election *leader = bent_leader("lost", &with, swallow_publish);
    assert_int_equal(publish_text(leader, "x", (uint64_t[1]){0}), 0);
    await_swallowed(leader);
    cut(leader);
    irx_event *event = await_settling(leader);
    assert_int_equal(event->error.code, IRX_EUNREACHABLE);
    irx_event_free(event);
    bend(leader, real);
    irx_election_close(leader);
}

static irx_status_kind answer_status;
static int answer_code;

static void answer_swallowed(irx_election *e)
{
    irx_result result = {
        .id = swallowed.id,
        .generation = swallowed.generation,
        .status = answer_status,
        .error_code = answer_code,
    };
    e->in_flight--;
    e->hub->in_flight--;
    irx__drive_trouble(e, &(irx_error){answer_code, "the medium's own words"});
    irx__drive_result(e, &result);
}

static void answers_are_told_as_what_they_are(void **state)
{
    (void)state;
    static const struct {
        irx_status_kind status;
        int code, told;
        const char *says;
    } cases[] = {
        {IRX_RESULT_UNKNOWN, IRX_ETIMEOUT, IRX_ETIMEOUT, "may have been written"},
        {IRX_RESULT_UNKNOWN, IRX_EPROTOCOL, IRX_EUNREACHABLE, "may have been written"},
        {IRX_RESULT_FAILED, IRX_EFULL, IRX_EFULL, "the medium's own words"},
        {IRX_RESULT_STALE, 0, IRX_ENOTLEADER, "does not lead"},
        {IRX_RESULT_ABSENT, 0, IRX_ENOTLEADER, "does not lead"},
        {IRX_RESULT_EPOCH, 0, IRX_ENOTLEADER, "does not lead"},
    };
    irx_medium_class with;
    irx_election *leader = bent_leader("answers", &with, swallow_publish);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ticket;
        swallowed.id = 0;
        assert_int_equal(publish_text(leader, "x", &ticket), 0);
        await_swallowed(leader);
        answer_status = cases[i].status;
        answer_code = cases[i].code;
        on_loop(leader, answer_swallowed);
        irx_event *event = await_event(leader, IRX_SETTLED);
        assert_int_equal(event->ticket, ticket);
        assert_int_equal(event->error.code, cases[i].told);
        assert_non_null(strstr(event->error.text, cases[i].says));
        irx_event_free(event);
    }
    await_leading(leader); /* none of it was the engine's business */
    assert_true(no_event_waits(leader, IRX_DEFEATED));
    bend(leader, real);
    irx_election_close(leader);
}

/* The stop does not wait for the answer; the bytes stay readable until it comes. */
static void a_stop_settles_a_value_under_way(void **state)
{
    (void)state;
    irx_medium_class with;
    swallowed.id = 0;
    irx_election *leader = bent_leader("stopped", &with, swallow_publish);
    irx_election *other = started("stopped"); /* keeps the connection open */
    assert_int_equal(publish_text(leader, "still here", (uint64_t[1]){0}), 0);
    await_swallowed(leader);
    irx_election_stop(leader);
    irx_event *event = await_settling(leader);
    assert_int_equal(event->error.code, IRX_ESTOPPED);
    irx_event_free(event);
    expect_event(leader, IRX_STOPPED);
    assert_memory_equal(swallowed.data, "still here", swallowed.length);
    answer_status = IRX_RESULT_STALE;
    answer_code = 0;
    on_loop(leader, answer_swallowed);
    assert_true(no_event_waits(leader, IRX_SETTLED)); /* twice would be once too often */
    bend(leader, real);
    irx_election_close(other);
    irx_election_close(leader);
}

/* ---- trouble with a real server ---------------------------------------------------------------
 */

static redis_server *server;

static irx_version newest_of(irx_election *e)
{
    irx_value *value;
    assert_int_equal(irx_election_value(e, &value), 0);
    irx_version version = value->version;
    irx_value_free(value);
    return version;
}

/* The value that was under way when the server went silent settles, and what became of it is what
 * every member then has. */
static void a_silent_server_leaves_it_open(void **state)
{
    (void)state;
    irx_election *leader = open_election(url, "silent", "profile", "swift", NULL);
    irx_election_start(leader);
    await_leading(leader);
    irx_version first = publish(leader, "first");
    redis_server_signal(server, SIGSTOP);
    uint64_t ticket;
    assert_int_equal(publish_text(leader, "second", &ticket), 0);
    irx_event *event = await_settling(leader);
    assert_int_equal(event->ticket, ticket);
    assert_true(event->error.code == IRX_ETIMEOUT || event->error.code == IRX_EUNREACHABLE);
    irx_event_free(event);
    redis_server_signal(server, SIGCONT);
    await_leading(leader);
    irx_election *other = started("silent");
    expect_event(other, IRX_STARTED);
    irx_version known = newest_of(other);
    assert_true(known.term == first.term && known.index >= first.index);
    expect_published(other, known, known.index == 1 ? "first" : "second");
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (newest_of(leader).index != known.index) {
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
    irx_election_close(other);
    irx_election_close(leader);
}

/* A store that lost everything has no value; who was there goes on knowing the last one until
 * there is a newer, or until it starts anew. */
static void what_the_store_lost_is_forgotten_at_a_new_start(void **state)
{
    (void)state;
    irx_election *leader = started("wiped");
    await_leading(leader);
    irx_election *other = started("wiped");
    expect_event(other, IRX_STARTED);
    irx_version old = publish(leader, "old");
    await_value(other, old, "old");
    irx_election_stop(leader);
    expect_event(leader, IRX_STOPPED);
    irx_election_stop(other);
    expect_event(other, IRX_STOPPED);
    expect_published(other, old, "old");
    redis_server_say(server, "FLUSHALL");
    irx_election_start(other);
    expect_event(other, IRX_STARTED);
    assert_int_equal(newest_of(other).term, 0);
    await_leading(other);
    irx_version new = publish(other, "new");
    assert_true(new.term > old.term);
    irx_election_start(leader);
    await_value(leader, new, "new");
    irx_election_close(other);
    irx_election_close(leader);
}

#define OVER_EVERY_MEDIUM                                                                          \
    cmocka_unit_test(every_member_receives_what_the_leader_publishes),                             \
        cmocka_unit_test(the_leader_is_told_its_own_value),                                        \
        cmocka_unit_test(the_next_leader_inherits_the_value),                                      \
        cmocka_unit_test(only_the_leader_may_publish),                                             \
        cmocka_unit_test(values_are_bytes_of_any_kind_up_to_the_limit),                            \
        cmocka_unit_test(of_values_the_newest_waits),                                              \
        cmocka_unit_test(a_draining_leader_may_publish),                                           \
        cmocka_unit_test(a_last_value_is_written_before_the_release)

int main(void)
{
    const struct CMUnitTest bent[] = {
        OVER_EVERY_MEDIUM,
        cmocka_unit_test(the_store_refuses_who_no_longer_leads),
        cmocka_unit_test(a_lost_connection_leaves_it_open),
        cmocka_unit_test(answers_are_told_as_what_they_are),
        cmocka_unit_test(a_stop_settles_a_value_under_way),
    };
    url = "memory:publish";
    int failed = cmocka_run_group_tests_name("memory", bent, NULL, NULL);
    const struct CMUnitTest plain[] = {
        OVER_EVERY_MEDIUM,
        cmocka_unit_test(a_silent_server_leaves_it_open),
        cmocka_unit_test(what_the_store_lost_is_forgotten_at_a_new_start),
    };
    server = redis_server_start(NULL);
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
