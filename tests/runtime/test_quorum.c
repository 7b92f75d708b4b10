/* Protocol quorum through the runtime: the store's beats reach the engines, and what the engines
 * say to one another reaches its session. What follows from it is the engine's, and tested there.
 */
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

static const char *url; /* of the medium under test */

enum { MEMBERS = 3 };

static irx_election *member[MEMBERS];

static irx_metrics metrics_of(irx_election *e)
{
    irx_metrics metrics;
    assert_int_equal(irx_election_metrics(e, &metrics), 0);
    return metrics;
}

static void gather(const char *name)
{
    for (int i = 0; i < MEMBERS; i++) {
        member[i] = open_election(url, name, "protocol", "quorum", "heartbeat_ms", "50",
                                  "timeout_ms", "5000", NULL);
        assert_int_equal(irx_election_start(member[i]), 0);
        if (i == 0)
            await_leading(member[0]);
        expect_event(member[i], IRX_STARTED);
    }
    for (int i = 1; i < MEMBERS; i++)
        await_following(member[i]);
}

static void disperse(void)
{
    for (int i = MEMBERS - 1; i >= 0; i--)
        irx_election_close(member[i]);
}

static void await_more(irx_election *e, uint64_t sent, uint64_t received)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    for (;;) {
        irx_metrics now = metrics_of(e);
        if (now.messages_sent >= sent && now.messages_received >= received)
            return;
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
}

static void followers_acknowledge_their_leader(void **state)
{
    (void)state;
    gather("acknowledge");
    for (int i = 1; i < MEMBERS; i++)
        await_more(member[i], 5, 5); /* beats heard and acknowledged */
    await_more(member[0], 0, 10);
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(metrics_of(member[i]).messages_dropped, 0);
        assert_int_equal(metrics_of(member[i]).defeated, 0);
    }
    disperse();
}

/* The protocol's messages and the application's share a road, and keep out of each other's way. */
static void the_application_hears_nothing_of_it(void **state)
{
    (void)state;
    gather("apart");
    await_more(member[0], 0, 5);
    for (int i = 0; i < MEMBERS; i++)
        assert_true(no_event_waits(member[i], IRX_MESSAGE));
    assert_int_equal(irx_election_send(member[1], IRX_TO_LEADER, (irx_id){0, 0}, "data", 4, NULL),
                     0);
    irx_event_free(await_message(member[0], "data"));
    disperse();
}

static void the_next_one_leads_after_a_stop(void **state)
{
    (void)state;
    gather("next");
    await_more(member[0], 0, 5);
    irx_election_stop(member[0]);
    expect_event(member[0], IRX_STOPPED);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (!irx_election_is_leader(member[1]) && !irx_election_is_leader(member[2])) {
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
    disperse();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followers_acknowledge_their_leader),
        cmocka_unit_test(the_application_hears_nothing_of_it),
        cmocka_unit_test(the_next_one_leads_after_a_stop),
    };
    url = "memory:quorum";
    int failed = cmocka_run_group_tests_name("memory", tests, NULL, NULL);
    redis_server *server = redis_server_start(NULL);
    url = redis_server_url(server);
    failed += cmocka_run_group_tests_name("redis", tests, NULL, NULL);
    redis_server_stop(server);
    return failed;
}
