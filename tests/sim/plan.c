/* Draws a plan from a seed, and reads and writes plans as text. It decides what will go wrong, and
 * never what follows from it. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum sim_set { MEMBERS, NETWORK, STORE, GUEST, DRIFT, ASK, SETS } sim_set;

static const char *const SET_WORDS[SETS] = {"members", "network", "store", "guest", "drift", "ask"};

static const struct {
    const char *word;
    sim_set set;
} KINDS[SIM_KINDS] = {
#define X(name, word, set, text) {word, set},
    SIM_FAULT_MAP(X)
#undef X
};

const char *sim_kind_word(sim_kind kind)
{
    return KINDS[kind].word;
}

const char *sim_invariant_word(sim_invariant invariant)
{
    static const char *const WORDS[] = {
#define X(name, word, text) word,
        SIM_INVARIANT_MAP(X)
#undef X
    };
    return WORDS[invariant];
}

const char *sim_drill_word(sim_drill drill)
{
    static const char *const WORDS[] = {
#define X(name, word) word,
        SIM_DRILL_MAP(X)
#undef X
    };
    return WORDS[drill];
}

/* ---- drawing ----------------------------------------------------------------------------------
 */

static int64_t between(uint64_t *random, int64_t low, int64_t high)
{
    return low + (int64_t)sim_draw(random, (uint64_t)(high - low + 1));
}

/* Short ones are common, long ones occur. */
static int64_t duration(uint64_t *random, int64_t longest_ms)
{
    int64_t bound_ms = longest_ms >> sim_draw(random, 4);
    return between(random, 1, bound_ms > 1 ? bound_ms : 1);
}

static void draw_fault(const sim_plan *plan, uint64_t *random, sim_kind kind, sim_fault *fault)
{
    int64_t timeout_ms = plan->timeout_ms[0];
    *fault = (sim_fault){
        .at_ms = between(random, 0, plan->length_ms - 1),
        .kind = kind,
        .member = sim_draw(random, 2) == 0 ? -1 : (int)sim_draw(random, (uint64_t)plan->members),
        .for_ms = duration(random, 4 * timeout_ms),
    };
    switch (kind) {
    case SIM_VANISH: fault->by = duration(random, 4 * timeout_ms); break;
    case SIM_STALL: fault->by = between(random, 0, 6); break;
    case SIM_MUTE:
    case SIM_DEAFEN:
    case SIM_UNSURE:
    case SIM_HUSH: fault->by = between(random, 10, 100); break;
    case SIM_SLOW:
    case SIM_REPEAT:
    case SIM_UNSEAT:
    case SIM_HINTS: fault->by = duration(random, 2000); break;
    case SIM_BACK:
    case SIM_FAILOVER: fault->by = duration(random, 8 * timeout_ms); break;
    case SIM_CLOCKBACK: fault->by = duration(random, 3600000); break;
    case SIM_FREEZE:
        /* A pause of half a time-out or less goes unnoticed, and may; see docs/algorithm.md. */
        fault->for_ms = timeout_ms / 2 + 1 + duration(random, 4 * timeout_ms);
        break;
    case SIM_CLONE:
        fault->for_ms = timeout_ms / 2 + 1 + duration(random, 2 * timeout_ms);
        fault->by = between(random, 0, plan->members - 1);
        break;
    case SIM_RATE: fault->by = between(random, -500000, 500000); break;
    case SIM_STRAY: fault->by = between(random, 0, 7); break;
    case SIM_TRANSFER: fault->by = between(random, 0, plan->members - 1); break;
    case SIM_WORK:
    case SIM_RACE: fault->for_ms = duration(random, 3000); break;
    default: break;
    }
    bool instant = kind == SIM_DROP || kind == SIM_UNSEAT || kind == SIM_FAILOVER ||
                   kind == SIM_EVICT || kind == SIM_FLUSH || kind == SIM_CLOCKBACK ||
                   kind == SIM_RESIGN || kind == SIM_TRANSFER || kind == SIM_STRAY ||
                   kind == SIM_PUBLISH;
    if (instant)
        fault->for_ms = 0;
    if (KINDS[kind].set == STORE || kind == SIM_HUSH)
        fault->member = -2;
}

static int by_time(const void *a, const void *b)
{
    int64_t left = ((const sim_fault *)a)->at_ms, right = ((const sim_fault *)b)->at_ms;
    return left < right ? -1 : left > right;
}

/* A run has a few kinds of faults at a time: all of them together mostly keep anything from
 * happening at all. */
