/* local: a directory that is removed, replaced, damaged, or not ours. */
#include "cmocka_all.h"
#include "local_child.h"
#include "local_place.h"
#include "runtime/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- removed and replaced -------------------------------------------------------------------- */

/* The leader's next READ says that this is another store; the others go on in the new one. */
static void removed_directory_is_another_store(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_record held = peer_lead(s);
    irx_id epoch = s->peer->id[IRX_CHANNEL_COMMAND];
    temp_remove(where->directory);
    irx_result result = peer_say(s, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_EPOCH);
    assert_false(result.has_record);
    assert_false(irx_id_none(result.epoch));
    assert_false(irx_id_equal(result.epoch, epoch));
    s->peer->id[IRX_CHANNEL_COMMAND] = result.epoch;
    irx_op renew = peer_renew(s, &held, held.beat + 1);
    assert_int_equal(peer_do(s, &renew).status, IRX_RESULT_ABSENT);
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(s->seat.member_count, 1);
    peer_seat *other = place_member(where, "billing");
    assert_true(irx_id_equal(other->peer->id[IRX_CHANNEL_COMMAND], result.epoch));
    /* Everything that hangs on the directory was set up anew: presence, line, hints. */
    held = peer_lead(s);
    peer_run_ms(where->loop, 50);
    unsigned hints = s->hints;
    peer_watch(other, held.process);
    irx_op release = peer_release(s, &held);
    peer_do(s, &release);
    peer_lead(other);
    assert_true(peer_wait(where->loop, &s->hints, hints + 1));
    peer_end(s);
    assert_true(peer_wait(where->loop, &other->gones, 1));
    peer_end(other);
}

/* Nobody has to ask: the removal itself is a hint. */
static void removal_hints(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_lead(s);
    peer_run_ms(where->loop, 50);
    unsigned hints = s->hints;
    temp_remove(where->directory);
    assert_true(peer_wait(where->loop, &s->hints, hints + 1));
    peer_end(s);
}

static void removed_election_has_no_record(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_lead(s);
    temp_shell("rm -rf '%s'", place_file(where, "billing", ""));
    irx_result result = peer_say(s, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_ABSENT);
    peer_lead(s);
    peer_end(s);
}

static void removed_epoch_is_another_epoch(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    temp_shell("rm '%s/" PLACE_NAMESPACE "/~epoch'", where->directory);
    irx_result result = peer_say(s, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_EPOCH);
    assert_true(result.has_record);
    assert_true(irx_id_equal(result.record.session, held.session));
    assert_false(irx_id_equal(result.record.epoch, result.epoch));
    peer_end(s);
}

/* A process that starts in many copies at once must not draw many epochs. */
static void many_at_once_agree_on_the_epoch(void **state)
{
    place *where = *state;
    child children[4];
    for (int i = 0; i < 4; i++)
        children[i] = child_start(where->directory, PLACE_NAMESPACE, "billing", CHILD_JOINS);
    peer_seat *s = place_member(where, "billing");
    peer_say(s, IRX_OP_READ);
    assert_int_equal(s->seat.member_count, 4);
    for (int i = 0; i < 4; i++) {
        child_kill(&children[i]);
        child_reap(&children[i]);
    }
    peer_end(s);
}

static irx_result take_over(peer_seat *s, const irx_record *held)
{
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, held);
    return peer_do(s, &claim);
}

/* A cleaner of /tmp removed the leader's presence: at its next READ the leader has it back, before
 * anybody took over. */
