/* CI's share of the simulator: fixed seeds of every fault set, and fresh ones that are printed
 * first, so that a failure can be repeated with interrex-sim.
 *
 * INTERREX_SEEDS=N multiplies the share by N hundredths. */
#include "cmocka_all.h"
#include "sim.h"

#include <stdlib.h>
#include <sys/random.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SHARE = 60 };
#else
enum { SHARE = 200 };
#endif

static uint64_t share(uint64_t seeds)
{
    const char *text = getenv("INTERREX_SEEDS");
    uint64_t hundredths = text != NULL ? strtoull(text, NULL, 10) : SHARE;
    uint64_t count = seeds * hundredths / 100;
    return count > 0 ? count : 1;
}

static void run(const char *faults, irx_protocol protocol, irx_takeover takeover, uint64_t first,
                uint64_t count, sim_report *report)
{
    sim_wish wish = {.protocol = protocol, .takeover = takeover};
    assert_true(sim_kinds_parse(faults, &wish.kinds));
    for (uint64_t seed = first; seed < first + count; seed++) {
        sim_plan plan;
        sim_plan_draw(&plan, seed, &wish);
        sim_run(&plan, report, NULL);
        if (report->failed != SIM_INV_NONE)
            fail_msg("%s: %s; interrex-sim --seeds 1 --seed %llu --faults %s --protocol %s "
                     "--takeover %s",
                     sim_invariant_word(report->failed), report->failure, (unsigned long long)seed,
                     faults, protocol == IRX_PROTOCOL_QUORUM ? "quorum" : "lease",
                     takeover == IRX_TAKEOVER_FAST ? "fast" : "safe");
    }
}

static void sets(irx_protocol protocol, irx_takeover takeover)
{
    static const char *const SETS[] = {"none", "members", "network", "store", "guest", "ask"};
    sim_report report = {0};
    for (size_t i = 0; i < sizeof SETS / sizeof SETS[0]; i++)
        run(SETS[i], protocol, takeover, 1, share(300), &report);
    sim_summary(&report, 0, stdout);
}

/* What all faults do together, under both protocols and takeovers. */
static void all(uint64_t first, uint64_t count, sim_report *report)
{
    for (int protocol = IRX_PROTOCOL_LEASE; protocol <= IRX_PROTOCOL_QUORUM; protocol++) {
        run("all", (irx_protocol)protocol, IRX_TAKEOVER_FAST, first, count, report);
        run("all", (irx_protocol)protocol, IRX_TAKEOVER_SAFE, first, count, report);
    }
}

/* Never two leaders, whatever happens to members, network, store and guests. */
static void safe_is_exclusive(void **state)
{
    (void)state;
    sets(IRX_PROTOCOL_LEASE, IRX_TAKEOVER_SAFE);
    sets(IRX_PROTOCOL_QUORUM, IRX_TAKEOVER_SAFE);
}

/* Votes and acknowledgements lost and late: who is deposed by votes has stopped leading. */
static void votes_are_exclusive(void **state)
{
    (void)state;
    sim_report report = {0};
    run("hush,hints,slow", IRX_PROTOCOL_QUORUM, IRX_TAKEOVER_SAFE, 1, share(600), &report);
    run("hush,slow,deafen,pause", IRX_PROTOCOL_QUORUM, IRX_TAKEOVER_SAFE, 1, share(600), &report);
    sim_summary(&report, 0, stdout);
    assert_true(report.elected_by_votes > 0);
}

/* Two leaders only where the store itself ended a living leader's presence, or lost the record and
 * gave it to a newcomer; and only until the old one notices. */
static void fast_gives_up_what_it_says(void **state)
{
    (void)state;
    sets(IRX_PROTOCOL_LEASE, IRX_TAKEOVER_FAST);
    sets(IRX_PROTOCOL_QUORUM, IRX_TAKEOVER_FAST);
}

/* With all faults at once every kind of fault, operation, message, transition and loss occurs;
 * where clocks run beyond the drift, tokens still tell leaders apart. */
static void all_faults_all_transitions(void **state)
{
    (void)state;
    sim_report report = {0};
    sim_kinds every;
    all(1, share(800), &report);
    assert_true(sim_kinds_parse("all", &every));
    int missing = sim_summary(&report, every, stdout);
    if (share(100) >= 30)
        assert_int_equal(missing, 0);
}

static void fresh_seeds(void **state)
{
    (void)state;
    uint64_t first = 0;
    assert_int_equal(getrandom(&first, sizeof first, 0), sizeof first);
    first >>= 16;
    print_message("fresh seeds from %llu\n", (unsigned long long)first);
    sim_report report = {0};
    all(first, share(600), &report);
    sim_summary(&report, 0, stdout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_is_exclusive),
        cmocka_unit_test(votes_are_exclusive),
        cmocka_unit_test(fast_gives_up_what_it_says),
        cmocka_unit_test(all_faults_all_transitions),
        cmocka_unit_test(fresh_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