static sim_kinds draw_kinds(uint64_t *random, sim_kinds allowed)
{
    sim_kinds kinds = 0;
    int wanted = 1 + (int)sim_draw(random, 6);
    for (int i = 0; i < 40 * wanted && wanted > 0; i++) {
        sim_kind kind = (sim_kind)sim_draw(random, SIM_KINDS);
        bool rare = kind == SIM_RATE || kind == SIM_CLOCKBACK || kind == SIM_CLONE;
        if ((allowed & SIM_BIT(kind)) && !(kinds & SIM_BIT(kind)) &&
            (!rare || sim_draw(random, 3) == 0)) {
            kinds |= SIM_BIT(kind);
            wanted--;
        }
    }
    return kinds != 0 ? kinds : allowed;
}

/* From fifteen heartbeats in a time-out to three, the fewest that are allowed. */
static int64_t draw_heartbeat(uint64_t *random)
{
    static const int64_t HEARTBEATS_MS[] = {300, 300, 300, 500, 100};
    return HEARTBEATS_MS[sim_draw(random, 5)];
}

static void draw_clocks(sim_plan *plan, uint64_t *random, uint32_t drift_ppm)
{
    static const uint32_t DRIFTS[] = {5000, 5000, 50000};
    plan->drift_ppm = drift_ppm != 0 ? drift_ppm : DRIFTS[sim_draw(random, 3)];
    int64_t most = (int64_t)plan->drift_ppm;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        int64_t any = between(random, -most, most);
        int64_t end = any < 0 ? -most : most; /* the ends are where it hurts */
        plan->rate_ppm[i] = sim_draw(random, 2) == 0 ? any : end;
    }
}

static void draw_members(sim_plan *plan, uint64_t *random, const sim_wish *wish)
{
    plan->members = wish->members != 0 ? wish->members : 1 + (int)sim_draw(random, 5);
    if (wish->members == 0 && sim_draw(random, 8) == 0)
        plan->members = SIM_MEMBERS_MAX - (int)sim_draw(random, 4);
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        bool late = sim_draw(random, 6) == 0;
        plan->start_ms[i] = between(random, 0, late ? plan->length_ms - 1 : 300);
        plan->observer[i] = i > 0 && sim_draw(random, 10) == 0;
    }
}

/* Members of different time-outs, as while settings are being changed. Where the store may lose the
 * record, exclusion is promised only if no living leader's hold exceeds the claimant's: there they
 * are equal. So they are where guests are paused, by more than half a time-out of anyone. */
static void draw_timeouts(sim_plan *plan, uint64_t *random, sim_kinds kinds)
{
    const sim_kinds losses = SIM_BIT(SIM_WIPE) | SIM_BIT(SIM_BACK) | SIM_BIT(SIM_FAILOVER) |
                             SIM_BIT(SIM_EVICT) | SIM_BIT(SIM_FLUSH) | SIM_BIT(SIM_FREEZE) |
                             SIM_BIT(SIM_CLONE);
    bool mixed = (kinds & losses) == 0 && sim_draw(random, 4) == 0;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++)
        plan->timeout_ms[i] = mixed && sim_draw(random, 2) == 0 ? 2500 : 1500;
    plan->stall_limit_ms =
        (kinds & SIM_BIT(SIM_SILENCE)) != 0 || sim_draw(random, 3) == 0 ? 2000 : 0;
}

void sim_plan_default(sim_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->members = 3;
    plan->protocol = IRX_PROTOCOL_LEASE;
    plan->takeover = IRX_TAKEOVER_FAST;
    plan->drift_ppm = 5000;
    plan->heartbeat_ms = 300;
    plan->length_ms = 20000;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++)
        plan->timeout_ms[i] = 1500;
}

