/* memory: several loops in several threads share one store. Under the thread sanitizer this is the
 * proof of its lock. */
#include "cmocka_all.h"
#include "medium/messages.h"
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

/* ---- messages -------------------------------------------------------------------------------- */

enum { TALKERS = 3, WORDS = 400, AHEAD = 8 };

typedef struct talker {
    pthread_t thread;
    peer_seat *seat;
    uint32_t number;
    uint32_t heard[TALKERS]; /* the last word of each */
} talker;

/* Words of each sender come in its order, each once, whatever they cross on their way. */
static void note_words(talker *self, unsigned from)
{
    for (unsigned n = from; n <= self->seat->messages; n++) {
        uint32_t word[2];
        const irx_message *read = &peer_message_at(self->seat, n)->read;
        assert_int_equal(read->length, sizeof word);
        memcpy(word, read->data, sizeof word);
        assert_true(word[0] < TALKERS);
        assert_int_equal(word[1], self->heard[word[0]] + 1);
        self->heard[word[0]] = word[1];
    }
}

static void hear_more(talker *self)
{
    unsigned before = self->seat->messages;
    assert_true(peer_wait(self->seat->peer->loop, &self->seat->messages, before + 1));
    note_words(self, before + 1);
}

static bool has_heard_all(const talker *self, uint32_t word)
{
    for (int i = 0; i < TALKERS; i++)
        if (self->heard[i] < word)
            return false;
    return true;
}

/* Nobody runs further ahead than the others' logs go back. */
static void *talk(void *argument)
{
    talker *self = argument;
    for (uint32_t i = 1; i <= WORDS; i++) {
        uint32_t word[2] = {self->number, i};
        irx_message message = peer_data(self->seat, (irx_id){0, 0}, word, sizeof word);
        peer_post(self->seat, &message, (irx_id){0, 0}, 0);
        while (i > AHEAD && !has_heard_all(self, i - AHEAD))
            hear_more(self);
    }
    while (!has_heard_all(self, WORDS))
        hear_more(self);
    return NULL;
}

static void threads_hear_each_other_in_order(void **state)
{
    talker talkers[TALKERS] = {0};
    struct ev_loop *loops[TALKERS];
    (void)state;
    for (uint32_t i = 0; i < TALKERS; i++) {
        loops[i] = ev_loop_new(EVFLAG_NOENV);
        talkers[i].number = i;
        talkers[i].seat =
            peer_sit(peer_open(&irx__medium_memory, loops[i], "memory:loops", "test"), "talk", "a");
    }
    for (int i = 0; i < TALKERS; i++)
        assert_int_equal(pthread_create(&talkers[i].thread, NULL, talk, &talkers[i]), 0);
    for (int i = 0; i < TALKERS; i++)
        assert_int_equal(pthread_join(talkers[i].thread, NULL), 0);
    for (int i = 0; i < TALKERS; i++) {
        for (int k = 0; k < TALKERS; k++)
            assert_int_equal(talkers[i].heard[k], WORDS);
        peer_end(talkers[i].seat);
        ev_loop_destroy(loops[i]);
    }
}

static void post_number(peer_seat *s, const peer_seat *to, unsigned number, size_t length)
{
    static unsigned char data[IRX_MESSAGE_MAX];
    memcpy(data, &number, sizeof number);
    irx_message message = peer_data(s, to->session, data, length);
    peer_post(s, &message, peer_presence(to), 0);
}

/* Whoever does not listen misses the oldest, beyond a number of messages or of bytes. */
static void misses_the_oldest(size_t length, unsigned sent, unsigned most)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV), *still = ev_loop_new(EVFLAG_NOENV);
    peer_seat *s =
        peer_sit(peer_open(&irx__medium_memory, loop, "memory:loops", "test"), "billing", "a");
    peer_seat *deaf =
        peer_sit(peer_open(&irx__medium_memory, still, "memory:loops", "test"), "billing", "b");
    for (unsigned i = 1; i <= sent; i++) {
        post_number(s, deaf, i, length);
        if (i % 16 == 0)
            peer_say(s, IRX_OP_READ); /* which comes after what was sent */
    }
    peer_say(s, IRX_OP_READ);
    peer_run_ms(still, 100);
    assert_in_range(deaf->messages, most - 1, most);
    for (unsigned i = 0; i < PEER_LOG_MAX; i++) {
        unsigned number;
        const irx_message *read = &peer_message_at(deaf, deaf->messages - i)->read;
        memcpy(&number, read->data, sizeof number);
        assert_int_equal(number, sent - i);
    }
    peer_end(deaf);
    peer_end(s);
    ev_loop_destroy(still);
    ev_loop_destroy(loop);
}

static void waiting_messages_are_bounded(void **state)
{
    (void)state;
    misses_the_oldest(sizeof(unsigned), IRX__MESSAGES_MAX + 500, IRX__MESSAGES_MAX);
    misses_the_oldest(IRX_MESSAGE_MAX, 300, IRX__MESSAGES_BYTES_MAX / IRX_MESSAGE_MAX);
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
        cmocka_unit_test(threads_hear_each_other_in_order),
        cmocka_unit_test(waiting_messages_are_bounded),
        cmocka_unit_test(store_ends_with_its_last_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
