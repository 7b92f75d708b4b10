/* Memory and descriptors that run out: every allocation fails once, a refused open leaves nothing
 * behind, and an election that lived through a famine leads afterwards. The allocator is this
 * program's own, over the C library's; a sanitizer brings one too, so that under it only the
 * descriptors are tested. */
#include "cmocka_all.h"
#include "handles.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 1

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static _Atomic int left = -1;   /* allocations until one fails; negative: none does */
static _Atomic int one_in = 0;  /* this share of all fails */
static _Atomic unsigned served; /* by one_in */

static bool fails(void)
{
    int every = atomic_load(&one_in);
    bool now = (every > 0 && atomic_fetch_add(&served, 1) % (unsigned)every == 0) ||
               (atomic_load(&left) >= 0 && atomic_fetch_sub(&left, 1) == 0);
    if (now)
        errno = ENOMEM;
    return now;
}

IRX_API void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

IRX_API void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

IRX_API void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

/* libev ends the process when it gets no memory, which is its word about itself, not ours. */
static void *for_libev(void *memory, long size)
{
    if (size)
        return __libc_realloc(memory, (size_t)size);
    free(memory);
    return NULL;
}

static void every_allocation_of_open_may_fail(void **state)
{
    (void)state;
    size_t descriptors = open_descriptors();
    int failed = 0;
    for (int nth = 0;; nth++) {
        irx_options *options = options_of("x", NULL);
        irx_election *election;
        irx_error error;
        atomic_store(&left, nth);
        int code = irx_election_open(&election, "memory:scarce", options, &error);
        bool reached = atomic_load(&left) < 0;
        atomic_store(&left, -1);
        irx_options_free(options);
        if (code == 0)
            irx_election_close(election);
        if (code && code != IRX_ENOMEM &&
            code != IRX_ESYSTEM) /* a thread's stack is the system's */
            fail_msg("allocation %d: %d %s", nth, code, error.text);
        if (code) {
            assert_null(election);
            assert_true(error.text[0] != '\0');
            failed++;
        }
        assert_int_equal(open_descriptors(), descriptors);
        if (!reached)
            break;
    }
    assert_true(failed >= 5);
}

static void options_may_find_no_memory(void **state)
{
    (void)state;
    atomic_store(&left, 0);
    assert_null(irx_options_new());
    atomic_store(&left, -1);
}

/* An event that could not be handed out for want of memory is still there. */
static void an_event_is_not_lost_for_want_of_memory(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:scarce", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    irx_event *event;
    sleep_ms(50); /* the loop thread is at rest */
    atomic_store(&one_in, 1);
    int code = irx_election_next_event(e, &event, 0);
    irx_member_info *members;
    size_t count;
    int members_code = irx_election_members(e, &members, &count);
    char *history;
    int history_code = irx_election_history(e, &history);
    atomic_store(&one_in, 0);
    assert_int_equal(code, IRX_ENOMEM);
    assert_int_equal(members_code, IRX_ENOMEM);
    assert_int_equal(history_code, IRX_ENOMEM);
    expect_event(e, IRX_STARTED);
    expect_event(e, IRX_ELECTED);
    irx_election_close(e);
}

static int ask(irx_election *e, int what, uint64_t *ticket)
{
    if (what == 0)
        return irx_election_set_meta(e, "meta", 4, ticket);
    if (what == 1)
        return irx_election_send(e, IRX_TO_ALL, (irx_id){0, 0}, "message", 7, ticket);
    return irx_election_publish(e, "value", 5, ticket);
}

/* What there is no memory for is refused at once; what was accepted needs none to settle. */
static void what_was_accepted_settles_without_memory(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:scarce", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    for (int what = 0; what < 3; what++) {
        int failed = 0;
        for (int nth = 0;; nth++) {
            uint64_t ticket = 0;
            sleep_ms(5); /* the loop thread is at rest */
            atomic_store(&left, nth);
            int code = ask(e, what, &ticket);
            bool reached = atomic_exchange(&left, -1) < 0;
            assert_int_equal(code, reached && nth < 2 ? IRX_ENOMEM : 0);
            assert_int_equal(code != 0, ticket == 0);
            failed += code != 0;
            if (code == 0) {
                irx_event *event = await_event(e, IRX_SETTLED);
                assert_int_equal(event->ticket, ticket);
                irx_event_free(event);
                break;
            }
        }
        sleep_ms(50); /* a connection that was lost for want of memory is up again */
        await_leading(e);
        assert_int_equal(failed, 2);
    }
    irx_election_close(e);
}

static void a_value_is_not_lost_for_want_of_memory(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:scarce", "x", NULL);
    irx_election_start(e);
    await_leading(e);
    uint64_t ticket;
    assert_int_equal(irx_election_publish(e, "kept", 4, &ticket), 0);
    assert_int_equal(await_settled(e, ticket, NULL), 0);
    irx_value *value;
    atomic_store(&one_in, 1);
    int code = irx_election_value(e, &value);
    atomic_store(&one_in, 0);
    assert_int_equal(code, IRX_ENOMEM);
    assert_null(value);
    assert_int_equal(irx_election_value(e, &value), 0);
    assert_memory_equal(value->data, "kept", 4);
    irx_value_free(value);
    irx_election_close(e);
}

/* Nothing crashes while every third allocation fails, and all is well when there is enough again.
 */
static void an_election_lives_through_a_famine(void **state)
{
    (void)state;
    irx_election *e = open_election("memory:scarce", "x", "profile", "swift", NULL);
    irx_election *next = open_election("memory:scarce", "x", "profile", "swift", NULL);
    irx_election_start(e);
    irx_election_start(next);
    atomic_store(&one_in, 3);
    for (int i = 0; i < 20; i++) {
        for (int what = 0; what < 30; what++)
            ask(what % 2 ? e : next, what % 3, what % 5 ? NULL : &(uint64_t){0});
        sleep_ms(20);
        irx_election_stop(i % 2 ? e : next);
        irx_election_resign(i % 2 ? next : e);
        irx_election_start(i % 2 ? e : next);
    }
    atomic_store(&one_in, 0);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (!irx_election_is_leader(e) && !irx_election_is_leader(next)) {
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
    assert_false(irx_election_is_leader(e) && irx_election_is_leader(next));
    irx_election_close(next);
    await_leading(e);
    irx_election_close(e);
}
#endif

static void an_open_without_descriptors_is_refused(void **state)
{
    (void)state;
    size_t descriptors = open_descriptors();
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    for (rlim_t room = 3; room < 12; room++) {
        irx_options *options = options_of("x", NULL);
        irx_election *election;
        irx_error error;
        none.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int code = irx_election_open(&election, "memory:scarce", options, &error);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        irx_options_free(options);
        if (room == 3)
            assert_int_equal(code, IRX_ESYSTEM);
        if (code)
            assert_non_null(strstr(error.text, "Too many open files"));
        irx_election_close(election);
        assert_int_equal(open_descriptors(), descriptors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef OWN_ALLOCATOR
        cmocka_unit_test(every_allocation_of_open_may_fail),
        cmocka_unit_test(options_may_find_no_memory),
        cmocka_unit_test(an_event_is_not_lost_for_want_of_memory),
        cmocka_unit_test(what_was_accepted_settles_without_memory),
        cmocka_unit_test(a_value_is_not_lost_for_want_of_memory),
        cmocka_unit_test(an_election_lives_through_a_famine),
#endif
        cmocka_unit_test(an_open_without_descriptors_is_refused),
    };
#ifdef OWN_ALLOCATOR
    ev_set_allocator(for_libev);
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