void sim_plan_draw(sim_plan *plan, uint64_t seed, const sim_wish *wish)
{
    uint64_t state = seed;
    uint64_t *random = &state;
    uint64_t protocol = seed ^ UINT64_C(0x2545f4914f6cdd1d); /* else the same under either */
    sim_plan_default(plan);
    plan->seed = seed;
    plan->drills = true;
    plan->protocol = wish->protocol != 0           ? wish->protocol
                     : sim_draw(&protocol, 2) == 0 ? IRX_PROTOCOL_LEASE
                                                   : IRX_PROTOCOL_QUORUM;
    plan->takeover = wish->takeover != 0        ? wish->takeover
                     : sim_draw(random, 2) == 0 ? IRX_TAKEOVER_FAST
                                                : IRX_TAKEOVER_SAFE;
    plan->length_ms = 5000 * between(random, 1, 12);
    plan->heartbeat_ms = draw_heartbeat(random);
    draw_members(plan, random, wish);
    sim_kinds kinds = draw_kinds(random, wish->kinds);
    draw_timeouts(plan, random, kinds);
    draw_clocks(plan, random, wish->drift_ppm);
    if (wish->kinds == 0)
        return;
    size_t count = 1 + (size_t)plan->length_ms / 1000;
    count += (size_t)sim_draw(random, count);
    plan->fault_count = count < SIM_FAULTS_MAX ? count : SIM_FAULTS_MAX;
    for (size_t i = 0; i < plan->fault_count; i++) {
        sim_kind kind;
        do {
            kind = (sim_kind)sim_draw(random, SIM_KINDS);
        } while ((kinds & SIM_BIT(kind)) == 0);
        draw_fault(plan, random, kind, &plan->faults[i]);
    }
    qsort(plan->faults, plan->fault_count, sizeof plan->faults[0], by_time);
}

/* ---- text -------------------------------------------------------------------------------------
 */

void sim_fault_print(const sim_fault *fault, char text[SIM_TEXT_MAX])
{
    int used = snprintf(text, SIM_TEXT_MAX, "at %lld %s", (long long)fault->at_ms,
                        KINDS[fault->kind].word);
    if (fault->member == -1)
        used += snprintf(text + used, SIM_TEXT_MAX - (size_t)used, " leader");
    else if (fault->member >= 0)
        used += snprintf(text + used, SIM_TEXT_MAX - (size_t)used, " %d", fault->member + 1);
    if (fault->for_ms != 0)
        used += snprintf(text + used, SIM_TEXT_MAX - (size_t)used, " for %lld",
                         (long long)fault->for_ms);
    bool names_member = fault->kind == SIM_TRANSFER || fault->kind == SIM_CLONE;
    if (names_member)
        snprintf(text + used, SIM_TEXT_MAX - (size_t)used, " to %lld", (long long)fault->by + 1);
    else if (fault->by != 0)
        snprintf(text + used, SIM_TEXT_MAX - (size_t)used, " by %lld", (long long)fault->by);
}

static void print_row(FILE *file, const char *word, const int64_t *values, int count, int64_t usual)
{
    bool all = true;
    for (int i = 0; i < count; i++)
        all = all && values[i] == usual;
    if (all)
        return;
    fprintf(file, "%s", word);
    for (int i = 0; i < count; i++)
        fprintf(file, " %lld", (long long)values[i]);
    fprintf(file, "\n");
}

void sim_plan_print(const sim_plan *plan, FILE *file)
{
    fprintf(file, "seed %llu\nmembers %d\nprotocol %s\ntakeover %s\ndrift %u\nlength %lld\n",
            (unsigned long long)plan->seed, plan->members,
            plan->protocol == IRX_PROTOCOL_QUORUM ? "quorum" : "lease",
            plan->takeover == IRX_TAKEOVER_FAST ? "fast" : "safe", plan->drift_ppm,
            (long long)plan->length_ms);
    if (plan->heartbeat_ms != 300)
        fprintf(file, "heartbeat %lld\n", (long long)plan->heartbeat_ms);
    if (plan->stall_limit_ms != 0)
        fprintf(file, "stall_limit %lld\n", (long long)plan->stall_limit_ms);
    if (plan->drills)
        fprintf(file, "drills\n");
    print_row(file, "timeouts", plan->timeout_ms, plan->members, 1500);
    print_row(file, "rates", plan->rate_ppm, plan->members, 0);
    print_row(file, "starts", plan->start_ms, plan->members, 0);
    for (int i = 0; i < plan->members; i++) {
        if (plan->observer[i])
            fprintf(file, "observer %d\n", i + 1);
    }
    for (size_t i = 0; i < plan->fault_count; i++) {
        char text[SIM_TEXT_MAX];
        sim_fault_print(&plan->faults[i], text);
        fprintf(file, "%s\n", text);
    }
}

static void read_row(const char *text, int64_t values[SIM_MEMBERS_MAX])
{
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        char *end;
        long long value = strtoll(text, &end, 10);
        if (end == text)
            return;
        values[i] = value;
        text = end;
    }
}

