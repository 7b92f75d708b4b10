/* Runs the contract of medium/medium.h over every medium. Each must pass the same number of cases,
 * but for those declared to be about exclusion by the kernel, about stores without it, or about
 * protocol quorum; the last lines count. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/error.h"

static const contract_topic *const TOPICS[] = {
    &CONTRACT_CLAIMS,  &CONTRACT_RENEWALS, &CONTRACT_EPOCHS,      &CONTRACT_PRESENCE,
    &CONTRACT_MEMBERS, &CONTRACT_META,     &CONTRACT_HINTS,       &CONTRACT_MESSAGES,
    &CONTRACT_VALUE,   &CONTRACT_QUORUM,   &CONTRACT_CONNECTIONS, &CONTRACT_NAMES,
};
enum { TOPIC_COUNT = sizeof TOPICS / sizeof *TOPICS, CASES_MAX = 192, STORES_MAX = 8 };

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

uint64_t contract_join(peer_seat *s)
{
    irx_result result = peer_say(s, IRX_OP_JOIN);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_not_equal(result.join, 0);
    return result.join;
}

peer_seat *contract_joined(contract *c, const char *name, const char *label)
{
    peer_seat *s = contract_member(c, name, label);
    contract_join(s);
    return s;
}

const irx_member *contract_row(const peer_seat *reader, irx_id session)
{
    for (size_t i = 0; i < reader->seat.member_count; i++)
        if (irx_id_equal(reader->seat.members[i].session, session))
            return &reader->seat.members[i];
    return NULL;
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
    assert_int_equal(a->value.term, b->value.term);
    assert_int_equal(a->value.index, b->value.index);
    assert_int_equal(a->list, b->list);
    assert_int_equal(a->voter_count, b->voter_count);
    for (uint32_t i = 0; i < a->voter_count; i++)
        assert_id_equal(a->voters[i], b->voters[i]);
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
    switch (one->where) {
    case EVERYWHERE: return true;
    case NOT_IN_KERNEL: return !kind->class->kernel;
    case ONLY_IN_KERNEL: return kind->class->kernel;
    case ONLY_WITH_QUORUM: return kind->class->has_quorum;
    }
    return false;
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

static const char *const PLACES[] = {
    [NOT_IN_KERNEL] = "the kernel does not exclude",
    [ONLY_IN_KERNEL] = "the kernel excludes",
    [ONLY_WITH_QUORUM] = "the store pushes beats",
};

static void print_exceptions(void)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        for (size_t k = 0; k < TOPICS[i]->count; k++) {
            const contract_case *one = &TOPICS[i]->cases[k];
            if (one->where != EVERYWHERE)
                printf("contract: %s applies only where %s\n", one->name, PLACES[one->where]);
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
