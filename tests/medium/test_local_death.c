/* local: processes that are killed, stopped or forked in the middle of it. */
#include "cmocka_all.h"
#include "local_child.h"
#include "local_place.h"
#include "medium/local.h"
#include "runtime/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static child start(place *where, const char *name, child_part part)
{
    return child_start(where->directory, PLACE_NAMESPACE, name, part);
}

static irx_result take_over(peer_seat *s)
{
    irx_record held = peer_read(s);
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, &held);
    return peer_do(s, &claim);
}

static void watch_from_afar(peer_seat *s, irx_id session, int64_t every_ns)
{
    s->peer->class->watch(s->peer->medium, &s->seat, session, every_ns);
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* SIGKILL is heard, not asked for: the watch would ask only once an hour. */
static void killed_leader_is_heard(void **state)
{
    enum { ROUNDS = 15 };
    place *where = *state;
    int64_t took_ns[ROUNDS];
    peer_seat *s = place_member(where, "billing");
    for (unsigned i = 0; i < ROUNDS; i++) {
        child leader = start(where, "billing", CHILD_LEADS);
        irx_record held = peer_read(s);
        assert_true(irx_id_equal(held.session, leader.session));
        watch_from_afar(s, held.process, 3600 * INT64_C(1000000000));
        peer_run_ms(where->loop, 20);
        assert_int_equal(s->gones, i);
        int64_t killed_ns = irx__clock_boot_ns();
        child_kill(&leader);
        assert_true(peer_wait(where->loop, &s->gones, i + 1));
        took_ns[i] = irx__clock_boot_ns() - killed_ns;
        assert_true(irx_id_equal(s->gone, leader.session));
        irx_result result = take_over(s);
        assert_int_equal(result.status, IRX_RESULT_OK);
        irx_op release = peer_release(s, &result.record);
        assert_int_equal(peer_do(s, &release).status, IRX_RESULT_OK);
        child_reap(&leader);
    }
    qsort(took_ns, ROUNDS, sizeof *took_ns, compare);
    print_message("SIGKILL to GONE: median %.2f ms, slowest %.2f ms\n",
                  (double)took_ns[ROUNDS / 2] / 1e6, (double)took_ns[ROUNDS - 1] / 1e6);
    peer_end(s);
}

/* Without the directory's events (no inotify instance was to be had) the line is enough. */
static void killed_leader_is_heard_on_the_line_alone(void **state)
{
    place *where = *state;
    child leader = start(where, "billing", CHILD_LEADS);
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_read(s);
    irx__local_hints_close(s->peer->medium);
    ((irx__local_seat *)s->seat.data)->wd = -1;
    watch_from_afar(s, held.process, 3600 * INT64_C(1000000000));
    peer_run_ms(where->loop, 100);
    assert_int_equal(s->gones, 0);
    child_kill(&leader);
    assert_true(peer_wait(where->loop, &s->gones, 1));
    child_reap(&leader);
    peer_end(s);
}

/* Without the line (its socket was removed) the directory's events and the repeated question
 * remain. */
static void killed_leader_without_a_line_is_noticed(void **state)
{
    place *where = *state;
    child leader = start(where, "billing", CHILD_LEADS);
    temp_shell("find '%s/" PLACE_NAMESPACE "' -type s -delete", where->directory);
    peer_seat *s = place_member(where, "billing");
    peer_watch(s, peer_read(s).process);
    peer_run_ms(where->loop, 100);
    assert_int_equal(s->gones, 0);
    child_kill(&leader);
    assert_true(peer_wait(where->loop, &s->gones, 1));
    assert_int_equal(take_over(s).status, IRX_RESULT_OK);
    child_reap(&leader);
    peer_end(s);
}

/* A stopped process holds its lock: it leads, for as long as it likes. */
static void stopped_leader_is_not_gone(void **state)
{
    place *where = *state;
    child leader = start(where, "billing", CHILD_LEADS);
    peer_seat *s = place_member(where, "billing");
    peer_watch(s, peer_read(s).process);
    assert_int_equal(kill(leader.pid, SIGSTOP), 0);
    peer_run_ms(where->loop, 300);
    assert_int_equal(s->gones, 0);
    assert_int_equal(take_over(s).status, IRX_RESULT_CONFLICT);
    child_kill(&leader);
    assert_true(peer_wait(where->loop, &s->gones, 1));
    assert_int_equal(take_over(s).status, IRX_RESULT_OK);
    child_reap(&leader);
    peer_end(s);
}

/* Dead members are in nobody's table, and the next JOIN or STRIKE clears away what they left. */
static void dead_members_vanish(void **state)
{
    place *where = *state;
    child first = start(where, "billing", CHILD_LEADS);
    child second = start(where, "billing", CHILD_JOINS);
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(s->seat.member_count, 3);
    peer_run_ms(where->loop, 50);
    unsigned hints = s->hints;
    child_kill(&first);
    assert_true(peer_wait(where->loop, &s->hints, hints + 1));
    child_kill(&second);
    assert_true(peer_wait(where->loop, &s->hints, hints + 2));
    child_reap(&first);
    child_reap(&second);
    peer_say(s, IRX_OP_READ);
    assert_int_equal(s->seat.member_count, 1);
    assert_true(irx_id_equal(s->seat.members[0].session, s->session));
    assert_non_null(place_read(place_session_file(where, "billing", first.session)));
    assert_int_equal(peer_say(s, IRX_OP_STRIKE).status, IRX_RESULT_OK);
    assert_null(place_read(place_session_file(where, "billing", first.session)));
    assert_null(place_read(place_session_file(where, "billing", second.session)));
    assert_non_null(place_read(place_session_file(where, "billing", s->session)));
    peer_end(s);
}

/* A dead process's socket is removed by the next one that begins; a living one's stays. */
static void dead_sockets_are_swept(void **state)
{
    place *where = *state;
    char path[256];
    snprintf(path, sizeof path, "%s/" PLACE_NAMESPACE, where->directory);
    child living = start(where, "billing", CHILD_JOINS);
    child dead = start(where, "billing", CHILD_JOINS);
    assert_int_equal(place_count(path, "~"), 3); /* and the epoch */
    child_kill(&dead);
    child_reap(&dead);
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(place_count(path, "~"), 3);
    peer_end(s);
    assert_int_equal(place_count(path, "~"), 2);
    child_kill(&living);
    child_reap(&living);
}

/* A forked child has a copy of every descriptor; it must not keep a dead parent's lock. */
static void child_outlives_its_parent(void **state)
{
    place *where = *state;
    child leader = start(where, "billing", CHILD_LEADS_FORKING);
    peer_seat *s = place_member(where, "billing");
    peer_watch(s, peer_read(s).process);
    peer_run_ms(where->loop, 100);
    assert_int_equal(s->gones, 0);
    assert_int_equal(take_over(s).status, IRX_RESULT_CONFLICT);
    child_kill(&leader);
    child_reap(&leader);
    assert_true(peer_wait(where->loop, &s->gones, 1));
    assert_int_equal(kill(leader.grandchild, 0), 0);
    assert_int_equal(take_over(s).status, IRX_RESULT_OK);
    assert_int_equal(kill(leader.grandchild, SIGKILL), 0);
    peer_end(s);
}

/* Nor does the child's life or end take anything from a living parent. */
static void parent_outlives_its_child(void **state)
{
    place *where = *state;
    child leader = start(where, "billing", CHILD_LEADS_FORKING);
    peer_seat *s = place_member(where, "billing");
    peer_watch(s, peer_read(s).process);
    assert_int_equal(kill(leader.grandchild, SIGKILL), 0);
    peer_run_ms(where->loop, 150);
    assert_int_equal(s->gones, 0);
    assert_int_equal(take_over(s).status, IRX_RESULT_CONFLICT);
    child_kill(&leader);
    assert_true(peer_wait(where->loop, &s->gones, 1));
    child_reap(&leader);
    peer_end(s);
}

/* What a living process gives up is given up, even while a forked child that does not know that it
 * is one has copies of all descriptors. */
static void given_up_lock_does_not_live_in_a_child(void **state)
{
    place *where = *state;
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    irx_record held = peer_lead(a);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    peer_watch(b, held.process);
    peer_end(a);
    assert_true(peer_wait(where->loop, &b->gones, 1));
    assert_int_equal(take_over(b).status, IRX_RESULT_OK);
    child unknowing = {.pid = pid};
    child_kill(&unknowing);
    child_reap(&unknowing);
    peer_end(b);
}

/* The same of the lock file, which a fork may catch in the middle of an operation. */
static void unlocked_file_does_not_stay_locked_in_a_child(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_error error;
    int fd;
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(irx__local_lock(&s->peer->medium->root, "billing", &fd, &error), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    irx__local_unlock(&fd);
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    child unknowing = {.pid = pid};
    child_kill(&unknowing);
    child_reap(&unknowing);
    peer_end(s);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        TEST(killed_leader_is_heard),
        TEST(killed_leader_is_heard_on_the_line_alone),
        TEST(killed_leader_without_a_line_is_noticed),
        TEST(stopped_leader_is_not_gone),
        TEST(dead_members_vanish),
        TEST(dead_sockets_are_swept),
        TEST(child_outlives_its_parent),
        TEST(parent_outlives_its_child),
        TEST(given_up_lock_does_not_live_in_a_child),
        TEST(unlocked_file_does_not_stay_locked_in_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
