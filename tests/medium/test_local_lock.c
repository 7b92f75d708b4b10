/* local: a process that is stopped, or killed, while it writes. */
#include "cmocka_all.h"
#include "local_child.h"
#include "local_place.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static child sit_on_the_lock(place *where, const char *name)
{
    return child_start(where->directory, PLACE_NAMESPACE, name, CHILD_HOLDS_LOCK);
}

/* Whoever wants to write is told so, once per operation, after a moment; reading and other
 * elections go on. */
static void stopped_writer_blocks_only_writers(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_seat *other = peer_sit(s->peer, "reports", "other");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_record held = peer_lead(s);
    child stopped = sit_on_the_lock(where, "billing");
    assert_int_equal(kill(stopped.pid, SIGSTOP), 0);
    irx_op join = peer_op(s, IRX_OP_JOIN), read = peer_op(s, IRX_OP_READ);
    unsigned before = s->results;
    peer_submit(s, &join);
    peer_submit(s, &read);
    /* The other election's operation, though it came later, does not wait for this one's. */
    assert_int_equal(peer_say(other, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(s->results, before);
    assert_true(peer_wait(where->loop, &s->results, before + 2));
    const irx_result *refused = &s->log[(before + 1) % PEER_LOG_MAX];
    const irx_result *seen = &s->log[(before + 2) % PEER_LOG_MAX];
    assert_int_equal(refused->status, IRX_RESULT_FAILED);
    assert_int_equal(refused->error_code, IRX_EUNAVAILABLE);
    assert_int_equal(seen->status, IRX_RESULT_OK);
    assert_true(irx_id_equal(seen->record.session, held.session));
    peer_run_ms(where->loop, 100);
    assert_int_equal(s->results, before + 2);
    assert_int_equal(peer_do(s, &join).status, IRX_RESULT_FAILED);
    assert_non_null(strstr(s->why.text, place_file(where, "billing", "lock")));
    /* Killed, it holds nothing any more. */
    child_kill(&stopped);
    child_reap(&stopped);
    assert_int_equal(peer_do(s, &join).status, IRX_RESULT_OK);
    peer_free(other);
    peer_end(s);
}

/* A writing that takes a moment is waited for, not refused. */
static void brief_writer_is_waited_for(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    child writer = sit_on_the_lock(where, "billing");
    irx_op join = peer_op(s, IRX_OP_JOIN);
    unsigned before = s->results;
    peer_submit(s, &join);
    peer_run_ms(where->loop, 2);
    child_kill(&writer);
    child_reap(&writer);
    assert_true(peer_wait(where->loop, &s->results, before + 1));
    assert_int_equal(s->log[s->results % PEER_LOG_MAX].status, IRX_RESULT_OK);
    peer_end(s);
}

/* A lock file that was removed under its holder is no lock. */
static void replaced_lock_file_is_made_anew(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    child stopped = sit_on_the_lock(where, "billing");
    temp_shell("mv '%s' '%s/old'", place_file(where, "billing", "lock"), where->directory);
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    child second = sit_on_the_lock(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_FAILED);
    child_kill(&stopped);
    child_reap(&stopped);
    child_kill(&second);
    child_reap(&second);
    peer_end(s);
}

/* A release that finds the lock taken ends the presence all the same. */
static void blocked_release_ends_the_presence(void **state)
{
    place *where = *state;
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    irx_record held = peer_lead(a);
    peer_watch(b, held.process);
    peer_run_ms(where->loop, 50);
    child stopped = sit_on_the_lock(where, "billing");
    irx_op release = peer_release(a, &held);
    assert_int_equal(peer_do(a, &release).status, IRX_RESULT_FAILED);
    assert_true(peer_wait(where->loop, &b->gones, 1));
    child_kill(&stopped);
    child_reap(&stopped);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    assert_int_equal(peer_do(b, &claim).status, IRX_RESULT_OK);
    peer_end(b);
    peer_end(a);
}

/* What waits for its turn is forgotten with its seat and its connection. */
static void waiting_operations_end_with_their_seat(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_seat *other = peer_sit(s->peer, "billing", "other");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    child stopped = sit_on_the_lock(where, "billing");
    irx_op join = peer_op(other, IRX_OP_JOIN);
    peer_submit(other, &join);
    peer_run_ms(where->loop, 2);
    peer_free(other);
    peer_submit(s, &join);
    peer_run_ms(where->loop, 2);
    unsigned before = s->results;
    peer_disconnect(s->peer, IRX_CHANNEL_COMMAND);
    peer_run_ms(where->loop, 50);
    assert_int_equal(s->results, before);
    child_kill(&stopped);
    child_reap(&stopped);
    peer_end(s);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        TEST(stopped_writer_blocks_only_writers),     TEST(brief_writer_is_waited_for),
        TEST(replaced_lock_file_is_made_anew),        TEST(blocked_release_ends_the_presence),
        TEST(waiting_operations_end_with_their_seat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
