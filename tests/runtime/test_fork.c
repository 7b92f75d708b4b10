/* Fork: the child does not lead, says so, keeps nothing that its parent's leadership hangs on, and
 * may begin anew. */
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The thread sanitizer can not follow threads that begin in a forked child: there the children only
 * answer. */
#ifdef __SANITIZE_THREAD__
enum { CHILDREN_BEGIN_ANEW = 0 };
#else
enum { CHILDREN_BEGIN_ANEW = 1 };
#endif

static const char *url; /* of the medium under test */

static int wait_for(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "in the child, line %d: %s\n", __LINE__, #condition);                  \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Every call of interrex.h on a handle from before the fork. */
static void check_forked(irx_election *e)
{
    CHECK(!irx_election_is_leader(e));
    CHECK(!irx_election_check(e, 0, NULL));
    CHECK(!irx_election_leads(e, 0, NULL));
    CHECK(irx_election_work_begin(e, NULL) == IRX_EFORKED);
    irx_election_work_end(e);
    irx_election_pulse(e);
    CHECK(irx_election_start(e) == IRX_EFORKED);
    CHECK(irx_election_stop(e) == IRX_EFORKED);
    CHECK(irx_election_resign(e) == IRX_EFORKED);
    CHECK(irx_election_transfer(e, (irx_id){1, 1}) == IRX_EFORKED);
    irx_status status;
    CHECK(irx_election_status(e, &status) == IRX_EFORKED);
    irx_member_info *members;
    size_t count;
    CHECK(irx_election_members(e, &members, &count) == IRX_EFORKED && !members);
    char *history;
    CHECK(irx_election_history(e, &history) == IRX_EFORKED && !history);
    irx_metrics metrics;
    CHECK(irx_election_metrics(e, &metrics) == IRX_EFORKED);
    uint64_t ticket = 77;
    CHECK(irx_election_set_meta(e, "m", 1, &ticket) == IRX_EFORKED);
    CHECK(irx_election_send(e, IRX_TO_ALL, (irx_id){0, 0}, "m", 1, &ticket) == IRX_EFORKED);
    CHECK(irx_election_publish(e, "m", 1, &ticket) == IRX_EFORKED);
    CHECK(ticket == 77);
    irx_value *value;
    CHECK(irx_election_value(e, &value) == IRX_EFORKED && !value);
    irx_event *event;
    CHECK(irx_election_next_event(e, &event, -1) == IRX_EFORKED && !event);
    CHECK(irx_election_event_fd(e) == IRX_EFORKED);
    CHECK(irx_election_on_ready(e, NULL, NULL) == IRX_EFORKED);
}

/* Leads in an election of the child's own, as if there had never been a parent. */
static void check_new_one(void)
{
    if (!CHILDREN_BEGIN_ANEW)
        return;
    irx_options *options = options_of("child", NULL);
    irx_election *e;
    CHECK(irx_election_open(&e, url, options, NULL) == 0);
    irx_options_free(options);
    CHECK(irx_election_start(e) == 0);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (!irx_election_is_leader(e))
        CHECK(now_ms() < until_ms);
    irx_election_close(e);
}

static void the_child_does_not_lead(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "parent", NULL);
    irx_election *idle = open_election(url, "idle", NULL);
    assert_true(irx_election_event_fd(e) >= 0);
    irx_election_start(e);
    await_leading(e);
    pid_t child = fork();
    if (child == 0) {
        check_forked(e);
        check_forked(idle);
        irx_election_close(e);
        check_new_one();
        irx_election_close(idle);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    assert_true(no_event_waits(e, IRX_DEFEATED)); /* the child took nothing away */
    await_leading(e);
    irx_election_stop(e);
    expect_event(e, IRX_STOPPED);
    irx_election_close(idle);
    irx_election_close(e);
}

static void a_grandchild_begins_anew(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "parent", NULL);
    irx_election_start(e);
    await_leading(e);
    pid_t child = fork();
    if (child == 0) {
        irx_election *second = CHILDREN_BEGIN_ANEW ? open_election(url, "second", NULL) : NULL;
        if (second)
            irx_election_start(second);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            check_forked(e);
            if (second)
                check_forked(second);
            check_new_one();
            _exit(0);
        }
        int status;
        CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
        irx_election_close(second);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    irx_election_close(e);
}

static _Atomic bool inside, rested;

static void take_long(void *argument)
{
    (void)argument;
    atomic_store(&inside, true);
    sleep_ms(100);
    atomic_store(&rested, true);
}

/* The child gets a copy of the memory: never one from the middle of what the background thread was
 * doing. */
static void a_fork_waits_until_the_background_thread_rests(void **state)
{
    (void)state;
    atomic_store(&inside, false);
    atomic_store(&rested, false);
    irx_election *e = open_election(url, "parent", NULL);
    irx_election_on_ready(e, take_long, NULL);
    irx_election_start(e);
    while (!atomic_load(&inside))
        sleep_ms(1);
    pid_t child = fork();
    if (child == 0)
        _exit(atomic_load(&rested) ? 0 : 1);
    assert_int_equal(wait_for(child), 0);
    irx_election_close(e);
}

