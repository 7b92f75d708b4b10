/* local: what is said between processes, where one of them does not listen, says nonsense, has no
 * descriptors left, or was forked. A process is a medium object here; one that is stopped is one
 * whose loop does not run. */
#include "cmocka_all.h"
#include "local_place.h"
#include "medium/local.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUIET_MS = 50 };

static peer_seat *joined(place *where, const char *name)
{
    peer_seat *s = place_member(where, name);
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    return s;
}

/* One on a loop of its own, which runs only where the test lets it. */
static peer_seat *joined_apart(place *where, const char *name, struct ev_loop **loop)
{
    *loop = ev_loop_new(EVFLAG_NOENV);
    peer *p = peer_open(&irx__medium_local, *loop, where->url, PLACE_NAMESPACE);
    peer_seat *s = peer_sit(p, name, "apart");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    return s;
}

static int open_descriptors(void)
{
    return place_count("/proc/self/fd", "");
}

/* ---- who does not listen --------------------------------------------------------------------- */

static void say_number(peer_seat *from, const peer_seat *to, unsigned number, size_t size)
{
    static unsigned char data[IRX_MESSAGE_MAX];
    memcpy(data, &number, sizeof number);
    irx_message message = peer_data(from, to->session, data, size);
    peer_post(from, &message, peer_presence(to), number);
}

static unsigned number_of(peer_seat *s, unsigned n)
{
    unsigned number;
    memcpy(&number, s->inbox[n % PEER_LOG_MAX].read.data, sizeof number);
    return number;
}

/* Its queue is bounded, the sender's loop goes on, and the newest arrive, in their order. */
static void stopped_receiver_stops_nobody(void **state)
{
    enum { COUNT = 600, SIZE = 60000 /* more than twice the bound of a queue */ };
    place *where = *state;
    struct ev_loop *apart;
    peer_seat *a = joined(where, "billing");
    peer_seat *b = joined_apart(where, "billing", &apart);
    for (unsigned number = 1; number <= COUNT; number++) {
        say_number(a, b, number, SIZE);
        if (number % 50 == 0)
            assert_int_equal(peer_say(a, IRX_OP_JOIN).status, IRX_RESULT_OK);
    }
    assert_true(peer_wait(where->loop, &a->sents, COUNT));
    for (unsigned i = 0; i < PEER_LOG_MAX; i++)
        assert_int_equal(a->sent[i].code, 0);
    const irx__local_link *link = a->peer->medium->links;
    assert_non_null(link);
    assert_null(link->next);
    assert_true(link->out.bytes <= IRX__MESSAGES_BYTES_MAX);
    assert_true(link->out.bytes > IRX__MESSAGES_BYTES_MAX - 2 * SIZE);
    unsigned last = 0;
    for (unsigned taken = 0; last != COUNT;) {
        peer_run_ms(where->loop, 1);
        peer_run_ms(apart, 1);
        for (; taken < b->messages; taken++) {
            assert_true(b->messages - taken < PEER_LOG_MAX);
            assert_true(number_of(b, taken + 1) > last);
            last = number_of(b, taken + 1);
        }
    }
    assert_true(b->messages < COUNT);
    peer_end(b);
    ev_loop_destroy(apart);
    peer_end(a);
}

/* ---- nonsense -------------------------------------------------------------------------------- */

static int call(const peer_seat *s)
{
    int fd = irx__local_line_call(&s->peer->medium->root, s->peer->medium->line);
    assert_true(fd >= 0);
    return fd;
}

