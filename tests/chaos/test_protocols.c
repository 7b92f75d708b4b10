/* The two protocols side by side: one process may run both, over the same two connections, and
 * nobody may run both on one name. */
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redis_server *server;

static int start(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_server_stop(server);
    return 0;
}

static irx_election *open_and_start(const char *name, const char *protocol)
{
    irx_election *e = open_election(redis_server_url(server), name, "protocol", protocol,
                                    "heartbeat_ms", "100", "timeout_ms", "600", NULL);
    assert_int_equal(irx_election_start(e), 0);
    return e;
}

/* The test's own among them. */
static int connections(void)
{
    const char *list = redis_server_say(server, "CLIENT LIST");
    int count = 0;
    for (const char *at = strstr(list, "id="); at != NULL; at = strstr(at + 1, "\nid="))
        count++;
    return count;
}

static void one_process_runs_both(void **state)
{
    (void)state;
    irx_election *lease = open_and_start("lease", "lease");
    irx_election *quorum = open_and_start("quorum", "quorum");
    await_leading(lease);
    await_leading(quorum);
    irx_election *second = open_and_start("quorum", "quorum");
    await_following(second);
    assert_int_equal(connections(), 3);
    irx_metrics metrics;
    for (int i = 0; i < 200; i++) { /* the second acknowledges beats, the first counts on it */
        assert_int_equal(irx_election_metrics(quorum, &metrics), 0);
        if (metrics.messages_received >= 5)
            break;
        sleep_ms(50);
    }
    assert_true(metrics.messages_received >= 5);
    assert_int_equal(metrics.messages_dropped, 0);
    assert_string_equal(redis_server_say(server, "HGET interrex:{quorum} protocol"), "quorum");
    assert_string_equal(redis_server_say(server, "HGET interrex:{lease} protocol"), "lease");
    irx_election_stop(quorum);
    expect_event(quorum, IRX_STOPPED);
    await_leading(second);
    assert_true(irx_election_is_leader(lease));
    irx_election_close(second);
    irx_election_close(quorum);
    irx_election_close(lease);
}

/* The newcomer is the one in the wrong, once it has seen the leader renew. */
static void both_on_one_name_are_refused(void **state)
{
    (void)state;
    static const char *const protocols[] = {"lease", "quorum"};
    for (int i = 0; i < 2; i++) {
        irx_election *first = open_and_start(protocols[i], protocols[i]);
        await_leading(first);
        irx_election *other = open_and_start(protocols[i], protocols[1 - i]);
        irx_event *event = await_event(other, IRX_ERROR);
        assert_int_equal(event->error.code, IRX_EMISMATCH);
        irx_event_free(event);
        expect_event(other, IRX_STOPPED);
        assert_true(irx_election_is_leader(first));
        irx_election_close(other);
        irx_election_close(first);
    }
}

/* Where no store pushes beats, quorum is refused when it is asked for. */
static void quorum_is_refused_where_it_has_no_meaning(void **state)
{
    (void)state;
    irx_options *options = options_of("x", "protocol", "quorum", NULL);
    irx_election *e = NULL;
    irx_error error;
    assert_int_equal(irx_election_open(&e, "local:///tmp/interrex-none", options, &error),
                     IRX_ECONFIG);
    assert_null(e);
    assert_non_null(strstr(error.text, "protocol"));
    assert_non_null(strstr(error.text, "lease"));
    irx_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_process_runs_both, start, stop),
        cmocka_unit_test_setup_teardown(both_on_one_name_are_refused, start, stop),
        cmocka_unit_test(quorum_is_refused_where_it_has_no_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