static int sockets_and_files(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void the_child_keeps_no_descriptor(void **state)
{
    (void)state;
    int before = sockets_and_files();
    irx_election *e = open_election(url, "parent", NULL);
    irx_election_event_fd(e);
    irx_election_start(e);
    await_leading(e);
    assert_true(sockets_and_files() > before);
    pid_t child = fork();
    if (child == 0) {
        CHECK(sockets_and_files() == before);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    irx_election_close(e);
    assert_int_equal(sockets_and_files(), before);
}

/* Forks at any moment of a busy life: no deadlock, and never a child that leads. */
static void forks_at_any_moment_are_safe(void **state)
{
    (void)state;
    irx_election *list[8];
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "busy %d", i);
        list[i] = open_election(url, name, "heartbeat_ms", "10", "timeout_ms", "60000", NULL);
        irx_election_start(list[i]);
    }
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0; i < 8; i++)
                CHECK(!irx_election_is_leader(list[i]) && !irx_election_check(list[i], 0, NULL));
            for (int i = 0; i < 8; i++)
                irx_election_close(list[i]);
            _exit(0);
        }
        assert_int_equal(wait_for(child), 0);
        irx_election *e = list[round % 8];
        irx_election_stop(e);
        irx_election_start(e);
    }
    for (int i = 0; i < 8; i++) {
        await_leading(list[i]);
        irx_election_close(list[i]);
    }
}

/* What waits in the parent's queue, and what is under way there, is the parent's. */
static void what_is_under_way_stays_the_parents(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "talking", NULL);
    irx_election *other = open_election(url, "talking", "candidate", "false", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_election_start(other);
    expect_event(other, IRX_STARTED);
    static char bytes[10000];
    uint64_t ticket = 0, published = 0, last = 0;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(
            irx_election_send(e, IRX_TO_ALL, (irx_id){0, 0}, bytes, sizeof bytes, &last), 0);
        assert_int_equal(irx_election_publish(e, bytes, sizeof bytes, &published), 0);
        assert_int_equal(irx_election_set_meta(e, bytes, 100, &last), 0);
        ticket = ticket ? ticket : last;
        pid_t child = fork();
        if (child == 0) {
            check_forked(e);
            irx_election_close(e);
            irx_election_close(other);
            _exit(0);
        }
        assert_int_equal(wait_for(child), 0);
    }
    assert_int_equal(await_settled(e, last, NULL), 0);
    for (int i = 0; i < 20; i++) {
        irx_event *event = await_event(other, IRX_MESSAGE);
        assert_int_equal(event->length, sizeof bytes);
        irx_event_free(event);
    }
    irx_election_close(other);
    irx_election_close(e);
}

/* The parent is killed, its child lives on: the next leader need not wait for the child. Who held a
 * copy of the lock or of the connection would keep the dead parent's leadership alive. */
static void a_child_that_outlives_its_parent_blocks_nobody(void **state)
{
    (void)state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t parent = fork(); /* from here: a process of its own, with no handle from before */
    if (parent == 0) {
        irx_election *e = open_election(url, "outlived", "timeout_ms", "60000", NULL);
        irx_election_start(e);
        await_leading(e);
        pid_t child = fork();
        if (child == 0) {
            close(told[0]);
            alarm(60); /* should the test end early */
            pause();
            _exit(0);
        }
        CHECK(write(told[1], &child, sizeof child) == (ssize_t)sizeof child);
        pause();
        _exit(0);
    }
    pid_t child = 0;
    assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
    irx_election *e = open_election(url, "outlived", "timeout_ms", "60000", NULL);
    irx_election_start(e);
    await_following(e);
    assert_int_equal(kill(parent, SIGKILL), 0);
    await_leading(e); /* within 20 s; a lease would take 60 */
    assert_int_equal(kill(child, 0), 0);
    kill(child, SIGKILL);
    wait_for(parent);
    irx_election_close(e);
    close(told[0]);
    close(told[1]);
}

#define ALL_BUT_OUTLIVING                                                                          \
    cmocka_unit_test(the_child_does_not_lead), cmocka_unit_test(a_grandchild_begins_anew),         \
        cmocka_unit_test(a_fork_waits_until_the_background_thread_rests),                          \
        cmocka_unit_test(the_child_keeps_no_descriptor),                                           \
        cmocka_unit_test(forks_at_any_moment_are_safe),                                            \
        cmocka_unit_test(what_is_under_way_stays_the_parents)

int main(void)
{
    const struct CMUnitTest in_memory[] = {ALL_BUT_OUTLIVING};
    const struct CMUnitTest in_store[] = {
        ALL_BUT_OUTLIVING, cmocka_unit_test(a_child_that_outlives_its_parent_blocks_nobody)};
    url = "memory:fork";
    int failed = cmocka_run_group_tests_name("memory", in_memory, NULL, NULL);
    char path[64], local[80];
    make_directory(path, local);
    url = local;
    failed += cmocka_run_group_tests_name("local", in_store, NULL, NULL);
    remove_directory(path);
    redis_server *server = redis_server_start(NULL);
    url = redis_server_url(server);
    failed += cmocka_run_group_tests_name("redis", in_store, NULL, NULL);
    redis_server_stop(server);
    return failed;
}
