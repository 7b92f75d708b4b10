/* The locks of a local election: one for a moment's writing, one for each session's presence. */
#ifndef IRX_LOCAL_LOCK_H
#define IRX_LOCAL_LOCK_H

#include "medium/local_root.h"

/* A session's presence: a file of its name, flock-ed by an open file description that is ours
 * alone. */
typedef struct irx__local_presence {
    int fd;         /* -1: none */
    irx_id session; /* none: none */
} irx__local_presence;

/* Takes the election's lock file. 0 with *fd; 1: another process is writing. */
int irx__local_lock(const irx__local_root *root, const char *election, int *fd, irx_error *error);
void irx__local_unlock(int *fd);

/* Holds the presence of `session`, which ends that of any other session there. Where the file was
 * removed or replaced it is made anew. `socket` goes into the file: the process's line
 * (local_line.h). The election's lock must be held. */
int irx__local_presence_take(const irx__local_root *root, const char *election,
                             irx__local_presence *presence, irx_id session, irx_id socket,
                             irx_error *error);

/* Lets everybody who listens to the election's directory hear something of this session. */
void irx__local_presence_ring(const irx__local_root *root, const char *election, irx_id session);

/* True if what is locked is what everybody else sees under its name. */
bool irx__local_presence_stands(const irx__local_root *root, const char *election,
                                const irx__local_presence *presence);

/* Ends it. None: nothing to do. */
void irx__local_presence_drop(const irx__local_root *root, const char *election,
                              irx__local_presence *presence);

/* 1: that session's presence has ended, or never was; 0: it is present; a negative IRX_E…: can not
 * tell. Waits for nobody and disturbs nobody: several may ask at once. */
int irx__local_presence_ended(const irx__local_root *root, const char *election, irx_id session,
                              irx_error *error);

/* The line that the session's process named. 0; 1: there is no such session, or it named none; a
 * negative IRX_E…: can not tell. */
int irx__local_presence_line(const irx__local_root *root, const char *election, irx_id session,
                             irx_id *line);

/* Removes the file of a session that ended. The election's lock must be held. */
void irx__local_presence_clear(const irx__local_root *root, const char *election, irx_id session);

#endif
