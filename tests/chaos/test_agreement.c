/* Real processes on a real Redis agree with the simulator: the same script of faults is played to
 * both, under either protocol and either takeover, and the leaderships that follow must be as many,
 * in the same order of reasons for their ends. Among the real ones no two overlap under safe, and
 * terms grow with time. Who is next may differ: that depends on when each has read last. */
#include "cmocka_all.h"

#include "proxy.h"
#include "redis_server.h"
#include "runtime/clock.h"
#include "sim.h"
#include "troop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REIGNS_MAX = 32, TEXT_MAX = 64 };

/* The ends of leaderships, in the order of their beginnings. */
typedef struct story {
    size_t count;
    uint64_t terms[REIGNS_MAX];
    char reasons[REIGNS_MAX][TEXT_MAX]; /* empty: nobody told */
} story;

static sim_plan plan;

static void read_script(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    sim_plan_default(&plan);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        sim_fault fault;
        if (line[0] == '#' || line[0] == '\0' || sim_head_parse(line, &plan))
            continue;
        assert_true(sim_fault_parse(line, &fault));
        plan.faults[plan.fault_count++] = fault;
    }
    fclose(file);
    assert_true(plan.fault_count >= 7);
}

/* ---- the simulator ----------------------------------------------------------------------------
 */

/* "[ 1234] 1 leader: leads term 5", "[ 1234] 1 leader: term 5 ends: expired" */
static void hear(void *owner, const char *line)
{
    story *s = owner;
    unsigned long long term;
    char reason[TEXT_MAX];
    const char *text = strstr(line, ": ");
    if (text == NULL)
        return;
    if (sscanf(text, ": leads term %llu", &term) == 1) {
        assert_true(s->count < REIGNS_MAX);
        s->reasons[s->count][0] = '\0';
        s->terms[s->count++] = term;
    } else if (sscanf(text, ": term %llu ends: %63s", &term, reason) == 2) {
        for (size_t i = 0; i < s->count; i++) {
            if (s->terms[i] == term)
                memcpy(s->reasons[i], reason, sizeof reason);
        }
    }
}

static story simulate(void)
{
    story s = {0};
    sim_report report = {0};
    const sim_listener listener = {hear, &s};
    sim_run(&plan, &report, &listener);
    if (report.failed != SIM_INV_NONE)
        fail_msg("the simulator: %s", report.failure);
    return s;
}

/* ---- the real thing ---------------------------------------------------------------------------
 */

static redis_server *server;
static troop *members;
static proxy *ways[SIM_MEMBERS_MAX];
static int64_t begun_ns;

static void wait_until_ms(int64_t at_ms)
{
    int64_t left_ms = at_ms - (irx__clock_boot_ns() - begun_ns) / SIM_MS;
    if (left_ms > 0)
        troop_pause_ms((int)left_ms);
}

/* Each member comes by a way of its own, under a name of its own, so that the server can be told
 * whose connections to end. */
static void start_member(int number)
{
    char url[96], heartbeat[16], timeout[16], stall[16];
    snprintf(url, sizeof url, "redis://m%d:secret@127.0.0.1:%d", number, proxy_port(ways[number]));
    snprintf(heartbeat, sizeof heartbeat, "%lld", (long long)plan.heartbeat_ms);
    snprintf(timeout, sizeof timeout, "%lld", (long long)plan.timeout_ms[number]);
    snprintf(stall, sizeof stall, "%lld", (long long)plan.stall_limit_ms);
    const char *const options[] = {
        "protocol",
        plan.protocol == IRX_PROTOCOL_QUORUM ? "quorum" : "lease",
        "takeover",
        plan.takeover == IRX_TAKEOVER_SAFE ? "safe" : "fast",
        "heartbeat_ms",
        heartbeat,
        "timeout_ms",
        timeout,
        "stall_limit_ms",
        stall,
        NULL,
    };
    wait_until_ms(plan.start_ms[number]);
    assert_int_equal(troop_add(members, url, options), number);
}

static unsigned leader_now(void)
{
    for (unsigned i = 0; i < members->count; i++) {
        if (members->members[i].pid != 0 && members->members[i].leads)
            return i;
    }
    fail_msg("nobody leads when a fault is to happen to the leader");
    return 0;
}

static void allow_members(void)
{
    for (int i = 0; i < plan.members; i++)
        redis_server_say(server, "ACL SETUSER m%d on >secret ~* &* +@all", i);
}