static void say_raw(int fd, const void *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* True if the other end has closed the connection. */
static bool was_hung_up(place *where, int fd)
{
    char byte;
    peer_run_ms(where->loop, QUIET_MS);
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static size_t frame_to(const peer_seat *s, const char *election, unsigned char *frame)
{
    unsigned char bytes[IRX_MESSAGE_HEADER_MAX + 16];
    irx_message message = peer_data(s, election ? (irx_id){0, 0} : s->session, "framed", 6);
    size_t length = irx_message_encode(&message, bytes, sizeof bytes);
    return irx__frame_write(election, bytes, length, frame);
}

static void nonsense_is_hung_up_on(void **state)
{
    static const unsigned char *const nonsense[] = {
        (const unsigned char *)"GET / HTTP/1.1",
        (const unsigned char *)"I",                                  /* a beginning: waits */
        (const unsigned char *)"IL\x02\x00\x00\x00\x00\x00\x00\x01", /* another version */
        (const unsigned char *)"IL\x01\x00\xff\xff\x00\x00\x00\x01", /* a path too long */
        (const unsigned char *)"IL\x01\x00\x00\x00\x00\x00\x00\x00", /* a message of no bytes */
        (const unsigned char *)"IL\x01\x00\x00\x00\xff\xff\xff\xff", /* one too long */
    };
    static const size_t lengths[] = {14, 1, 10, 10, 10, 10};
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int fd = call(s);
        say_raw(fd, nonsense[i], lengths[i]);
        assert_int_equal(was_hung_up(where, fd), i != 1);
        close(fd);
    }
    peer_run_ms(where->loop, QUIET_MS);
    assert_null(s->peer->medium->listeners);
    assert_int_equal(s->messages + s->peer->strays, 0);
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    peer_end(s);
}

/* A frame is a frame however its bytes come. */
static void frames_come_in_any_pieces(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    unsigned char *frame = malloc(2 * IRX__FRAME_MAX);
    assert_non_null(frame);
    int fd = call(s);
    size_t size = frame_to(s, NULL, frame);
    for (size_t i = 0; i < size; i++) {
        say_raw(fd, frame + i, 1);
        peer_run_ms(where->loop, 1);
    }
    assert_true(peer_heard(s, 1, s, "framed"));
    size += frame_to(s, "billing", frame + size);
    say_raw(fd, frame, size);
    assert_true(peer_heard(s, 2, s, "framed"));
    assert_true(peer_heard(s, 3, s, "framed"));
    assert_false(s->inbox[2].to_all);
    assert_true(s->inbox[3].to_all);
    /* One that does not come to its end is lost with who said it. */
    say_raw(fd, frame, size - 1);
    close(fd);
    peer_run_ms(where->loop, QUIET_MS);
    assert_int_equal(s->messages, 4);
    assert_null(s->peer->medium->listeners);
    free(frame);
    peer_end(s);
}

static void elections_that_are_not_here_are_nobodys(void **state)
{
    place *where = *state;
    peer_seat *s = joined(where, "billing");
    unsigned char frame[512];
    static const char *const others[] = {"reports", "bill", "billing2", "../billing", "BILLING"};
    int fd = call(s);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        say_raw(fd, frame, frame_to(s, others[i], frame));
    say_raw(fd, frame, frame_to(s, "billing", frame));
    assert_true(peer_heard(s, 1, s, "framed"));
    peer_run_ms(where->loop, QUIET_MS);
    assert_int_equal(s->messages, 1);
    assert_false(was_hung_up(where, fd));
    close(fd);
    peer_end(s);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* Two processes are one line apart, however many elections they share. */
static void elections_share_a_line(void **state)
{
    enum { ELECTIONS = 40 };
    place *where = *state;
    peer_seat *a = joined(where, "first"), *b = joined(where, "first");
    peer_seat *mine[ELECTIONS], *yours[ELECTIONS];
    char name[16];
    for (int i = 0; i < ELECTIONS; i++) {
        snprintf(name, sizeof name, "more-%d", i);
        mine[i] = peer_sit(a->peer, name, "mine");
        yours[i] = peer_sit(b->peer, name, "yours");
        assert_int_equal(peer_say(mine[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
        assert_int_equal(peer_say(yours[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
    }
    int before = open_descriptors();
    for (int i = 0; i < ELECTIONS; i++) {
        peer_tell(mine[i], yours[i], "one");
        peer_tell_all(mine[i], "all");
        assert_true(peer_heard(yours[i], 1, mine[i], "one"));
        assert_true(peer_heard(yours[i], 2, mine[i], "all"));
    }
    assert_int_equal(open_descriptors(), before + 2); /* its two ends */
    for (int i = 0; i < ELECTIONS; i++) {
        peer_free(yours[i]);
        peer_free(mine[i]);
    }
    peer_end(b);
    peer_run_ms(where->loop, QUIET_MS);
    assert_null(a->peer->medium->links);
    peer_end(a);
}

/* Where a line can't be had, the sender is told, and nothing worse happens. */
static void without_descriptors_the_sender_is_told(void **state)
{
    place *where = *state;
    struct rlimit usual, tight;
    peer_seat *a = joined(where, "billing"), *b = joined(where, "billing");
    irx_message message = peer_data(a, b->session, "now", 3);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    tight = usual;
    tight.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    peer_post(a, &message, peer_presence(b), 1);
    bool told = peer_wait(where->loop, &a->sents, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_true(told);
    assert_int_not_equal(a->sent[1].code, 0);
    assert_int_not_equal(a->sent[1].code, IRX_ENOMEMBER);
    assert_int_equal(b->messages, 0);
    peer_post(a, &message, peer_presence(b), 2);
    assert_true(peer_heard(b, 1, a, "now"));
    assert_int_equal(a->sent[2].code, 0);
    peer_end(b);
    peer_end(a);
}

/* The receiver has none left to take the call with: what was said waits, and is heard later. */
static void call_waits_for_descriptors(void **state)
{
    place *where = *state;
    struct rlimit usual, tight;
    struct ev_loop *apart;
    peer_seat *a = joined(where, "billing"), *b = joined_apart(where, "billing", &apart);
    peer_tell(a, b, "patience");
    peer_run_ms(where->loop, QUIET_MS);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    tight = usual;
    tight.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    peer_run_ms(apart, QUIET_MS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(b->messages, 0);
    peer_say(b, IRX_OP_READ); /* its next turn */
    assert_true(peer_heard(b, 1, a, "patience"));
    peer_end(b);
    ev_loop_destroy(apart);
    peer_end(a);
}

/* A forked child keeps no end of a line: it would hide its parent's death, and steal its words. */
static void forked_child_has_no_line(void **state)
{
    place *where = *state;
    peer_seat *a = joined(where, "billing"), *b = joined(where, "billing");
    int alone = open_descriptors();
    peer_tell(a, b, "before");
    assert_true(peer_heard(b, 1, a, "before"));
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        a->peer->class->forked(a->peer->medium);
        b->peer->class->forked(b->peer->medium);
        for (const irx__local_link *link = a->peer->medium->links; link; link = link->next)
            if (link->fd >= 0)
                _exit(1);
        for (const irx__local_listener *one = b->peer->medium->listeners; one; one = one->next)
            if (one->fd >= 0)
                _exit(2);
        _exit(open_descriptors() < alone ? 0 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    peer_tell(a, b, "after");
    assert_true(peer_heard(b, 2, a, "after"));
    peer_end(b);
    peer_end(a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stopped_receiver_stops_nobody), TEST(nonsense_is_hung_up_on),
        TEST(frames_come_in_any_pieces),     TEST(elections_that_are_not_here_are_nobodys),
        TEST(elections_share_a_line),        TEST(without_descriptors_the_sender_is_told),
        TEST(call_waits_for_descriptors),    TEST(forked_child_has_no_line),
    };
    return cmocka_run_group_tests_name("local line", tests, NULL, NULL);
}
