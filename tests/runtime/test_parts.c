/* The small parts of the runtime, each by itself: deadlines, snapshot, recorder. */
#include "cmocka_all.h"
#include "runtime/clock.h"
#include "runtime/error.h"
#include "runtime/heap.h"
#include "runtime/recorder.h"
#include "runtime/snapshot.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 300 };

static int64_t least_of(const irx__due *entries, const bool *in)
{
    int64_t least = IRX_NEVER;
    for (size_t i = 0; i < ENTRIES; i++) {
        if (in[i] && entries[i].at_ns < least)
            least = entries[i].at_ns;
    }
    return least;
}

/* After any series of changes the first is the least. */
static void the_heap_knows_who_is_next(void **state)
{
    (void)state;
    static irx__due entries[ENTRIES];
    static bool in[ENTRIES];
    irx__heap heap = {0};
    assert_null(irx__heap_first(&heap));
    for (int round = 0; round < 20000; round++) {
        uint16_t random[2];
        irx__random(random, sizeof random);
        size_t i = random[0] % ENTRIES;
        int64_t at_ns = random[1] % 1000 == 0 ? IRX_NEVER : random[1];
        if (!in[i]) {
            entries[i].at_ns = at_ns;
            assert_int_equal(irx__heap_add(&heap, &entries[i]), 0);
            in[i] = true;
        } else if (random[1] % 3 == 0) {
            irx__heap_remove(&heap, &entries[i]);
            in[i] = false;
        } else {
            irx__heap_move(&heap, &entries[i], at_ns);
        }
        if (heap.count > 0)
            assert_true(irx__heap_first(&heap)->at_ns == least_of(entries, in));
    }
    irx__heap_free(&heap);
}

static irx_snapshot leading(uint64_t term)
{
    return (irx_snapshot){.role = IRX_ROLE_LEADER,
                          .token = {term, {term * 3, term * 5}},
                          .valid_until_ns = (int64_t)term * 7,
                          .leader_until_ns = (int64_t)term * 7};
}

/* The application's no holds, whatever the loop publishes, until the engine has heard of it. */
static void a_withheld_leadership_stays_withheld(void **state)
{
    (void)state;
    irx__snapshot snapshot;
    assert_int_equal(irx__snapshot_init(&snapshot), 0);
    irx__snapshot_publish(&snapshot, &(irx_snapshot){0});
    irx_snapshot leads = leading(9);
    irx__snapshot_publish(&snapshot, &leads);
    assert_int_equal(irx__snapshot_read(&snapshot).leader_until_ns, 63);
    irx__snapshot_withhold(&snapshot);
    assert_int_equal(irx__snapshot_read(&snapshot).leader_until_ns, 0);
    assert_int_equal(irx__snapshot_read(&snapshot).valid_until_ns, 63);
    leads.leader_until_ns = leads.valid_until_ns = 70; /* a renewal on its way */
    irx__snapshot_publish(&snapshot, &leads);
    assert_int_equal(atomic_load(&snapshot.leader_until_ns), 0);
    assert_int_equal(irx__snapshot_read(&snapshot).valid_until_ns, 70);
    irx__snapshot_settle(&snapshot);
    assert_int_equal(atomic_load(&snapshot.leader_until_ns), 70);
    irx__snapshot_free(&snapshot);
}

/* A fork in the middle of a write leaves a child that leads nothing and does not wait for the
 * writer. */
static void a_forked_snapshot_leads_nothing(void **state)
{
    (void)state;
    irx__snapshot snapshot;
    assert_int_equal(irx__snapshot_init(&snapshot), 0);
    irx_snapshot leads = leading(9);
    irx__snapshot_publish(&snapshot, &leads);
    atomic_fetch_add(&snapshot.sequence, 1);
    irx__snapshot_forked(&snapshot);
    irx__view view = irx__snapshot_read(&snapshot);
    assert_true(view.leader_until_ns == 0 && view.valid_until_ns == 0 && view.token.term == 0);
    irx__snapshot_free(&snapshot);
}

static irx__snapshot shared;
static _Atomic bool done;
static _Atomic int torn;

static void *read_all(void *argument)
{
    (void)argument;
    while (!atomic_load(&done)) {
        irx__view view = irx__snapshot_read(&shared);
        uint64_t term = view.token.term;
        if (view.token.incarnation.hi != term * 3 || view.token.incarnation.lo != term * 5 ||
            view.valid_until_ns != (int64_t)term * 7 || view.leader_until_ns != (int64_t)term * 7)
            atomic_fetch_add(&torn, 1);
    }
    return NULL;
}

/* No reader sees a token of one leadership with the deadline of another. */
static void a_reader_sees_one_leadership(void **state)
{
    (void)state;
    assert_int_equal(irx__snapshot_init(&shared), 0);
    pthread_t readers[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all, NULL), 0);
    for (uint64_t term = 1; term < 200000; term++) {
        irx_snapshot leads = leading(term);
        irx__snapshot_publish(&shared, &leads);
    }
    atomic_store(&done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&torn), 0);
    irx__snapshot_free(&shared);
}

static void the_recorder_keeps_the_last_lines(void **state)
{
    (void)state;
    irx__recorder recorder;
    assert_int_equal(irx__recorder_init(&recorder), 0);
    char *text = irx__recorder_text(&recorder);
    assert_string_equal(text, "");
    free(text);
    for (int i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d", i);
        irx__recorder_add(&recorder, line);
        if (i == 1) {
            text = irx__recorder_text(&recorder);
            assert_string_equal(text, "line 0\nline 1\n");
            free(text);
        }
    }
    text = irx__recorder_text(&recorder);
    const char *first = "line 744\n"; /* 1000 less 256 */
    assert_memory_equal(text, first, strlen(first));
    assert_non_null(strstr(text, "\nline 999\n"));
    free(text);
    irx__recorder_free(&recorder);
}

static void clocks_go_forward(void **state)
{
    (void)state;
    int64_t before_ns = irx__clock_boot_ns();
    assert_true(before_ns > 0 && irx__clock_boot_ns() >= before_ns);
    assert_true(irx__clock_wall_ns() > INT64_C(1700000000) * 1000000000);
    struct timespec now = irx__clock_wait_until(0), later = irx__clock_wait_until(1500);
    int64_t apart_ns =
        (int64_t)(later.tv_sec - now.tv_sec) * 1000000000 + later.tv_nsec - now.tv_nsec;
    assert_true(apart_ns >= 1500000000 && later.tv_nsec < 1000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_knows_who_is_next),
        cmocka_unit_test(a_withheld_leadership_stays_withheld),
        cmocka_unit_test(a_forked_snapshot_leads_nothing),
        cmocka_unit_test(a_reader_sees_one_leadership),
        cmocka_unit_test(the_recorder_keeps_the_last_lines),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
