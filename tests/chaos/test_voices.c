/* Messages while connections come and go: who comes back under another presence is heard at once,
 * in order, and nothing is heard twice. */
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 12, EACH = 5 };

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

static void await_presences(int want)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    int count;
    do {
        assert_true(now_ms() < until_ms);
        count = 0;
        const char *list = redis_server_say(server, "PUBSUB CHANNELS interrex:presence:*");
        for (const char *at = strstr(list, ":presence:"); at; at = strstr(at + 1, ":presence:"))
            count++;
    } while (count != want);
}

static void await_member_count(irx_election *e, size_t want)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    size_t count = 0;
    while (count != want) {
        irx_member_info *members;
        assert_int_equal(irx_election_members(e, &members, &count), 0);
        irx_members_free(members);
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
}

/* Under safe, where a lost subscription costs no leadership. Another heartbeat makes it connections
 * of its own. */
static irx_election *take_part(const char *url, const char *heartbeat_ms)
{
    irx_election *e = open_election(url, "voices", "takeover", "safe", "heartbeat_ms", heartbeat_ms,
                                    "timeout_ms", "3000", NULL);
    assert_int_equal(irx_election_start(e), 0);
    return e;
}

static void who_comes_back_is_heard_at_once(void **state)
{
    (void)state;
    char url[96];
    redis_server_say(server, "ACL SETUSER speaker on >secret ~* &* +@all");
    snprintf(url, sizeof url, "redis://speaker:secret@127.0.0.1:%d", redis_server_port(server));
    irx_election *listener = take_part(redis_server_url(server), "300");
    irx_election *speaker = take_part(url, "310");
    await_member_count(listener, 2);
    await_member_count(speaker, 2);
    int heard = 0;
    for (int round = 0; round < ROUNDS; round++) {
        redis_server_say(server, "CLIENT KILL TYPE pubsub USER speaker");
        await_presences(2);
        for (int i = 0; i < EACH; i++) {
            char text[16];
            int length = snprintf(text, sizeof text, "%d", round * EACH + i);
            assert_int_equal(
                irx_election_send(speaker, IRX_TO_ALL, (irx_id){0, 0}, text, (size_t)length, NULL),
                0);
        }
        for (int i = 0; i < EACH; i++, heard++) {
            irx_event *event = await_event(listener, IRX_MESSAGE);
            char text[16] = "";
            memcpy(text, event->data, event->length < 15 ? event->length : 15);
            assert_int_equal(atoi(text), heard);
            irx_event_free(event);
        }
    }
    irx_metrics metrics;
    assert_int_equal(irx_election_metrics(listener, &metrics), 0);
    assert_int_equal(metrics.messages_dropped, 0);
    irx_election_close(speaker);
    irx_election_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_comes_back_is_heard_at_once, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
