/* What one irx_election_is_leader costs its caller, where it says yes and where it says no.
 *
 *     call_cost CALLS REPEATS
 *
 * Times whole loops and subtracts nothing: the cost of the loop itself, and of the clock that every
 * call has to read, are printed beside it. One line of JSON per row. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "interrex.h"

enum { WITHIN_MS = 10000 };

static int64_t read_ns(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "call_cost: %s\n", what);
    exit(1);
}

static irx_election *open_member(const char *name, const char *candidate)
{
    irx_options *options = irx_options_new();
    irx_election *election;
    irx_error error;
    irx_options_set(options, "name", name);
    irx_options_set(options, "candidate", candidate);
    if (irx_election_open(&election, "memory:", options, &error))
        die(error.text);
    irx_options_free(options);
    return election;
}

static void await(irx_election *election, irx_happening kind)
{
    irx_event *event;
    bool found = false;
    while (!found) {
        if (irx_election_next_event(election, &event, WITHIN_MS))
            die("no such event in time");
        found = event->kind == kind;
        irx_event_free(event);
    }
}

typedef uint64_t loop(irx_election *election, uint64_t calls);

static uint64_t ask(irx_election *election, uint64_t calls)
{
    uint64_t yes = 0;
    for (uint64_t i = 0; i < calls; i++)
        yes += irx_election_is_leader(election);
    return yes;
}

static uint64_t nothing(irx_election *election, uint64_t calls)
{
    uint64_t yes = 0;
    for (uint64_t i = 0; i < calls; i++) {
        yes += election != NULL;
        __asm__ volatile("" : "+r"(yes)); /* or the compiler would do without the loop */
    }
    return yes;
}

static uint64_t read_clock(irx_election *election, uint64_t calls)
{
    uint64_t yes = 0;
    (void)election;
    for (uint64_t i = 0; i < calls; i++)
        yes += read_ns(CLOCK_BOOTTIME) > 0;
    return yes;
}

static void row(const char *what, loop *body, irx_election *election, uint64_t calls, int repeats,
                bool yes)
{
    printf("{\"language\": \"C\", \"what\": \"%s\", \"calls\": %" PRIu64 ", \"ns\": [", what,
           calls);
    for (int i = 0; i < repeats; i++) {
        int64_t begun_ns = read_ns(CLOCK_MONOTONIC);
        uint64_t answers = body(election, calls);
        int64_t took_ns = read_ns(CLOCK_MONOTONIC) - begun_ns;
        if (answers != (yes ? calls : 0))
            die("the answer changed on the way");
        printf("%s%.3f", i ? ", " : "", (double)took_ns / (double)calls);
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    int repeats = argc > 2 ? atoi(argv[2]) : 11;
    irx_election *leader = open_member("cost", "true");
    irx_election *follower = open_member("cost", "false");
    irx_election_start(leader);
    await(leader, IRX_ELECTED);
    irx_election_start(follower);
    await(follower, IRX_STARTED);
    row("is_leader, leading", ask, leader, calls, repeats, true);
    row("is_leader, following", ask, follower, calls, repeats, false);
    row("the loop alone", nothing, leader, calls, repeats, true);
    row("the clock alone", read_clock, leader, calls, repeats, true);
    irx_election_close(follower);
    irx_election_close(leader);
    return 0;
}