static void play(const sim_fault *fault)
{
    wait_until_ms(fault->at_ms);
    unsigned who = fault->kind == SIM_WIPE ? 0 : leader_now();
    switch (fault->kind) {
    case SIM_CRASH: troop_kill(members, who); break;
    case SIM_PAUSE:
        troop_signal(members, who, SIGSTOP);
        wait_until_ms(fault->at_ms + fault->for_ms);
        troop_signal(members, who, SIGCONT);
        break;
    case SIM_SILENCE:
        members->members[who].silent = true;
        members->members[who].leads = false; /* it can not say so itself */
        wait_until_ms(fault->at_ms + fault->for_ms);
        members->members[who].silent = false;
        break;
    case SIM_UNSEAT: redis_server_say(server, "CLIENT KILL TYPE pubsub USER m%u", who); break;
    case SIM_DROP: redis_server_say(server, "CLIENT KILL TYPE normal USER m%u", who); break;
    case SIM_CUT:
        proxy_silence(ways[who], true);
        wait_until_ms(fault->at_ms + fault->for_ms);
        proxy_silence(ways[who], false);
        break;
    case SIM_WIPE:
        redis_server_kill(server);
        wait_until_ms(fault->at_ms + fault->for_ms);
        redis_server_restart(server, true);
        allow_members();
        break;
    default: fail_msg("nobody knows how to do \"%s\" for real", sim_kind_word(fault->kind));
    }
}

static const troop_reign *next_reign(int64_t after_ns)
{
    const troop_reign *next = NULL;
    for (unsigned i = 0; i < members->count; i++) {
        for (unsigned k = 0; k < members->members[i].reigns; k++) {
            const troop_reign *reign = &members->members[i].list[k];
            if (reign->first_ns > after_ns && (next == NULL || reign->first_ns < next->first_ns))
                next = reign;
        }
    }
    return next;
}

static story gather(void)
{
    story s = {0};
    uint64_t term = 0;
    const troop_reign *reign = NULL;
    while ((reign = next_reign(reign != NULL ? reign->first_ns : 0)) != NULL) {
        assert_true(s.count < REIGNS_MAX);
        if (reign->term <= term)
            fail_msg("term %llu came after term %llu", (unsigned long long)reign->term,
                     (unsigned long long)term);
        term = reign->term;
        s.terms[s.count] = reign->term;
        if (reign->over)
            snprintf(s.reasons[s.count], TEXT_MAX, "%s", irx_reason_text(reign->reason));
        s.count++;
    }
    return s;
}

static story live(void)
{
    server = redis_server_start(NULL);
    members = troop_new();
    allow_members();
    for (int i = 0; i < plan.members; i++)
        ways[i] = proxy_start(redis_server_port(server));
    begun_ns = irx__clock_boot_ns();
    for (int i = 0; i < plan.members; i++)
        start_member(i);
    for (size_t i = 0; i < plan.fault_count; i++)
        play(&plan.faults[i]);
    wait_until_ms(plan.length_ms);
    story s = gather();
    if (plan.takeover == IRX_TAKEOVER_SAFE)
        troop_assert_no_overlap(members);
    troop_end(members);
    redis_server_stop(server);
    for (int i = 0; i < plan.members; i++)
        proxy_stop(ways[i]);
    return s;
}

/* ---- both -------------------------------------------------------------------------------------
 */

static void print_story(const char *whose, const story *s)
{
    print_message("    %s:", whose);
    for (size_t i = 0; i < s->count; i++)
        print_message(" %s,", s->reasons[i][0] != '\0' ? s->reasons[i] : "(not told)");
    print_message(" %zu leaderships\n", s->count);
}

static void agree(irx_protocol protocol, irx_takeover takeover)
{
    read_script(INTERREX_SOURCE_DIR "/tests/chaos/scripts/every_fault.txt");
    plan.protocol = protocol;
    plan.takeover = takeover;
    story told = simulate();
    story lived = live();
    print_story("simulated", &told);
    print_story("real", &lived);
    assert_int_equal(told.count, lived.count);
    for (size_t i = 0; i < told.count; i++)
        assert_string_equal(told.reasons[i], lived.reasons[i]);
}

static void lease_safe(void **state)
{
    (void)state;
    agree(IRX_PROTOCOL_LEASE, IRX_TAKEOVER_SAFE);
}

static void lease_fast(void **state)
{
    (void)state;
    agree(IRX_PROTOCOL_LEASE, IRX_TAKEOVER_FAST);
}

static void quorum_safe(void **state)
{
    (void)state;
    agree(IRX_PROTOCOL_QUORUM, IRX_TAKEOVER_SAFE);
}

static void quorum_fast(void **state)
{
    (void)state;
    agree(IRX_PROTOCOL_QUORUM, IRX_TAKEOVER_FAST);
}

int main(int argc, char **argv)
{
    troop_main(argc, argv);
    const char *part = argc > 1 ? argv[1] : ""; /* or all */
    const struct CMUnitTest lease[] = {
        cmocka_unit_test(lease_safe),
        cmocka_unit_test(lease_fast),
    };
    const struct CMUnitTest quorum[] = {
        cmocka_unit_test(quorum_safe),
        cmocka_unit_test(quorum_fast),
    };
    int failed = 0;
    if (strcmp(part, "quorum") != 0)
        failed += cmocka_run_group_tests(lease, NULL, NULL);
    if (strcmp(part, "lease") != 0)
        failed += cmocka_run_group_tests(quorum, NULL, NULL);
    return failed;
}
