/* Whole clusters under faults: never two leaders where that is promised, no token twice, and a
 * leader in the end.
 *
 * The seeds are fixed, so a failure repeats; INTERREX_SEEDS=N runs that many, from INTERREX_SEED
 * on. */
#include "cmocka_all.h"
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void run(irx_takeover takeover, unsigned faults, bool exclusive)
{
    uint64_t first = number("INTERREX_SEED", 1);
    uint64_t count = number("INTERREX_SEEDS", 300);
    cluster_report report = {0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        cluster_plan plan = {
            .seed = seed,
            .members = 1 + (int)(seed % 5),
            .takeover = takeover,
            .drift_ppm = 50000,
            .length_ms = 60000,
            .faults = faults,
            .exclusive = exclusive,
        };
        cluster_run(&plan, false, &report);
        if (report.failure[0] != '\0') {
            cluster_report again = {0};
            cluster_run(&plan, getenv("INTERREX_TRACE") != NULL, &again);
            fail_msg("%s", report.failure);
        }
    }
    print_message("%llu seeds, %llu steps, %llu leaderships, %llu instants with two leaders;",
                  (unsigned long long)count, (unsigned long long)report.steps,
                  (unsigned long long)report.elected, (unsigned long long)report.overlaps);
    for (int i = 1; i <= IRX_REASON_FORKED; i++)
        print_message(" %s %llu", irx_reason_text((irx_reason)i),
                      (unsigned long long)report.defeated[i]);
    print_message("\n");
    assert_true(report.elected > count);
}

/* exclusive: whatever happens to members, network and store, two never lead at one instant. */
static void safe_is_exclusive(void **state)
{
    (void)state;
    run(IRX_TAKEOVER_SAFE,
        FAULT_CRASH | FAULT_PAUSE | FAULT_CUT | FAULT_DROP | FAULT_PRESENCE | FAULT_ASK |
            FAULT_EVICT | FAULT_WIPE | FAULT_BACK,
        true);
}

/* fast gives up no more than it says: while the store keeps its data and ends no living leader's
 * presence, two never lead. */
static void fast_is_exclusive_while_presence_is_true(void **state)
{
    (void)state;
    run(IRX_TAKEOVER_FAST, FAULT_CRASH | FAULT_PAUSE | FAULT_DROP | FAULT_ASK, true);
}

/* Otherwise tokens tell two leaders apart: none is handed out twice, events stay in order, and it
 * ends with one. */
static void fast_hands_no_token_out_twice(void **state)
{
    (void)state;
    run(IRX_TAKEOVER_FAST,
        FAULT_CRASH | FAULT_PAUSE | FAULT_CUT | FAULT_DROP | FAULT_PRESENCE | FAULT_ASK |
            FAULT_EVICT | FAULT_WIPE | FAULT_BACK,
        false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_is_exclusive),
        cmocka_unit_test(fast_is_exclusive_while_presence_is_true),
        cmocka_unit_test(fast_hands_no_token_out_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
