/* interrex-sim: runs clusters under faults until something breaks, or for as long as asked. */
#include "sim.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char USAGE[] =
    "interrex-sim [options]              runs of drawn plans; ends at the first failure\n"
    "interrex-sim [--update] FILE...     scenarios, asserted line by line\n"
    "  --seeds N        how many runs (default 1000)\n"
    "  --seed S         the first seed (default 1); with --seeds 1 it repeats a failure\n"
    "  --hours H        instead of --seeds: until so many hours are simulated\n"
    "  --members N      1 to 9 (default: whatever the seed says)\n"
    "  --protocol P     lease, quorum or both (default)\n"
    "  --takeover T     fast, safe or both (default)\n"
    "  --faults LIST    sets (members, network, store, guest, drift, ask), kinds, all, none;\n"
    "                   a minus leaves one out, as in all,-drift (default all)\n"
    "  --drift PPM      what members count with (default: 5000, at times 50000)\n"
    "  --expect         a fault or transition that never came is a failure\n"
    "  --verbose        the transcript of every run on standard output\n";

typedef struct choice {
    sim_wish wish;
    uint64_t seed;
    uint64_t seeds;
    double hours;
    bool expect;
    bool verbose;
    bool update;
} choice;

static void print_line(void *owner, const char *line)
{
    fprintf(owner, "%s\n", line);
}

/* The last lines of a transcript; what came long before a failure seldom matters. */
enum { TAIL = 400 };

typedef struct tail {
    char lines[TAIL][SIM_TEXT_MAX + IRX_TRACE_MAX];
    size_t count;
} tail;

static void keep_line(void *owner, const char *line)
{
    tail *t = owner;
    snprintf(t->lines[t->count++ % TAIL], sizeof t->lines[0], "%s", line);
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell_failure(const sim_plan *drawn, const sim_report *failure)
{
    printf("seed %llu, %lld ms: %s: %s\n", (unsigned long long)drawn->seed,
           (long long)failure->failed_ms, sim_invariant_word(failure->failed), failure->failure);
    fflush(stdout);
    if (getenv("INTERREX_SIM_BRIEF") != NULL)
        return; /* scripts/mutants.sh wants the name alone */
    sim_plan small = *drawn;
    sim_shrink(&small, failure->failed, failure->failed_ms);
    printf("-- the plan, made small (%zu of %zu faults, %d of %d members):\n", small.fault_count,
           drawn->fault_count, small.members, drawn->members);
    sim_plan_print(&small, stdout);
    tail *t = calloc(1, sizeof *t);
    if (t == NULL)
        return;
    sim_listener listener = {keep_line, t};
    sim_report again = {0};
    sim_run(&small, &again, &listener);
    printf("-- its transcript:\n");
    for (size_t i = t->count > TAIL ? t->count - TAIL : 0; i < t->count; i++)
        printf("%s\n", t->lines[i % TAIL]);
    free(t);
}

static void tell_progress(const sim_report *report, double since, bool last)
{
    static double told;
    double now = wall_seconds();
    bool terminal = isatty(STDERR_FILENO) != 0;
    if (!last && now - told < (terminal ? 0.5 : 10.0))
        return;
    if (last && !terminal)
        return;
    told = now;
    fprintf(stderr, "%s%llu runs, %.1f simulated hours, %.0f steps/s%s", terminal ? "\r" : "",
            (unsigned long long)report->runs, (double)report->simulated_ms / 3600000.0,
            (double)report->steps / (now - since + 1e-9), terminal && !last ? "" : "\n");
}

static int run_seeds(const choice *c)
{
    static sim_report report;
    static sim_plan plan;
    double since = wall_seconds();
    sim_listener listener = {print_line, stdout};
    uint64_t hours_ms = (uint64_t)(c->hours * 3600000.0);
    for (uint64_t i = 0; c->hours > 0 ? report.simulated_ms < hours_ms : i < c->seeds; i++) {
        sim_plan_draw(&plan, c->seed + i, &c->wish);
        if (c->verbose)
            sim_plan_print(&plan, stdout);
        sim_run(&plan, &report, c->verbose ? &listener : NULL);
        tell_progress(&report, since, false);
        if (report.failed != SIM_INV_NONE) {
            tell_failure(&plan, &report);
            return 1;
        }
    }
    tell_progress(&report, since, true);
    int missing = sim_summary(&report, c->expect ? c->wish.kinds : 0, stdout);
    printf("none violated; %.0f steps/s\n", (double)report.steps / (wall_seconds() - since));
    return missing > 0 ? 1 : 0;
}

static int usage(void)
{
    fputs(USAGE, stderr);
    return 2;
}

static bool read_takeover(const char *text, sim_wish *wish)
{
    wish->takeover = strcmp(text, "fast") == 0   ? IRX_TAKEOVER_FAST
                     : strcmp(text, "safe") == 0 ? IRX_TAKEOVER_SAFE
                                                 : (irx_takeover)0;
    return wish->takeover != 0 || strcmp(text, "both") == 0;
}

static bool read_protocol(const char *text, sim_wish *wish)
{
    wish->protocol = strcmp(text, "lease") == 0    ? IRX_PROTOCOL_LEASE
                     : strcmp(text, "quorum") == 0 ? IRX_PROTOCOL_QUORUM
                                                   : (irx_protocol)0;
    return wish->protocol != 0 || strcmp(text, "both") == 0;
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"seeds", required_argument, NULL, 'n'},    {"seed", required_argument, NULL, 's'},
        {"hours", required_argument, NULL, 'h'},    {"members", required_argument, NULL, 'm'},
        {"protocol", required_argument, NULL, 'p'}, {"takeover", required_argument, NULL, 't'},
        {"faults", required_argument, NULL, 'f'},   {"drift", required_argument, NULL, 'd'},
        {"expect", no_argument, NULL, 'e'},         {"verbose", no_argument, NULL, 'v'},
        {"update", no_argument, NULL, 'u'},         {NULL, 0, NULL, 0},
    };
    choice c = {.seed = 1, .seeds = 1000};
    sim_kinds_parse("all", &c.wish.kinds);
    int option;
    bool good = true;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'n': c.seeds = strtoull(optarg, NULL, 10); break;
        case 's': c.seed = strtoull(optarg, NULL, 10); break;
        case 'h': c.hours = strtod(optarg, NULL); break;
        case 'm':
            c.wish.members = atoi(optarg);
            good = good && c.wish.members >= 1 && c.wish.members <= SIM_MEMBERS_MAX;
            break;
        case 'p': good = good && read_protocol(optarg, &c.wish); break;
        case 't': good = good && read_takeover(optarg, &c.wish); break;
        case 'f': good = good && sim_kinds_parse(optarg, &c.wish.kinds); break;
        case 'd': c.wish.drift_ppm = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'e': c.expect = true; break;
        case 'v': c.verbose = true; break;
        case 'u': c.update = true; break;
        default: good = false; break;
        }
    }
    if (!good)
        return usage();
    if (optind == argc)
        return run_seeds(&c);
    int failed = 0;
    for (int i = optind; i < argc; i++)
        failed += sim_scenario(argv[i], c.update);
    return failed > 0 ? 1 : 0;
}
