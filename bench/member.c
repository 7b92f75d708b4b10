/* A process that takes part in elections and tells its parent, on stdout, what it sees and when.
 *
 *     member URL NAME [ELECTIONS [MEMBERS]]
 *
 * ELECTIONS elections called NAME, NAME.1, …, with MEMBERS members of this process in each, under
 * the protocol that PROTOCOL in the environment names, if it is there. It decides nothing and
 * measures nothing but the moment at which is_leader was first seen to be true, by CLOCK_MONOTONIC,
 * which all processes of a host share. The lines it writes, and the one question it answers, are in
 * bench/harness/member.py. It ends when its stdin does. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "interrex.h"

enum { MOST_HANDLES = 100000 };

static irx_election **handles;
static size_t handle_count;
static size_t started_count;
static int ready_fd;

static int64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "member: %s\n", what);
    exit(1);
}

/* On the library's thread: only wakes the main one. */
static void on_ready(void *argument)
{
    (void)argument;
    uint64_t one = 1;
    ssize_t written = write(ready_fd, &one, sizeof one);
    (void)written; /* a full counter wakes as well */
}

static void open_member(size_t index, const char *url, const char *name, size_t election)
{
    char text[IRX_NAME_MAX + 1];
    if (election == 0)
        snprintf(text, sizeof text, "%s", name);
    else
        snprintf(text, sizeof text, "%s.%zu", name, election);
    irx_options *options = irx_options_new();
    irx_error error;
    if (!options)
        die("out of memory");
    irx_options_set(options, "name", text);
    const char *protocol = getenv("PROTOCOL");
    if (protocol && irx_options_set(options, "protocol", protocol))
        die("no such protocol");
    if (irx_election_open(&handles[index], url, options, &error))
        die(error.text);
    irx_options_free(options);
    irx_election_on_ready(handles[index], on_ready, NULL);
}

static void take(size_t index, const irx_event *event)
{
    int64_t at_ns = now_ns();
    switch (event->kind) {
    case IRX_STARTED:
        if (++started_count == handle_count)
            printf("@started\n");
        break;
    case IRX_ELECTED:
        printf("@%s %lld %zu\n", irx_election_is_leader(handles[index]) ? "leader" : "elected-only",
               (long long)at_ns, index);
        break;
    case IRX_DEFEATED:
        printf("@defeated %lld %zu %s\n", (long long)at_ns, index, irx_reason_text(event->reason));
        break;
    case IRX_WARNING:
    case IRX_ERROR: printf("@trouble %lld %s\n", (long long)at_ns, event->error.text); break;
    default: break;
    }
}

static void drain(void)
{
    uint64_t pokes;
    ssize_t got = read(ready_fd, &pokes, sizeof pokes);
    (void)got;
    for (size_t i = 0; i < handle_count; i++) {
        irx_event *event;
        while (irx_election_next_event(handles[i], &event, 0) == 0) {
            take(i, event);
            irx_event_free(event);
        }
    }
}

static void answer(void)
{
    size_t leading = 0;
    for (size_t i = 0; i < handle_count; i++)
        leading += irx_election_is_leader(handles[i]);
    printf("@answer %lld %zu\n", (long long)now_ns(), leading);
}

/* False at the end of stdin. */
static bool ask(void)
{
    char questions[64];
    ssize_t got = read(STDIN_FILENO, questions, sizeof questions);
    for (ssize_t i = 0; i < got; i++) {
        if (questions[i] == '?')
            answer();
    }
    return got > 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: member URL NAME [ELECTIONS [MEMBERS]]");
    size_t elections = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    size_t members = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    if (elections < 1 || members < 1 || elections * members > MOST_HANDLES)
        die("1 to 100000 handles");
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);

    handle_count = elections * members;
    handles = calloc(handle_count, sizeof(irx_election *));
    ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!handles || ready_fd < 0)
        die("out of memory or descriptors");
    for (size_t i = 0; i < handle_count; i++)
        open_member(i, argv[1], argv[2], i % elections);
    for (size_t i = 0; i < handle_count; i++) {
        if (irx_election_start(handles[i]))
            die("start failed");
    }
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = ready_fd, .events = POLLIN}};
    bool going = true;
    while (going && poll(watched, 2, -1) >= 0) {
        if (watched[1].revents)
            drain();
        if (watched[0].revents)
            going = ask();
    }
    for (size_t i = 0; i < handle_count; i++)
        irx_election_close(handles[i]);
    free(handles);
    return 0;
}
