/* A thousand elections in one process: one thread, one connection, all of them led, all of them
 * left. */
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MANY = 1000 };

static irx_election *list[MANY];

static size_t entries_of(const char *path)
{
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Ours among the threads of this process; a sanitizer may have its own. */
static size_t background_threads(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/task");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[300], name[16] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof name, file))
            count += strcmp(name, "interrex\n") == 0;
        if (file)
            fclose(file);
    }
    closedir(directory);
    return count;
}

static double processor_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void a_thousand_are_led_by_one_thread(void **state)
{
    (void)state;
    assert_int_equal(background_threads(), 0);
    size_t descriptors = entries_of("/proc/self/fd");
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "many %d", i);
        list[i] = open_election("memory:many", name, NULL);
        assert_int_equal(irx_election_start(list[i]), 0);
    }
    for (int i = 0; i < MANY; i++)
        await_leading(list[i]);
    assert_int_equal(background_threads(), 1);
    assert_true(entries_of("/proc/self/fd") < descriptors + 10);
    double before = processor_seconds();
    sleep_ms(2000);
    print_message("%d elections: %.1f%% of a processor\n", MANY,
                  (processor_seconds() - before) * 50);
    for (int i = 0; i < MANY; i++) {
        irx_metrics metrics;
        irx_election_metrics(list[i], &metrics);
        assert_true(metrics.renewals > 0);
        assert_true(irx_election_is_leader(list[i]) || metrics.defeated > 0);
    }
    for (int i = 0; i < MANY; i++)
        irx_election_stop(list[i]);
    for (int i = 0; i < MANY; i++)
        expect_event(list[i], IRX_STOPPED);
    for (int i = 0; i < MANY; i++)
        irx_election_close(list[i]);
    assert_int_equal(background_threads(), 0); /* joined with the last */
    assert_int_equal(entries_of("/proc/self/fd"), descriptors);
}

/* All at one time, without a stop: each gets its 50 ms at most, and none needs them. */
static void a_thousand_are_closed_while_leading(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "many %d", i);
        list[i] = open_election("memory:many", name, NULL);
        irx_election_start(list[i]);
    }
    for (int i = 0; i < MANY; i++)
        await_leading(list[i]);
    irx_election *heir = open_election("memory:many", "many 500", NULL);
    irx_election_start(heir);
    for (int i = 0; i < MANY; i++)
        irx_election_close(list[i]);
    await_leading(heir);
    irx_election_close(heir);
}

/* Commands and presence: two connections, however many elections, and none when all have stopped.
 */
static void many_share_two_connections(void **state)
{
    (void)state;
    redis_server *server = redis_server_start(NULL);
    enum { SOME = 50 };
    for (int i = 0; i < SOME; i++) {
        char name[16];
        snprintf(name, sizeof name, "many %d", i);
        list[i] = open_election(redis_server_url(server), name, NULL);
        irx_election_start(list[i]);
    }
    for (int i = 0; i < SOME; i++)
        await_leading(list[i]);
    const char *info = redis_server_say(server, "INFO clients");
    assert_non_null(strstr(info, "connected_clients:3\r")); /* one of them asks */
    info = redis_server_say(server, "INFO stats");
    const char *received = strstr(info, "total_connections_received:");
    assert_non_null(received);
    assert_true(atoi(received + strlen("total_connections_received:")) < 10);
    for (int i = 0; i < SOME; i++)
        irx_election_stop(list[i]);
    for (int i = 0; i < SOME; i++)
        expect_event(list[i], IRX_STOPPED);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    do {
        sleep_ms(5);
        info = redis_server_say(server, "INFO clients");
    } while (!strstr(info, "connected_clients:1\r") && now_ms() < until_ms);
    assert_non_null(strstr(info, "connected_clients:1\r"));
    for (int i = 0; i < SOME; i++)
        irx_election_close(list[i]);
    redis_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_are_led_by_one_thread),
        cmocka_unit_test(a_thousand_are_closed_while_leading),
        cmocka_unit_test(many_share_two_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
