/* Runs the contract of medium/medium.h over every medium. Each must pass the same number of cases,
 * but for those declared to be about exclusion by the kernel, or about stores without it; the last
 * lines count. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/error.h"

static const contract_topic *const TOPICS[] = {
    &CONTRACT_CLAIMS,  &CONTRACT_RENEWALS, &CONTRACT_EPOCHS,      &CONTRACT_PRESENCE,
    &CONTRACT_MEMBERS, &CONTRACT_HINTS,    &CONTRACT_CONNECTIONS, &CONTRACT_NAMES,
};
enum { TOPIC_COUNT = sizeof TOPICS / sizeof *TOPICS, CASES_MAX = 128, STORES_MAX = 8 };

typedef struct run {
    const store_kind *kind;
    void **store;
    const contract_case *one;
    unsigned *passes;
} run;

peer_seat *contract_member(contract *c, const char *name, const char *label)
{
    return peer_sit(peer_open(c->kind->class, c->loop, c->kind->url(c->store), c->namespace_name),
                    name, label);
}

void assert_id_equal(irx_id a, irx_id b)
{
    char left[33], right[33];
    irx_id_print(a, left);
    irx_id_print(b, right);
    assert_string_equal(left, right);
}

void assert_record_equal(const irx_record *a, const irx_record *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->takeover, b->takeover);
    assert_int_equal(a->presence_seen, b->presence_seen);
    assert_id_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->term, b->term);
    assert_id_equal(a->session, b->session);
    assert_id_equal(a->process, b->process);
    assert_int_equal(a->beat, b->beat);
    assert_int_equal(a->hold_ns, b->hold_ns);
    assert_id_equal(a->epoch, b->epoch);
    assert_id_equal(a->successor, b->successor);
    assert_string_equal(a->label, b->label);
}

static void run_case(void **state)
{
    run *r = *state;
    contract c = {.kind = r->kind, .store = *r->store, .loop = ev_loop_new(EVFLAG_NOENV)};
    char digits[33];
    irx_id_print(irx__random_id(), digits);
    snprintf(c.namespace_name, sizeof c.namespace_name, "contract-%s", digits);
    r->one->run(&c);
    ev_loop_destroy(c.loop);
    (*r->passes)++;
}

static bool applies(const contract_case *one, const store_kind *kind)
{
    return one->where == EVERYWHERE || (one->where == ONLY_IN_KERNEL) == kind->class->kernel;
}

/* Runs all that applies to one medium; false if anything failed. */
static bool run_medium(const store_kind *kind, unsigned *passes)
{
    static struct CMUnitTest tests[CASES_MAX];
    static run runs[CASES_MAX];
    static char names[CASES_MAX][96];
    size_t count = 0;
    void *store = kind->start();
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        for (size_t k = 0; k < TOPICS[i]->count; k++) {
            const contract_case *one = &TOPICS[i]->cases[k];
            if (!applies(one, kind))
                continue;
            assert_true(count < CASES_MAX);
            runs[count] = (run){kind, &store, one, passes};
            snprintf(names[count], sizeof names[count], "%s: %s", kind->name, one->name);
            tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
            count++;
        }
    }
    int failed = _cmocka_run_group_tests(kind->name, tests, count, NULL, NULL);
    kind->stop(store);
    return failed == 0 && *passes == count;
}

static void print_exceptions(void)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        for (size_t k = 0; k < TOPICS[i]->count; k++) {
            const contract_case *one = &TOPICS[i]->cases[k];
            if (one->where != EVERYWHERE)
                printf("contract: %s applies only where the kernel %s\n", one->name,
                       one->where == ONLY_IN_KERNEL ? "excludes" : "does not exclude");
        }
}

static unsigned count_common(const store_kind *kind, unsigned passes)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        for (size_t k = 0; k < TOPICS[i]->count; k++) {
            const contract_case *one = &TOPICS[i]->cases[k];
            if (one->where != EVERYWHERE && applies(one, kind))
                passes--;
        }
    return passes;
}

int main(int argc, char **argv)
{
    unsigned passes[STORES_MAX] = {0};
    bool good = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < STORE_COUNT; i++)
        if (argc < 2 || strcmp(argv[1], STORES[i].name) == 0)
            good &= run_medium(&STORES[i], &passes[i]);
    print_exceptions();
    printf("contract, common to all:");
    for (size_t i = 0; i < STORE_COUNT && argc < 2; i++) {
        unsigned common = count_common(&STORES[i], passes[i]);
        printf(" %s %u", STORES[i].name, common);
        good &= common == count_common(&STORES[0], passes[0]);
    }
    printf("\ncontract:");
    for (size_t i = 0; i < STORE_COUNT; i++)
        printf(" %s %u", STORES[i].name, passes[i]);
    printf("\n");
    return good ? 0 : 1;
}
