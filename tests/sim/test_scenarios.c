/* The scenarios of tests/sim/scenarios, each a transcript that must happen line by line. After a
 * wanted change: interrex-sim --update tests/sim/scenarios/NAME.txt, and read what changed. */
#include "cmocka_all.h"
#include "sim.h"

#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

static void every_scenario_happens_as_written(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(INTERREX_SOURCE_DIR "/tests/sim/scenarios/*.txt", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 15);
    int failed = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        failed += sim_scenario(found.gl_pathv[i], false);
    globfree(&found);
    assert_int_equal(failed, 0);
}

/* A transcript that differs in one line is noticed, or the test above asserts nothing. */
static void a_difference_is_noticed(void **state)
{
    (void)state;
    char path[] = "/tmp/interrex-scenario-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "members 1\nlength 100\n[     0] 1 stopped: is session s1.9\n");
    close(fd);
    assert_int_equal(sim_scenario(path, false), 1);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_happens_as_written),
        cmocka_unit_test(a_difference_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
