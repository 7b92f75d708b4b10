/* Makes a failing plan small: faults are deleted while the same invariant still fails, then
 * members, then the length of what remains. */
#include "sim.h"

#include <string.h>

enum { RUNS_MAX = 600 };

typedef struct shrinker {
    sim_plan *plan;
    sim_invariant failed;
    int runs;
} shrinker;

static bool still_fails(shrinker *s, const sim_plan *plan)
{
    sim_report report = {0};
    if (s->runs++ >= RUNS_MAX)
        return false;
    sim_run(plan, &report, NULL);
    if (report.failed != s->failed)
        return false;
    *s->plan = *plan;
    return true;
}

static void drop_faults(shrinker *s)
{
    for (size_t chunk = s->plan->fault_count; chunk > 0; chunk /= 2) {
        for (size_t at = 0; at + chunk <= s->plan->fault_count;) {
            sim_plan plan = *s->plan;
            size_t after = plan.fault_count - at - chunk;
            memmove(&plan.faults[at], &plan.faults[at + chunk], after * sizeof plan.faults[0]);
            plan.fault_count -= chunk;
            if (!still_fails(s, &plan))
                at += chunk;
        }
    }
}

static void drop_members(shrinker *s)
{
    while (s->plan->members > 1) {
        sim_plan plan = *s->plan;
        plan.members--;
        if (!still_fails(s, &plan))
            return;
    }
}

static void simplify(shrinker *s)
{
    sim_plan plan = *s->plan;
    for (int i = 0; i < plan.members; i++) {
        plan = *s->plan;
        plan.observer[i] = false;
        plan.start_ms[i] = 0;
        still_fails(s, &plan);
        plan = *s->plan;
        plan.rate_ppm[i] = 0;
        still_fails(s, &plan);
    }
    plan = *s->plan;
    plan.stall_limit_ms = 0;
    still_fails(s, &plan);
}

void sim_shrink(sim_plan *plan, sim_invariant failed, int64_t failed_ms)
{
    shrinker s = {.plan = plan, .failed = failed};
    sim_plan shorter = *plan;
    if (failed_ms < plan->length_ms) {
        shorter.length_ms = failed_ms + 1;
        shorter.drills = false;
        while (shorter.fault_count > 0 && shorter.faults[shorter.fault_count - 1].at_ms > failed_ms)
            shorter.fault_count--;
        still_fails(&s, &shorter);
    }
    drop_faults(&s);
    drop_members(&s);
    drop_faults(&s);
    simplify(&s);
}
