/* local: messages over the lines between processes: what a receiver that does not read, dies, or
 * runs out of descriptors costs, and what foreign bytes on a line can do. */
#include "cmocka_all.h"
#include "local_child.h"
#include "local_place.h"
#include "medium/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUIET_MS = 100 };

static peer_seat *joined(place *where, const char *name)
{
    peer_seat *s = place_member(where, name);
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    return s;
}

static int count_descriptors(void)
{
    return place_count("/proc/self/fd", "");
}

/* What became of the nth send. */
static int outcome(peer_seat *s, unsigned n)
{
    assert_true(peer_wait(s->peer->loop, &s->sents, n));
    return s->sent[n % PEER_LOG_MAX].code;
}

static void post(peer_seat *s, irx_id to, const char *text, uint64_t ticket)
{
    irx_message message = peer_data(s, to, text, strlen(text));
    peer_post(s, &message, to, ticket); /* presence is a session's */
}

static const irx_id EVERYBODY = {0, 0};

/* ---- what it costs --------------------------------------------------------------------------- */

/* Two processes need one connection each way, however many elections they share. */
static void elections_share_their_lines(void **state)
{
    enum { ELECTIONS = 20 };
    place *where = *state;
    peer_seat *a[ELECTIONS], *b[ELECTIONS];
    char name[16];
    for (int i = 0; i < ELECTIONS; i++) {
        snprintf(name, sizeof name, "election-%d", i);
        a[i] = i == 0 ? place_member(where, name) : peer_sit(a[0]->peer, name, "a");
        b[i] = i == 0 ? place_member(where, name) : peer_sit(b[0]->peer, name, "b");
        assert_int_equal(peer_say(a[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
        assert_int_equal(peer_say(b[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
    }
    int before = count_descriptors();
    for (int i = 0; i < ELECTIONS; i++) {
        peer_tell(a[i], b[i], "there");
        assert_true(peer_heard(b[i], 1, a[i], "there"));
        peer_tell_all(b[i], "and back");
        assert_true(peer_heard(a[i], 1, b[i], "and back"));
    }
    /* Two connections, each with two ends in this process. */
    assert_int_equal(count_descriptors(), before + 4);
    for (int i = ELECTIONS - 1; i > 0; i--) {
        peer_free(a[i]);
        peer_free(b[i]);
    }
    peer_end(a[0]);
    peer_end(b[0]);
}

/* To one who does not read, as much waits as is bounded, the newest; and nobody waits for it. */
static void who_does_not_read_stops_nobody(void **state)
{
    enum { COUNT = 400 };
    place *where = *state;
    place elsewhere = *where;
    elsewhere.loop = ev_loop_new(EVFLAG_NOENV);
    peer_seat *stopped = joined(&elsewhere, "billing");
    peer_seat *reader = joined(where, "billing");
    peer_seat *sender = joined(where, "billing");
    static unsigned char data[IRX_MESSAGE_MAX];
    for (unsigned i = 1; i <= COUNT; i++) {
        memset(data, (int)(i % 251), sizeof data);
        irx_message message = peer_data(sender, EVERYBODY, data, sizeof data);
        peer_post(sender, &message, EVERYBODY, i);
        assert_int_equal(outcome(sender, i), 0);
        const irx_message *read = &peer_message_at(reader, i)->read;
        assert_int_equal(read->length, sizeof data);
        assert_memory_equal(read->data, data, sizeof data);
    }
    assert_int_equal(peer_say(sender, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    /* It goes on: what was not dropped is in order, up to the last. */
    unsigned heard = UINT32_MAX;
    while (heard != stopped->messages) {
        heard = stopped->messages;
        for (int i = 0; i < 20; i++) {
            peer_run_ms(elsewhere.loop, 2);
            peer_run_ms(where->loop, 2);
        }
    }
    unsigned most = IRX__MESSAGES_BYTES_MAX / sizeof data;
    assert_in_range(stopped->messages, most - 1, most + 16);
    for (unsigned i = 0; i < PEER_LOG_MAX; i++) {
        const irx_message *read = &peer_message_at(stopped, stopped->messages - i)->read;
        assert_int_equal(((const unsigned char *)read->data)[0], (COUNT - i) % 251);
        assert_int_equal(read->length, sizeof data);
    }
    peer_end(sender);
    peer_end(reader);
    peer_end(stopped);
    ev_loop_destroy(elsewhere.loop);
}

/* ---- who is gone ----------------------------------------------------------------------------- */

/* Its files are still there: nobody has cleared them away. */
static void killed_receiver_is_nobody(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    peer_seat *other = joined(where, "billing");
    child dead = child_start(where->directory, PLACE_NAMESPACE, "billing", CHILD_JOINS);
    post(s, dead.session, "to one who lives", 1);
    assert_int_equal(outcome(s, 1), 0);
    child_kill(&dead);
    child_reap(&dead);
    assert_int_equal(access(place_session_file(where, "billing", dead.session), F_OK), 0);
    peer_run_ms(where->loop, QUIET_MS);
    post(s, dead.session, "to one who is dead", 2);
    assert_int_equal(outcome(s, 2), IRX_ENOMEMBER);
    post(s, EVERYBODY, "to who is left", 3);
    assert_int_equal(outcome(s, 3), 0);
    assert_true(peer_heard(other, 1, s, "to who is left"));
    peer_end(other);
    peer_end(s);
}

/* The process lives, and listens for other sessions. */
static void session_that_left_is_nobody(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    peer_seat *other = joined(where, "billing");
    peer_seat *near = peer_sit(s->peer, "billing", "near");
    assert_int_equal(peer_say(near, IRX_OP_JOIN).status, IRX_RESULT_OK);
    peer_tell(s, other, "while you are here");
    assert_true(peer_heard(other, 1, s, "while you are here"));
    assert_int_equal(peer_say(other, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    assert_int_equal(peer_say(near, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    post(s, other->session, "too late", 1);
    post(s, near->session, "too late", 2);
    assert_int_equal(outcome(s, 1), IRX_ENOMEMBER);
    assert_int_equal(outcome(s, 2), IRX_ENOMEMBER);
    peer_run_ms(where->loop, QUIET_MS);
    assert_int_equal(other->messages, 1);
    peer_free(near);
    peer_end(other);
    peer_end(s);
}

static void removed_socket_is_nobody(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    peer_seat *other = joined(where, "billing");
    temp_shell("find '%s/" PLACE_NAMESPACE "' -type s -delete", where->directory);
    post(s, other->session, "is anybody there", 1);
    assert_int_equal(outcome(s, 1), IRX_ENOMEMBER);
    post(s, EVERYBODY, "to all", 2);
    assert_int_equal(outcome(s, 2), 0);
    peer_run_ms(where->loop, QUIET_MS);
    assert_int_equal(other->messages, 0);
    peer_end(other);
    peer_end(s);
}

/* The presence connection comes back under the same name, which the session's file still has. */
static void line_keeps_its_name(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    peer_seat *other = joined(where, "billing");
    peer_tell(s, other, "first");
    assert_true(peer_heard(other, 1, s, "first"));
    peer_disconnect(other->peer, IRX_CHANNEL_PRESENCE);
    peer_run_ms(where->loop, QUIET_MS);
    post(s, other->session, "meanwhile", 1);
    assert_int_equal(outcome(s, 1), IRX_ENOMEMBER);
    assert_true(peer_up(other->peer, IRX_CHANNEL_PRESENCE));
    peer_tell(s, other, "second");
    assert_true(peer_heard(other, 2, s, "second"));
    peer_end(other);
    peer_end(s);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* One who could not accept hears what was said meanwhile. */
static void said_to_one_without_descriptors_arrives(void **state)
{
    place *where = *state;
    place elsewhere = *where;
    struct rlimit limit, none;
    elsewhere.loop = ev_loop_new(EVFLAG_NOENV);
    peer_seat *poor = joined(&elsewhere, "billing");
    peer_seat *s = joined(where, "billing");
    post(s, poor->session, "have you any", 1);
    assert_int_equal(outcome(s, 1), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int free_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(free_fd);
    none = limit;
    none.rlim_cur = (rlim_t)free_fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    peer_run_ms(elsewhere.loop, QUIET_MS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(poor->messages, 0);
    assert_int_equal(peer_say(poor, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    assert_true(peer_heard(poor, 1, s, "have you any"));
    peer_end(s);
    peer_end(poor);
    ev_loop_destroy(elsewhere.loop);
}

/* Nobody was asked: that is not to say that nobody is there. */
static void sender_without_descriptors_is_told(void **state)
{
    place *where = *state;
    struct rlimit limit, none;
    peer_seat *s = joined(where, "billing");
    peer_seat *other = joined(where, "billing");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    post(s, other->session, "now", 1);
    bool told = peer_wait(where->loop, &s->sents, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(told);
    assert_int_not_equal(outcome(s, 1), 0);
    assert_int_not_equal(outcome(s, 1), IRX_ENOMEMBER);
    post(s, other->session, "later", 2);
    assert_int_equal(outcome(s, 2), 0);
    assert_true(peer_heard(other, 1, s, "later"));
    assert_int_equal(other->messages, 1);
    peer_end(other);
    peer_end(s);
}

/* A forked child holds no end of any conversation. */
static void fork_keeps_no_line(void **state)
{
    place *where = *state;
    peer_end(joined(where, "billing")); /* the loop's own descriptors */
    int before = count_descriptors();
    peer_seat *a = joined(where, "billing");
    peer_seat *b = joined(where, "billing");
    peer_tell(a, b, "there");
    peer_tell(b, a, "and back");
    assert_true(peer_heard(b, 1, a, "there"));
    assert_true(peer_heard(a, 1, b, "and back"));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        a->peer->class->forked(a->peer->medium);
        b->peer->class->forked(b->peer->medium);
        _exit(count_descriptors() - before);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    peer_tell(a, b, "still there");
    assert_true(peer_heard(b, 2, a, "still there"));
    peer_end(b);
    peer_end(a);
}

/* ---- foreign bytes --------------------------------------------------------------------------- */

static void socket_path(const place *where, const peer_seat *s, struct sockaddr_un *address)
{
    char digits[33];
    irx_id_print(((irx__local_seat *)s->seat.data)->medium->line, digits);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path, sizeof address->sun_path, "%s/" PLACE_NAMESPACE "/~%s",
                          where->directory, digits);
    assert_true(length < (int)sizeof address->sun_path);
}

static int call(const place *where, const peer_seat *s)
{
    struct sockaddr_un address;
    socket_path(where, s, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void is_hung_up_on(place *where, peer_seat *s, const void *bytes, size_t length)
{
    char byte;
    int fd = call(where, s);
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
    peer_run_ms(where->loop, QUIET_MS);
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    assert_int_equal(s->messages + s->peer->strays, 0);
    close(fd);
}

static void foreign_bytes_are_hung_up_on(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    static const unsigned char nothing[] = {'I', 'L', 1, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char huge[] = {'I', 'L', 1, 0, 0, 0, 0, 1, 0, 97};
    static const unsigned char long_name[] = {'I', 'L', 1, 0, 255, 255, 0, 0, 0, 1};
    static const unsigned char newer[] = {'I', 'L', 2};
    is_hung_up_on(where, s, "GET / HTTP/1.1\r\n\r\n", 18);
    is_hung_up_on(where, s, nothing, sizeof nothing);
    is_hung_up_on(where, s, huge, sizeof huge);
    is_hung_up_on(where, s, long_name, sizeof long_name);
    is_hung_up_on(where, s, newer, sizeof newer);
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_end(s);
}

/* Torn anywhere it is the same message, cut off it is none, and of another election nobody's. */
static void frames_may_be_torn(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    unsigned char bytes[256], *frame = malloc(IRX__FRAME_MAX);
    irx_message message = peer_data(s, EVERYBODY, "torn", 4);
    size_t length = irx_message_encode(&message, bytes, sizeof bytes);
    assert_non_null(frame);
    int fd = call(where, s);
    size_t size = irx__frame_write("reports", bytes, length, frame);
    assert_int_equal(send(fd, frame, size, MSG_NOSIGNAL), (ssize_t)size);
    size = irx__frame_write("billing", bytes, length, frame);
    for (size_t i = 0; i < size; i++) {
        peer_run_ms(where->loop, 1);
        assert_int_equal(s->messages, 0);
        assert_int_equal(send(fd, frame + i, 1, MSG_NOSIGNAL), 1);
    }
    assert_true(peer_heard(s, 1, s, "torn"));
    assert_int_equal(send(fd, frame, size - 1, MSG_NOSIGNAL), (ssize_t)size - 1);
    peer_run_ms(where->loop, QUIET_MS);
    close(fd);
    peer_run_ms(where->loop, QUIET_MS);
    assert_int_equal(s->messages, 1);
    free(frame);
    peer_end(s);
}

/* Whatever the umask is: another user could say anything. */
static void socket_is_private(void **state)
{
    place *where = *state;
    struct sockaddr_un address;
    struct stat stat;
    mode_t mask = umask(0);
    peer_seat *s = joined(where, "billing");
    umask(mask);
    socket_path(where, s, &address);
    assert_int_equal(lstat(address.sun_path, &stat), 0);
    assert_true(S_ISSOCK(stat.st_mode));
    assert_int_equal(stat.st_mode & 07777, 0600);
    peer_end(s);
    assert_int_equal(lstat(address.sun_path, &stat), -1);
}

/* Said once, and the election goes on without: something lies where the socket would be. */
static void missing_line_is_said(void **state)
{
    place *where = *state;
    peer_seat *other = joined(where, "billing");
    peer_seat *s = peer_sit(peer_new(&irx__medium_local, where->loop, where->url, PLACE_NAMESPACE),
                            "billing", "here");
    struct sockaddr_un address;
    socket_path(where, s, &address);
    temp_shell("mkdir '%s.new'", address.sun_path);
    assert_true(peer_up(s->peer, IRX_CHANNEL_PRESENCE));
    assert_true(peer_up(s->peer, IRX_CHANNEL_COMMAND));
    assert_int_equal(s->peer->warnings, 1);
    assert_non_null(strstr(s->peer->warning.text, where->directory));
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    post(other, s->session, "do you hear me", 1);
    assert_int_equal(outcome(other, 1), IRX_ENOMEMBER);
    peer_tell(s, other, "I can not hear you");
    assert_true(peer_heard(other, 1, s, "I can not hear you"));
    peer_disconnect(s->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_up(s->peer, IRX_CHANNEL_PRESENCE));
    assert_int_equal(s->peer->warnings, 1);
    peer_end(s);
    peer_end(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(elections_share_their_lines),
        TEST(who_does_not_read_stops_nobody),
        TEST(killed_receiver_is_nobody),
        TEST(session_that_left_is_nobody),
        TEST(removed_socket_is_nobody),
        TEST(line_keeps_its_name),
        TEST(said_to_one_without_descriptors_arrives),
        TEST(sender_without_descriptors_is_told),
        TEST(fork_keeps_no_line),
        TEST(foreign_bytes_are_hung_up_on),
        TEST(frames_may_be_torn),
        TEST(socket_is_private),
        TEST(missing_line_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
