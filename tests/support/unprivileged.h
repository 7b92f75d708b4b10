/* Processes that must not run as root: as root they step down to the user nobody, otherwise they
 * run as we do. What steps down keeps the right to read and to search everywhere, where we have it:
 * on a bare root file system even / may be closed to others, and the server could not reach its own
 * program. */
#ifndef UNPRIVILEGED_H
#define UNPRIVILEGED_H

#include "temp.h"

#include <stdbool.h>
#include <sys/types.h>

/* Makes a new directory /tmp/irx-<kind>-XXXXXX, mode 0700, that belongs to that user. */
void unprivileged_directory(char path[TEMP_PATH_MAX], const char *kind);

/* As fork(2); the child has stepped down, and of our descriptors it has the first three alone. */
pid_t unprivileged_fork(void);

/* Starts a program in a directory; what it says is appended to the file `log` there. It gets
 * `last_signal` when the thread that started it ends. */
pid_t unprivileged_start(const char *directory, char *const argv[], int last_signal);
/* As above, and waits for its end; where that is not a success, ends the test program with its log.
 * `what` is for that message. */
void unprivileged_run(const char *what, const char *directory, char *const argv[]);

/* What a file says, from its end, to stderr. */
void unprivileged_print_log(const char *directory);

/* Ends the test program, and says why, with the log of that directory. */
_Noreturn void unprivileged_give_up(const char *what, const char *directory);

/* When this test program ends without a word, killed for instance, `sweep` is called in a process
 * that has stepped down. It must end what runs in that directory; the directory is removed then.
 * Returns the id of that process. */
pid_t unprivileged_keeper(const char *directory, void (*sweep)(const char *directory));
/* Everything is swept up: ends the keeper, and removes the directory. */
void unprivileged_dismiss(pid_t *keeper, const char *directory);

/* Waits for the end of a child; 0 is none, and becomes of it. */
void unprivileged_reap(pid_t *pid);

/* A port of 127.0.0.1 that nobody listens at just now. */
int unprivileged_free_port(void);

void unprivileged_pause_ms(long ms);

#endif
