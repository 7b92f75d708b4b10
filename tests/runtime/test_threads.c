/* Every function from every thread: many hands on few handles, and handles that come and go
 * meanwhile. Worth most under the thread sanitizer; by itself it must end, and at no time may two
 * lead. */
#include "cmocka_all.h"
#include "handles.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { HANDS = 4, SHARED = 3 };

static irx_election *shared[SHARED];
static _Atomic bool finished;
static _Atomic int trouble;

static void look(irx_election *e)
{
    irx_status status;
    irx_metrics metrics;
    irx_member_info *members;
    size_t count;
    char *history;
    irx_event *event;
    irx_value *value;
    if (irx_election_status(e, &status) || irx_election_metrics(e, &metrics))
        atomic_fetch_add(&trouble, 1);
    if (irx_election_members(e, &members, &count) == 0)
        irx_members_free(members);
    if (irx_election_history(e, &history) == 0)
        irx_text_free(history);
    if (irx_election_next_event(e, &event, 0) == 0)
        irx_event_free(event);
    if (irx_election_value(e, &value) == 0)
        irx_value_free(value);
    irx_election_event_fd(e);
    irx_election_pulse(e);
}

static void work(irx_election *e)
{
    irx_token token;
    if (irx_election_work_begin(e, &token))
        return;
    if (!irx_election_check(e, 0, &token))
        sched_yield(); /* a stall of this machine, perhaps; nothing to conclude */
    irx_election_work_end(e);
}

/* With a ticket and without one; what is refused at once is as good as what is not. */
static void speak(irx_election *e, unsigned draw)
{
    static const char bytes[5000];
    static const irx_id nobody = {0, 0};
    uint64_t ticket;
    uint64_t *asked = draw & 1 ? &ticket : NULL;
    irx_audience audience = draw & 2 ? IRX_TO_ALL : IRX_TO_LEADER;
    switch (draw % 3) {
    case 0: irx_election_send(e, audience, nobody, bytes, draw % sizeof bytes, asked); break;
    case 1: irx_election_publish(e, bytes, draw % sizeof bytes, asked); break;
    default: irx_election_set_meta(e, bytes, draw % IRX_META_MAX, asked); break;
    }
}

static void *lay_hands_on(void *argument)
{
    unsigned seed = (unsigned)(intptr_t)argument;
    while (!atomic_load(&finished)) {
        irx_election *e = shared[(unsigned)rand_r(&seed) % SHARED];
        switch ((unsigned)rand_r(&seed) % 10) {
        case 0: irx_election_start(e); break;
        case 1: irx_election_stop(e); break;
        case 2: irx_election_resign(e); break;
        case 3: look(e); break;
        case 4: work(e); break;
        case 5:
        case 6: speak(e, (unsigned)rand_r(&seed)); break;
        default: irx_election_is_leader(e); break;
        }
        sched_yield();
    }
    return NULL;
}

static void *come_and_go(void *argument)
{
    (void)argument;
    while (!atomic_load(&finished)) {
        irx_election *e = open_election("memory:threads", "passing", NULL);
        irx_election_start(e);
        sched_yield();
        irx_election_is_leader(e);
        irx_election_close(e);
    }
    return NULL;
}

static void many_hands_break_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < SHARED; i++)
        shared[i] = open_election("memory:threads", "shared", "stall_limit_ms", "5000", NULL);
    pthread_t hands[HANDS], passing;
    for (int i = 0; i < HANDS; i++)
        assert_int_equal(pthread_create(&hands[i], NULL, lay_hands_on, (void *)(intptr_t)(i + 1)),
                         0);
    assert_int_equal(pthread_create(&passing, NULL, come_and_go, NULL), 0);
    sleep_ms(3000);
    atomic_store(&finished, true);
    for (int i = 0; i < HANDS; i++)
        pthread_join(hands[i], NULL);
    pthread_join(passing, NULL);
    assert_int_equal(atomic_load(&trouble), 0);
    for (int i = 1; i < SHARED; i++)
        irx_election_close(shared[i]);
    irx_election_start(shared[0]); /* still a whole election */
    await_leading(shared[0]);
    irx_election_close(shared[0]);
}

static irx_election *turns[2];
static _Atomic uint64_t highest_term;

static void *ask(void *argument)
{
    (void)argument;
    while (!atomic_load(&finished)) {
        for (int i = 0; i < 2; i++) {
            irx_token token;
            if (!irx_election_leads(turns[i], 0, &token))
                continue;
            uint64_t seen = atomic_load(&highest_term);
            while (seen < token.term &&
                   !atomic_compare_exchange_weak(&highest_term, &seen, token.term))
                continue;
            /* An older term that still leads now, after a newer one did, would be a second leader.
             */
            if (token.term < seen && irx_election_leads(turns[i], 0, &token) &&
                token.term < atomic_load(&highest_term))
                atomic_fetch_add(&trouble, 1);
        }
    }
    return NULL;
}

/* Leadership goes to and fro between two members of one process while two threads ask both. */
static void no_one_sees_two_leaders(void **state)
{
    (void)state;
    atomic_store(&finished, false);
    for (int i = 0; i < 2; i++) {
        turns[i] = open_election("memory:threads", "turns", NULL);
        irx_election_start(turns[i]);
        if (i == 0)
            await_leading(turns[0]);
        else
            await_following(turns[1]);
    }
    pthread_t asking[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&asking[i], NULL, ask, NULL), 0);
    for (int i = 0; i < 100; i++) {
        irx_election *leader = turns[i % 2], *next = turns[(i + 1) % 2];
        irx_election_stop(leader);
        await_leading(next);
        assert_false(irx_election_is_leader(leader));
        expect_event(leader, IRX_STOPPED);
        irx_election_start(leader);
        await_following(leader);
    }
    atomic_store(&finished, true);
    for (int i = 0; i < 2; i++)
        pthread_join(asking[i], NULL);
    assert_int_equal(atomic_load(&trouble), 0);
    for (int i = 0; i < 2; i++)
        irx_election_close(turns[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_hands_break_nothing),
        cmocka_unit_test(no_one_sees_two_leaders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
