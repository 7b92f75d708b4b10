/* Members of one election, each a process of its own, watched from outside: who believed to lead,
 * and when. Beliefs are what irx_election_is_leader answered there, sampled about every millisecond
 * on the clock that all processes share. */
#ifndef TROOP_H
#define TROOP_H

#include "interrex.h"

#include <sys/types.h>

enum { TROOP_MAX = 8, TROOP_TERMS_MAX = 32, TROOP_WAIT_MS = 30000 };

/* One leadership of one member. It surely believed at both ends, and so in between. */
typedef struct troop_reign {
    uint64_t term;
    int64_t first_ns;
    int64_t last_ns;
    bool over;         /* `defeated` came */
    irx_reason reason; /* then */
} troop_reign;

/* Written by the member's process alone. */
typedef struct troop_member {
    pid_t pid;
    volatile bool stop; /* written by the test: end gracefully */
    volatile bool
        fork; /* written by the test: fork a child that does nothing, and outlives its parent */
    volatile bool silent; /* written by the test: show no life, as a host that hangs */
    volatile bool forked;
    volatile pid_t child;
    volatile int
        child_says; /* of irx_election_is_leader and irx_election_resign there: 0 and IRX_EFORKED */
    volatile bool started;
    volatile bool leads;
    volatile unsigned reigns;
    troop_reign list[TROOP_TERMS_MAX];
    volatile unsigned errors; /* events of the kinds error and warning */
    irx_error error;          /* the last of them */
} troop_member;

typedef struct troop {
    troop_member members[TROOP_MAX];
    unsigned count;
    int fd; /* of the memory that this is in */
} troop;

/* First in main: where this process is a member (the test program, run anew), takes part until the
 * test says stop, and ends. */
void troop_main(int argc, char **argv);

troop *troop_new(void);
/* A process that takes part; further options as "key", "value" pairs, ended by null. Returns its
 * number. */
unsigned troop_add(troop *t, const char *url, const char *const options[]);

/* Waits until just one member believes, and returns its number; `but` (or TROOP_MAX) is not counted
 * as an answer. */
unsigned troop_await_leader(troop *t, unsigned but);
/* Waits until this many leaderships of this member have ended; the last of them. */
const troop_reign *troop_await_end(troop *t, unsigned member, unsigned reigns);
/* Waits until *flag is true. */
void troop_await(const volatile bool *flag, const char *what);
/* Waits for an event of this code at this member. */
void troop_await_error(troop *t, unsigned member, int code);
void troop_pause_ms(int ms);

void troop_signal(troop *t, unsigned member, int signal);
/* Ends a member by SIGKILL. */
void troop_kill(troop *t, unsigned member);

/* Fails the test if two members believed at one instant, or a later leadership has no greater term.
 */
void troop_assert_no_overlap(const troop *t);

/* Stops all gracefully, and frees; the members must have ended well. */
void troop_end(troop *t);

#endif