bool sim_head_parse(const char *line, sim_plan *plan)
{
    char word[16], value[32] = "";
    int at = 0;
    if (sscanf(line, "%15s %n%31s", word, &at, value) < 1)
        return false;
    long long number = strtoll(value, NULL, 10);
    if (strcmp(word, "seed") == 0)
        plan->seed = strtoull(value, NULL, 10);
    else if (strcmp(word, "members") == 0)
        plan->members = number >= 1 && number <= SIM_MEMBERS_MAX ? (int)number : 0;
    else if (strcmp(word, "protocol") == 0)
        plan->protocol = strcmp(value, "quorum") == 0 ? IRX_PROTOCOL_QUORUM : IRX_PROTOCOL_LEASE;
    else if (strcmp(word, "takeover") == 0)
        plan->takeover = strcmp(value, "safe") == 0 ? IRX_TAKEOVER_SAFE : IRX_TAKEOVER_FAST;
    else if (strcmp(word, "drift") == 0)
        plan->drift_ppm = (uint32_t)number;
    else if (strcmp(word, "heartbeat") == 0)
        plan->heartbeat_ms = number;
    else if (strcmp(word, "length") == 0)
        plan->length_ms = number;
    else if (strcmp(word, "heartbeat") == 0)
        plan->heartbeat_ms = number;
    else if (strcmp(word, "stall_limit") == 0)
        plan->stall_limit_ms = number;
    else if (strcmp(word, "drills") == 0)
        plan->drills = true;
    else if (strcmp(word, "timeouts") == 0)
        read_row(line + at, plan->timeout_ms);
    else if (strcmp(word, "rates") == 0)
        read_row(line + at, plan->rate_ppm);
    else if (strcmp(word, "starts") == 0)
        read_row(line + at, plan->start_ms);
    else if (strcmp(word, "observer") == 0 && number >= 1 && number <= SIM_MEMBERS_MAX)
        plan->observer[number - 1] = true;
    else
        return false;
    return plan->members != 0;
}

/* "at MS KIND [MEMBER|leader] [for MS] [by AMOUNT | to MEMBER]" */
bool sim_fault_parse(const char *line, sim_fault *fault)
{
    char copy[SIM_TEXT_MAX];
    snprintf(copy, sizeof copy, "%s", line);
    char *rest;
    char *word = strtok_r(copy, " \n", &rest);
    if (word == NULL || strcmp(word, "at") != 0)
        return false;
    *fault = (sim_fault){.member = -2};
    char *at = strtok_r(NULL, " \n", &rest);
    word = strtok_r(NULL, " \n", &rest);
    if (at == NULL || word == NULL)
        return false;
    fault->at_ms = strtoll(at, NULL, 10);
    int kind = 0;
    while (kind < SIM_KINDS && strcmp(word, KINDS[kind].word) != 0)
        kind++;
    if (kind == SIM_KINDS)
        return false;
    fault->kind = (sim_kind)kind;
    while ((word = strtok_r(NULL, " \n", &rest)) != NULL) {
        if (strcmp(word, "leader") == 0) {
            fault->member = -1;
        } else if (word[0] >= '0' && word[0] <= '9') {
            fault->member = atoi(word) - 1;
        } else {
            char *value = strtok_r(NULL, " \n", &rest);
            if (value == NULL)
                return false;
            if (strcmp(word, "for") == 0)
                fault->for_ms = strtoll(value, NULL, 10);
            else if (strcmp(word, "by") == 0)
                fault->by = strtoll(value, NULL, 10);
            else if (strcmp(word, "to") == 0)
                fault->by = strtoll(value, NULL, 10) - 1;
            else
                return false;
        }
    }
    return fault->member < SIM_MEMBERS_MAX;
}

/* A list by commas of kinds, sets, "all" and "none"; a minus leaves one out. */
bool sim_kinds_parse(const char *text, sim_kinds *kinds)
{
    char copy[SIM_TEXT_MAX];
    snprintf(copy, sizeof copy, "%s", text);
    char *rest;
    *kinds = 0;
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        bool without = word[0] == '-';
        sim_kinds some = 0;
        word += without ? 1 : 0;
        for (int i = 0; i < SIM_KINDS; i++) {
            if (strcmp(word, "all") == 0 || strcmp(word, KINDS[i].word) == 0 ||
                strcmp(word, SET_WORDS[KINDS[i].set]) == 0)
                some |= SIM_BIT(i);
        }
        if (some == 0 && strcmp(word, "none") != 0)
            return false;
        *kinds = without ? *kinds & ~some : *kinds | some;
    }
    return true;
}