static void removed_presence_comes_back(void **state)
{
    place *where = *state;
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    assert_int_equal(peer_say(a, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_record held = peer_lead(a);
    assert_int_equal(unlink(place_session_file(where, "billing", a->session)), 0);
    assert_true(irx_id_equal(peer_read(a).session, a->session));
    assert_int_equal(a->seat.member_count, 1);
    assert_int_equal(take_over(b, &held).status, IRX_RESULT_CONFLICT);
    peer_watch(b, held.process);
    peer_run_ms(where->loop, 100);
    assert_int_equal(b->gones, 0);
    peer_end(a);
    assert_true(peer_wait(where->loop, &b->gones, 1));
    peer_end(b);
}

/* Whoever was faster leads; the old leader sees it at its next READ. */
static void removed_presence_may_be_too_late(void **state)
{
    place *where = *state;
    peer_seat *a = place_member(where, "billing");
    peer_seat *b = place_member(where, "billing");
    irx_record held = peer_lead(a);
    assert_int_equal(unlink(place_session_file(where, "billing", a->session)), 0);
    assert_int_equal(take_over(b, &held).status, IRX_RESULT_OK);
    assert_true(irx_id_equal(peer_read(a).session, b->session));
    peer_end(b);
    peer_end(a);
}

/* The presence file was replaced by one that somebody else locked: there is no exclusion any more,
 * so there is no record for the leader either. */
static void stolen_presence_ends_the_leadership(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_lead(s);
    const char *path = place_session_file(where, "billing", s->session);
    assert_int_equal(unlink(path), 0);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    irx_result result = peer_say(s, IRX_OP_READ);
    assert_int_equal(result.status, IRX_RESULT_ABSENT);
    assert_false(result.has_record);
    close(fd);
    peer_end(s);
}

/* ---- what is not ours ------------------------------------------------------------------------ */

static const irx_op_kind ALL[] = {IRX_OP_READ,   IRX_OP_JOIN,  IRX_OP_STRIKE,
                                  IRX_OP_CREATE, IRX_OP_CLAIM, IRX_OP_CLAIM_IF_GONE,
                                  IRX_OP_RENEW,  IRX_OP_LEAVE, IRX_OP_RELEASE};

static void is_foreign(place *where, peer_seat *s, const char *file)
{
    const char *path = place_file(where, "billing", file);
    char *before = strdup(place_read(path) ? place_read(path) : "");
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++) {
        bool has_table = ALL[i] == IRX_OP_READ || ALL[i] == IRX_OP_JOIN || ALL[i] == IRX_OP_LEAVE;
        if (strcmp(file, "members") == 0 && !has_table)
            continue;
        irx_result result = peer_say(s, ALL[i]);
        assert_int_equal(result.status, IRX_RESULT_FAILED);
        assert_int_equal(result.error_code, IRX_EFOREIGN);
        assert_int_equal(s->why.code, IRX_EFOREIGN);
        assert_non_null(strstr(s->why.text, path));
    }
    if (place_read(path))
        assert_string_equal(place_read(path), before);
    free(before);
}

static void foreign_files_are_named_and_kept(void **state)
{
    static const char *const texts[] = {
        "hello\n",
        "interrex-record",
        "interrex-record 1\n",
        "interrex-record 0\n",
        "interrex-record 1\nprotocol 1\n",
        "interrex-record 99999999999999999999\n",
        "interrex-members 1\nlast_join 1\n",
        "interrex-members 2\nlast_join 0\ncheck 0000000000000000\n",
    };
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_say(s, IRX_OP_READ);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        place_write(place_file(where, "billing", "record"), texts[i]);
        is_foreign(where, s, "record");
    }
    unlink(place_file(where, "billing", "record"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        place_write(place_file(where, "billing", "members"), texts[i]);
        is_foreign(where, s, "members");
    }
    unlink(place_file(where, "billing", "members"));
    peer_lead(s);
    peer_end(s);
}

static void foreign_shapes_are_named(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_say(s, IRX_OP_READ);
    const char *path = place_file(where, "billing", "record");
    assert_int_equal(mkdir(path, 0700), 0);
    is_foreign(where, s, "record");
    assert_int_equal(rmdir(path), 0);
    path = place_file(where, "billing", "record");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    is_foreign(where, s, "record");
    assert_int_equal(unlink(path), 0);
    temp_shell("head -c 100000 /dev/zero > '%s'", place_file(where, "billing", "record"));
    is_foreign(where, s, "record");
    temp_shell("printf 'interrex-record 1\\0' > '%s'", place_file(where, "billing", "record"));
    is_foreign(where, s, "record");
    assert_int_equal(unlink(place_file(where, "billing", "record")), 0);
    peer_lead(s);
    peer_end(s);
}

/* What a power cut may leave behind is no record, and stands in nobody's way. */
static void empty_record_is_none(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    peer_say(s, IRX_OP_READ);
    place_write(place_file(where, "billing", "record"), "");
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_lead(s);
    peer_end(s);
}

/* A newer library's record is read and left alone. */
static void newer_record_is_read_only(void **state)
{
    place *where = *state;
    peer_seat *s = place_member(where, "billing");
    irx_record held = peer_lead(s);
    const char *path = place_file(where, "billing", "record");
    temp_shell("sed -i -e '1s/1$/%d/' -e '3i colour blue' '%s'", IRX_FORMAT + 1, path);
    char *before = strdup(place_read(path));
    irx_record seen = peer_read(s);
    assert_int_equal(seen.format, IRX_FORMAT + 1);
    assert_int_equal(seen.term, held.term);
    assert_true(irx_id_equal(seen.session, held.session));
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &seen);
    assert_int_equal(peer_do(s, &claim).status, IRX_RESULT_CONFLICT);
    assert_int_equal(take_over(s, &seen).status, IRX_RESULT_CONFLICT);
    irx_op renew = peer_renew(s, &seen, seen.beat + 1);
    assert_int_equal(peer_do(s, &renew).status, IRX_RESULT_STALE);
    irx_op release = peer_release(s, &seen);
    assert_int_equal(peer_do(s, &release).status, IRX_RESULT_STALE);
    irx_op create = peer_op(s, IRX_OP_CREATE);
    assert_int_equal(peer_do(s, &create).status, IRX_RESULT_CONFLICT);
    assert_string_equal(place_read(path), before);
    free(before);
    peer_end(s);
}

/* ---- where a directory may be ---------------------------------------------------------------- */

