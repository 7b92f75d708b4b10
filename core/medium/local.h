/* The parts of the local medium: what they share. */
#ifndef IRX_LOCAL_H
#define IRX_LOCAL_H

#include <ev.h>

#include "medium/calls.h"
#include "medium/local_lock.h"
#include "medium/local_root.h"
#include "medium/local_text.h"
#include "medium/medium.h"

/* A connection to another process's line, shared by the seats that watch its sessions. */
typedef struct irx__local_link {
    struct irx__local_link *next;
    irx_medium *medium;
    irx_id line;
    int fd;
    unsigned users;
    struct ev_io readable;
} irx__local_link;

/* Somebody who watches a session of this process. */
typedef struct irx__local_listener {
    struct irx__local_listener *next;
    irx_medium *medium;
    int fd;
    struct ev_io readable;
} irx__local_listener;

typedef struct irx__local_seat {
    struct irx__local_seat *next;
    irx_medium *medium;
    irx_seat *seat;
    irx__local_presence presence;
    char path[IRX__LOCAL_NAME_MAX]; /* of the election, below the root */
    int64_t touched_ns;
    bool blocked; /* an operation waits for the lock file: later ones wait behind it */
    int wd;       /* inotify's name of the election's directory; -1: not listened to */
    bool hinted;
    irx_id watched; /* a session; none: watches nobody */
    int64_t every_ns;
    unsigned impatience; /* checks left that follow at once: something was heard */
    irx__local_link *link;
    struct ev_timer check;
} irx__local_seat;

typedef struct irx__local_channel {
    bool up;
    bool opening;
    uint64_t generation;
} irx__local_channel;

struct irx_medium {
    irx_medium_config config;
    irx__local_root root;
    irx__local_seat *seats;
    irx__calls calls;
    irx__local_channel channels[2];
    struct ev_async wake;     /* something is to be done in the next turn */
    struct ev_timer deadline; /* of operations that wait for another process's writing */
    int lock_fd;     /* of the lock file, while an operation writes; here so that a forked child can
                        close it */
    bool is_checked; /* the root, in this turn: enough for what acquires nothing */
    bool out_of_memory;
    bool is_fork; /* in a forked child: nothing on the disk is ours */
    bool *closed; /* set while telling: a sink may close us */
    int inotify_fd;
    bool is_deaf; /* said so: no hints */
    struct ev_io heard;
    int line_fd; /* the line of this process: a listening socket */
    irx_id line;
    struct ev_io called;
    irx__local_listener *listeners;
    irx__local_link *links;
};

/* local_operation.c: carries out one operation. 1: another process is writing, nothing was done. */
int irx__local_operate(irx_medium *medium, irx__local_seat *seat, const irx_op *op,
                       irx_result *result, irx_error *why);
/* The answer to an operation that did not happen. */
void irx__local_refuse(irx_medium *medium, const irx_op *op, int code, irx_result *result);

/* local.c: checks the root; where it is another one now, what hung on the old one is set up anew.
 */
int irx__local_check(irx_medium *medium, irx_error *error);

/* local_line.c: the line of this process. Where it can not be had, watchers ask from time to time
 * instead. */
void irx__local_line_open(irx_medium *medium);
void irx__local_line_close(irx_medium *medium);
/* Connects to another process's line; -1: nobody answers. */
int irx__local_line_call(const irx__local_root *root, irx_id line);

/* local_hints.c: what happens in the directories. */
void irx__local_hints_close(irx_medium *medium);
void irx__local_hints_renew(irx_medium *medium); /* the directories are others now */
void irx__local_hints_listen(irx__local_seat *seat);
void irx__local_hints_ignore(irx__local_seat *seat);

/* local_watch.c: has the presence of a session ended? */
void irx__local_watch_init(irx__local_seat *seat);
void irx__local_watch(irx__local_seat *seat, irx_id session, int64_t every_ns);
void irx__local_unwatch(irx__local_seat *seat);
void irx__local_watch_heard(irx__local_seat *seat); /* something happened: look at once */

#endif
