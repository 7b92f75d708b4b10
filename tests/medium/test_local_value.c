/* local: the published value as a file: what a writer that is killed leaves behind, what readers
 * see meanwhile, and a file that is damaged, in the way or left over. */
#include "cmocka_all.h"
#include "local_child.h"
#include "local_place.h"
#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static irx_result publish(peer_seat *s, const irx_record *held, const char *text)
{
    irx_op op = peer_publish(s, held, text, strlen(text));
    return peer_do(s, &op);
}

static void has_value(const peer_seat *s, uint64_t term, uint64_t index, const char *text)
{
    assert_int_equal(s->seat.value_version.term, term);
    assert_int_equal(s->seat.value_version.index, index);
    assert_int_equal(s->seat.value_length, strlen(text));
    assert_memory_equal(s->seat.value, text, strlen(text));
}

/* What is handed to a seat is what was published under that version. */
static void is_whole(const peer_seat *s)
{
    static unsigned char expected[IRX_VALUE_MAX];
    if (s->seat.value_version.term == 0)
        return;
    assert_int_equal(s->seat.value_length, child_value(s->seat.value_version, expected));
    if (s->seat.value_length > 0)
        assert_memory_equal(s->seat.value, expected, s->seat.value_length);
}

static bool is_later(irx_version a, irx_version b)
{
    return a.term != b.term ? a.term > b.term : a.index > b.index;
}

/* Killed anywhere in the middle of it, a leader leaves the last value or the next one, and its
 * successor goes on from there. */
static void killed_publishers_leave_whole_values(void **state)
{
    enum { ROUNDS = 25 };
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_version seen = {0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        child leader = child_start(where->directory, PLACE_NAMESPACE, "billing", CHILD_PUBLISHES);
        const irx_version before = seen;
        /* Each gets a little further than the one before. */
        while (seen.term == before.term || seen.index < (uint64_t)i + 2) {
            irx_version now = peer_read(s).value;
            assert_false(is_later(seen, now));
            assert_int_equal(now.term, s->seat.value_version.term);
            assert_int_equal(now.index, s->seat.value_version.index);
            is_whole(s);
            seen = now;
        }
        child_kill(&leader);
        child_reap(&leader);
    }
    irx_record held = peer_read(s);
    assert_false(is_later(seen, held.value));
    is_whole(s);
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, &held);
    irx_result result = peer_do(s, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(result.record.value.term, held.value.term);
    assert_int_equal(result.record.value.index, held.value.index);
    result = publish(s, &result.record, "mine");
    assert_int_equal(result.status, IRX_RESULT_OK);
    has_value(s, result.record.term, 1, "mine");
    peer_end(s);
}

/* Publishing is one rename: the record is not touched by it. */
static void record_is_left_alone(void **state)
{
    place *where = *state;
    struct stat before, after;
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    assert_int_equal(stat(place_file(where, "billing", "record"), &before), 0);
    assert_int_equal(publish(s, &held, "one").status, IRX_RESULT_OK);
    assert_int_equal(stat(place_file(where, "billing", "record"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(place_count(place_file(where, "billing", "."), "new"), 0);
    peer_end(s);
}

/* Somebody ended before the rename. */
static void unfinished_value_is_none(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    assert_int_equal(publish(s, &held, "one").status, IRX_RESULT_OK);
    place_write(place_file(where, "billing", "value.new"), "interrex-value 1\nversion 9999");
    peer_seat *other = place_member(where, "billing");
    assert_int_equal(peer_read(other).value.index, 1);
    has_value(other, held.term, 1, "one");
    assert_int_equal(publish(s, &held, "two").status, IRX_RESULT_OK);
    peer_read(other);
    has_value(other, held.term, 2, "two");
    peer_end(other);
    peer_end(s);
}

/* Not read as something else, not overwritten, and named. */
static void damaged_value_is_named_and_kept(void **state)
{
    place *where = *state;
    char text[512];
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    assert_int_equal(publish(s, &held, "one").status, IRX_RESULT_OK);
    snprintf(text, sizeof text, "%s", place_read(place_file(where, "billing", "value")));
    *strstr(text, "one") = 'O';
    place_write(place_file(where, "billing", "value"), text);
    peer_seat *other = place_member(where, "billing");
    irx_result result = peer_say(other, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_FAILED);
    assert_int_equal(result.error_code, IRX_EFOREIGN);
    assert_non_null(strstr(other->why.text, "billing/value"));
    assert_null(other->seat.value);
    place_write(place_file(where, "billing", "value"), "anything else");
    result = publish(s, &held, "two");
    assert_int_equal(result.status, IRX_RESULT_FAILED);
    assert_int_equal(result.error_code, IRX_EFOREIGN);
    assert_string_equal(place_read(place_file(where, "billing", "value")), "anything else");
    /* Moved away, as the error says. */
    assert_int_equal(unlink(place_file(where, "billing", "value")), 0);
    assert_int_equal(publish(s, &held, "three").status, IRX_RESULT_OK);
    peer_read(other);
    has_value(other, held.term, 1, "three");
    peer_end(other);
    peer_end(s);
}

/* What a power cut may leave behind is no value, and stands in nobody's way. */
static void empty_file_is_no_value(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    place_write(place_file(where, "billing", "value"), "");
    assert_int_equal(peer_read(s).value.term, 0);
    assert_int_equal(publish(s, &held, "").status, IRX_RESULT_OK);
    has_value(s, held.term, 1, "");
    peer_end(s);
}

/* A record that was removed does not leave its value to the next one. */
static void new_record_begins_without_a_value(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    assert_int_equal(publish(s, &held, "old").status, IRX_RESULT_OK);
    assert_int_equal(unlink(place_file(where, "billing", "record")), 0);
    peer_seat *other = place_member(where, "billing");
    irx_result result = peer_say(other, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_ABSENT);
    assert_null(other->seat.value);
    held = peer_lead(other);
    assert_int_equal(held.value.term, 0);
    assert_int_equal(peer_read(other).value.term, 0);
    assert_null(other->seat.value);
    assert_int_equal(access(place_file(where, "billing", "value"), F_OK), -1);
    assert_int_equal(publish(other, &held, "new").status, IRX_RESULT_OK);
    has_value(other, held.term, 1, "new");
    peer_end(other);
    peer_end(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_publishers_leave_whole_values),
        TEST(record_is_left_alone),
        TEST(unfinished_value_is_none),
        TEST(damaged_value_is_named_and_kept),
        TEST(empty_file_is_no_value),
        TEST(new_record_begins_without_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