/* Connects and expects a refusal that names the directory and this rule. */
static void is_refused(place *where, const char *directory, int code, const char *rule)
{
    char url[256];
    snprintf(url, sizeof url, "local://%s", directory);
    peer *p = peer_new(&irx__medium_local, where->loop, url, PLACE_NAMESPACE);
    assert_false(peer_up(p, IRX_CHANNEL_COMMAND));
    assert_int_equal(p->why.code, code);
    assert_non_null(strstr(p->why.text, directory));
    if (!strstr(p->why.text, rule))
        fail_msg("\"%s\" does not say \"%s\"", p->why.text, rule);
    assert_false(peer_up(p, IRX_CHANNEL_PRESENCE));
    assert_int_equal(p->why.code, code);
    peer_close(p);
}

static void another_users_directory_is_refused(void **state)
{
    place *where = *state;
    if (chown(where->directory, 65534, 65534) != 0)
        fail_msg("this test must run as root, to give a directory to another user");
    is_refused(where, where->directory, IRX_EAUTH, "belongs to user 65534");
    assert_int_equal(chown(where->directory, 0, 0), 0);
    peer_end(place_member(where, "billing"));
    temp_shell("chown 65534 '%s/" PLACE_NAMESPACE "'", where->directory);
    peer *p = peer_new(&irx__medium_local, where->loop, where->url, PLACE_NAMESPACE);
    assert_false(peer_up(p, IRX_CHANNEL_COMMAND));
    assert_int_equal(p->why.code, IRX_EAUTH);
    peer_close(p);
}

static void everybodys_directory_is_refused(void **state)
{
    place *where = *state;
    assert_int_equal(chmod(where->directory, 0777), 0);
    is_refused(where, where->directory, IRX_EAUTH, "written by everybody (mode 0777)");
    assert_int_equal(chmod(where->directory, 01777), 0);
    is_refused(where, where->directory, IRX_EAUTH, "written by everybody (mode 1777)");
    assert_int_equal(chmod(where->directory, 0755), 0);
    peer_end(place_member(where, "billing"));
}

static void impossible_places_are_refused(void **state)
{
    place *where = *state;
    char path[TEMP_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/file", where->directory);
    place_write(path, "");
    is_refused(where, path, IRX_EUNAVAILABLE, "Not a directory");
    snprintf(path, sizeof path, "%s/no/where", where->directory);
    is_refused(where, path, IRX_EUNAVAILABLE, "No such file or directory");
}

static void missing_directory_is_made_private(void **state)
{
    place *where = *state;
    struct stat stat_of;
    assert_int_equal(rmdir(where->directory), 0);
    peer_end(place_member(where, "billing"));
    assert_int_equal(stat(where->directory, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0700);
}

static void environment_names_the_default(void **state)
{
    place *where = *state;
    irx_error error;
    irx_url url;
    irx_medium *medium = NULL;
    assert_int_equal(setenv("INTERREX_DIR", where->directory, 1), 0);
    peer_end(peer_sit(peer_open(&irx__medium_local, where->loop, "local:", "from-environment"),
                      "billing", "a"));
    assert_int_equal(place_count(where->directory, "from-environment"), 1);
    assert_int_equal(setenv("INTERREX_DIR", "relative/path", 1), 0);
    assert_int_equal(irx__url_parse("local:", &url, &error), 0);
    const irx_medium_config config = {
        .url = &url, .namespace_name = "x", .max_members = 1, .loop = where->loop};
    assert_int_equal(irx__medium_local.open(&config, &medium, &error), IRX_ECONFIG);
    assert_null(medium);
    assert_non_null(strstr(error.text, "INTERREX_DIR=\"relative/path\""));
    unsetenv("INTERREX_DIR");
}

/* Files in use are touched, so that those who remove old files leave them. */
static void files_in_use_stay_young(void **state)
{
    place *where = *state;
    struct stat stat_of;
    peer_seat *s = place_member(where, "billing");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    peer_lead(s);
    temp_shell("find '%s' -exec touch -h -d '20 days ago' {} +", where->directory);
    peer_say(s, IRX_OP_READ);
    const char *session = place_session_file(where, "billing", s->session);
    assert_int_equal(stat(session, &stat_of), 0);
    time_t young = stat_of.st_mtime;
    for (const char *const *file = (const char *const[]){"record", "members", "lock", NULL}; *file;
         file++) {
        assert_int_equal(stat(place_file(where, "billing", *file), &stat_of), 0);
        assert_true(labs(stat_of.st_mtime - young) < 100);
    }
    temp_shell("test -z \"$(find '%s' -name '%s' -mtime +1)\"", where->directory, "record");
    peer_end(s);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        TEST(removed_directory_is_another_store),
        TEST(removal_hints),
        TEST(removed_election_has_no_record),
        TEST(removed_epoch_is_another_epoch),
        TEST(many_at_once_agree_on_the_epoch),
        TEST(removed_presence_comes_back),
        TEST(removed_presence_may_be_too_late),
        TEST(stolen_presence_ends_the_leadership),
        TEST(foreign_files_are_named_and_kept),
        TEST(foreign_shapes_are_named),
        TEST(empty_record_is_none),
        TEST(newer_record_is_read_only),
        TEST(another_users_directory_is_refused),
        TEST(everybodys_directory_is_refused),
        TEST(impossible_places_are_refused),
        TEST(missing_directory_is_made_private),
        TEST(environment_names_the_default),
        TEST(files_in_use_stay_young),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
