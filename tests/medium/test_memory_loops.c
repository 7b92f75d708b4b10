/* memory: several loops in several threads share one store. Under the thread sanitizer this is the
 * proof of its lock. */
#include "cmocka_all.h"
#include "peer.h"

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 3, TERMS = 150 };

typedef struct contender {
    pthread_t thread;
    unsigned wins;
    uint64_t last_term;
} contender;

/* Claims whenever the record is vacant, gives it back at once, until enough terms have been won by
 * all together. */
static void *contend(void *argument)
{
    contender *self = argument;
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    peer_seat *s =
        peer_sit(peer_open(&irx__medium_memory, loop, "memory:loops", "test"), "billing", "a");
    irx_op create = peer_op(s, IRX_OP_CREATE);
    create.incarnation = (irx_id){1, 1};
    irx_record seen = peer_do(s, &create).record;
    peer_say(s, IRX_OP_JOIN);
    while (seen.term < TERMS) {
        irx_op claim = peer_claim(s, IRX_OP_CLAIM, &seen);
        claim.first_term = false;
        claim.expected.session = (irx_id){0, 0};
        irx_result result = peer_do(s, &claim);
        seen = result.record;
        if (result.status != IRX_RESULT_OK)
            continue;
        self->wins++;
        self->last_term = seen.term;
        irx_op renew = peer_renew(s, &seen, seen.beat + 1);
        peer_do(s, &renew);
        irx_op release = peer_release(s, &seen);
        seen = peer_do(s, &release).record;
    }
    peer_end(s);
    ev_loop_destroy(loop);
    return NULL;
}

/* Every term was won exactly once. */
static void no_term_is_won_twice(void **state)
{
    contender contenders[THREADS] = {0};
    unsigned wins = 0;
    uint64_t last_term = 0;
    (void)state;
    /* Somebody has the store open all the time: it would be another one when the last one leaves.
     */
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    peer *keeper = peer_open(&irx__medium_memory, loop, "memory:loops", "test");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&contenders[i].thread, NULL, contend, &contenders[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(contenders[i].thread, NULL), 0);
        wins += contenders[i].wins;
        if (contenders[i].last_term > last_term)
            last_term = contenders[i].last_term;
    }
    assert_true(last_term >= TERMS);
    assert_int_equal(wins, last_term);
    peer_close(keeper);
    ev_loop_destroy(loop);
}

/* A death in one thread is told in another. */
static void *lead_and_end(void *argument)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    peer_seat *s =
        peer_sit(peer_open(&irx__medium_memory, loop, "memory:loops", "test"), "reports", "a");
    peer_lead(s);
    peer_run_ms(loop, 100);
    peer_end(s);
    ev_loop_destroy(loop);
    return argument;
}

static void death_is_told_across_loops(void **state)
{
    pthread_t thread;
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    peer_seat *s =
        peer_sit(peer_open(&irx__medium_memory, loop, "memory:loops", "test"), "reports", "b");
    assert_int_equal(pthread_create(&thread, NULL, lead_and_end, NULL), 0);
    assert_true(peer_wait(loop, &s->hints, 1));
    irx_record held = peer_read(s);
    peer_watch(s, held.process);
    assert_true(peer_wait(loop, &s->gones, 1));
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, &held);
    assert_int_equal(peer_do(s, &claim).status, IRX_RESULT_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    peer_end(s);
    ev_loop_destroy(loop);
}

/* The store ends with the last one who has it open. */
static void store_ends_with_its_last_user(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    peer_seat *s =
        peer_sit(peer_open(&irx__medium_memory, loop, "memory:last", "test"), "billing", "a");
    irx_id epoch = s->peer->id[IRX_CHANNEL_COMMAND];
    peer_lead(s);
    peer_end(s);
    s = peer_sit(peer_open(&irx__medium_memory, loop, "memory:last", "test"), "billing", "a");
    assert_false(irx_id_equal(epoch, s->peer->id[IRX_CHANNEL_COMMAND]));
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_seat *other =
        peer_sit(peer_open(&irx__medium_memory, loop, "memory:other", "test"), "billing", "a");
    peer_lead(s);
    assert_int_equal(peer_say(other, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_end(other);
    peer_end(s);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_term_is_won_twice),
        cmocka_unit_test(death_is_told_across_loops),
        cmocka_unit_test(store_ends_with_its_last_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
