/* Elections as an application has them: opened by name, waited for with generous limits. */
#ifndef HANDLES_H
#define HANDLES_H

#include "interrex.h"

enum { PATIENCE_MS = 20000 }; /* what happens soon has happened by then, on any machine */

/* Options from "key", "value" pairs, ended by NULL; fails the test on a refused one. */
irx_options *options_of(const char *name, ...) __attribute__((sentinel));

/* An open election, or the test fails. Pairs as above. */
irx_election *open_election(const char *url, const char *name, ...) __attribute__((sentinel));

/* A directory of its own below /tmp, written into `path` (64 bytes); `url` (80 bytes) is local:
 * there. */
void make_directory(char *path, char *url);
void remove_directory(const char *path);

void await_leading(irx_election *election);
void await_following(irx_election *election); /* somebody else leads, as far as it knows */
/* Takes events until one of this kind; the others are dropped. The caller frees it. */
irx_event *await_event(irx_election *election, irx_happening kind);
void expect_event(irx_election *election, irx_happening kind); /* as above, and frees it */
/* Takes events until what became of this ticket is told, and returns its code; *version (may be
 * null) is the one it tells. */
int await_settled(irx_election *election, uint64_t ticket, irx_version *version);
/* Takes events until one of a message, whose data must be this text. The caller frees it. */
irx_event *await_message(irx_election *election, const char *text);
/* True if no event of this kind waits now; takes all that wait. */
bool no_event_waits(irx_election *election, irx_happening kind);

void sleep_ms(int ms);
int64_t now_ms(void);

#endif
