/* local: a file system that is full or read-only. Needs the right to mount a small tmpfs; without
 * it these tests fail, since root itself is refused nothing by modes. */
#include "cmocka_all.h"
#include "local_child.h"
#include "local_place.h"
#include "runtime/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_small(void **state)
{
    if (place_make(state) != 0)
        return 1;
    place *where = *state;
    if (mount("tmpfs", where->directory, "tmpfs", 0, "size=64k,nr_inodes=40,mode=0700") != 0) {
        fprintf(stderr, "a small tmpfs can not be mounted (%s): run this test as root\n",
                strerror(errno));
        return 1;
    }
    return 0;
}

static int remove_small(void **state)
{
    place *where = *state;
    umount2(where->directory, MNT_DETACH);
    return place_remove(state);
}

static void fill(const place *where)
{
    temp_shell("cat /dev/zero > '%s/ballast' 2>/dev/null || true", where->directory);
}

static void use_all_files(const place *where)
{
    temp_shell("for i in $(seq 60); do touch '%s/b'$i; done 2>/dev/null; true", where->directory);
}

static void relieve(const place *where)
{
    temp_shell("rm '%s/ballast'", where->directory);
}

static void is_full(const peer_seat *s, const irx_result *result)
{
    assert_int_equal(result->status, IRX_RESULT_FAILED);
    assert_int_equal(result->error_code, IRX_EFULL);
    assert_int_equal(s->why.code, IRX_EFULL);
    assert_non_null(strstr(s->why.text, "No space left on device"));
}

static int leftovers(const place *where)
{
    return place_count(place_file(where, "billing", ""), ".new");
}

/* Nothing is written by half: not the record, not the table, not a presence. */
static void full_disk_fails_cleanly(void **state)
{
    place *where = *state;
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    assert_int_equal(peer_say(a, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_record held = peer_lead(a);
    char *before = strdup(place_read(place_file(where, "billing", "record")));
    fill(where);
    irx_result result = peer_say(b, IRX_OP_JOIN);
    is_full(b, &result);
    assert_null(place_read(place_session_file(where, "billing", b->session)));
    irx_op claim = peer_claim(a, IRX_OP_CLAIM, &held);
    result = peer_do(a, &claim);
    is_full(a, &result);
    assert_string_equal(place_read(place_file(where, "billing", "record")), before);
    assert_int_equal(leftovers(where), 0);
    /* Reading goes on. */
    assert_true(irx_id_equal(peer_read(b).session, a->session));
    assert_int_equal(b->seat.member_count, 1);
    relieve(where);
    assert_int_equal(peer_say(b, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(peer_do(a, &claim).status, IRX_RESULT_OK);
    free(before);
    peer_end(b);
    peer_end(a);
}

/* A value that has no room was not published, and the one before it stands. */
static void value_without_room_is_not_published(void **state)
{
    place *where = *state;
    static unsigned char bytes[IRX_VALUE_MAX];
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    irx_record held = peer_lead(a);
    irx_op publish = peer_publish(a, &held, "small", 5);
    assert_int_equal(peer_do(a, &publish).status, IRX_RESULT_OK);
    publish = peer_publish(a, &held, bytes, sizeof bytes); /* zeros, which take three bytes each */
    irx_result result = peer_do(a, &publish);
    is_full(a, &result);
    assert_int_equal(leftovers(where), 0);
    assert_int_equal(peer_read(b).value.index, 1);
    assert_int_equal(b->seat.value_length, 5);
    assert_memory_equal(b->seat.value, "small", 5);
    publish = peer_publish(a, &held, "next", 4);
    assert_int_equal(peer_do(a, &publish).record.value.index, 2);
    peer_end(b);
    peer_end(a);
}

/* A leader that gives up on a full disk can not write so, but it does not stand in the way: its
 * presence ends. */
static void release_on_a_full_disk_ends_the_presence(void **state)
{
    place *where = *state;
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    irx_record held = peer_lead(a);
    peer_watch(b, held.process);
    peer_run_ms(where->loop, 50);
    fill(where);
    irx_op release = peer_release(a, &held);
    irx_result result = peer_do(a, &release);
    is_full(a, &result);
    assert_true(peer_wait(where->loop, &b->gones, 1));
    relieve(where);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    assert_int_equal(peer_do(b, &claim).status, IRX_RESULT_OK);
    /* A later JOIN or CLAIM of the session takes its presence again. */
    assert_int_equal(peer_say(a, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_non_null(place_read(place_session_file(where, "billing", a->session)));
    peer_end(b);
    peer_end(a);
}

/* No inode is left for a new election, whose directory can not even be made. */
static void no_more_files_fails_cleanly(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_lead(s);
    use_all_files(where);
    peer_seat *other = peer_sit(s->peer, "reports", "r");
    irx_result result = peer_say(other, IRX_OP_JOIN);
    is_full(other, &result);
    assert_true(irx_id_equal(peer_read(s).session, s->session));
    temp_shell("rm '%s'/b*", where->directory);
    assert_int_equal(peer_say(other, IRX_OP_JOIN).status, IRX_RESULT_OK);
    peer_free(other);
    peer_end(s);
}

/* A directory that is full from the first: the connection does not come up, and says why. */
static void full_disk_at_start_is_told(void **state)
{
    place *where = *state;
    use_all_files(where);
    peer *p = peer_new(&irx__medium_local, where->loop, where->url, PLACE_NAMESPACE);
    assert_false(peer_up(p, IRX_CHANNEL_COMMAND));
    assert_int_equal(p->why.code, IRX_EFULL);
    assert_non_null(strstr(p->why.text, where->directory));
    temp_shell("rm '%s'/b*", where->directory);
    assert_true(peer_up(p, IRX_CHANNEL_COMMAND));
    peer_close(p);
}

/* The same directory, seen through a mount that takes no writes. */
static void read_only_directory_fails_cleanly(void **state)
{
    place *where = *state;
    place view = *where;
    char path[TEMP_PATH_MAX];
    peer_seat *a = place_member(where, "billing");
    irx_record held = peer_lead(a);
    temp_make(path);
    assert_int_equal(mount(where->directory, path, NULL, MS_BIND, NULL), 0);
    assert_int_equal(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
    snprintf(view.directory, sizeof view.directory, "%s", path);
    snprintf(view.url, sizeof view.url, "local://%s", path);
    peer_seat *b = place_member(&view, "billing");
    assert_true(irx_id_equal(peer_read(b).session, a->session));
    irx_op claim = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    irx_op join = peer_op(b, IRX_OP_JOIN);
    const irx_op *const ops[] = {&join, &claim};
    for (int i = 0; i < 2; i++) {
        irx_result result = peer_do(b, ops[i]);
        assert_int_equal(result.status, IRX_RESULT_FAILED);
        assert_int_equal(result.error_code, IRX_EUNAVAILABLE);
        assert_non_null(strstr(b->why.text, "Read-only file system"));
        assert_non_null(strstr(b->why.text, path));
    }
    /* It sees the leader's death all the same. */
    peer_watch(b, held.process);
    peer_run_ms(where->loop, 50);
    assert_int_equal(b->gones, 0);
    peer_end(a);
    assert_true(peer_wait(where->loop, &b->gones, 1));
    peer_end(b);
    peer *p = peer_new(&irx__medium_local, where->loop, view.url, "another");
    assert_false(peer_up(p, IRX_CHANNEL_COMMAND));
    assert_int_equal(p->why.code, IRX_EUNAVAILABLE);
    assert_non_null(strstr(p->why.text, "Read-only file system"));
    peer_close(p);
    assert_int_equal(umount(path), 0);
    temp_remove(path);
}

/* A leader that is killed on a full disk: the claim waits for room, then succeeds. */
static void death_on_a_full_disk(void **state)
{
    place *where = *state;
    child leader = child_start(where->directory, PLACE_NAMESPACE, "billing", CHILD_LEADS);
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_record held = peer_read(s);
    peer_watch(s, held.process);
    fill(where);
    child_kill(&leader);
    child_reap(&leader);
    assert_true(peer_wait(where->loop, &s->gones, 1));
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, &held);
    irx_result result = peer_do(s, &claim);
    is_full(s, &result);
    relieve(where);
    assert_int_equal(peer_do(s, &claim).status, IRX_RESULT_OK);
    peer_end(s);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_small, remove_small)
    const struct CMUnitTest tests[] = {
        TEST(full_disk_fails_cleanly),
        TEST(release_on_a_full_disk_ends_the_presence),
        TEST(no_more_files_fails_cleanly),
        TEST(full_disk_at_start_is_told),
        TEST(read_only_directory_fails_cleanly),
        TEST(death_on_a_full_disk),
        TEST(value_without_room_is_not_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
