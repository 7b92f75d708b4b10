/* The parts of the local medium: what they share. */
#ifndef IRX_LOCAL_H
#define IRX_LOCAL_H

#include <ev.h>

#include "medium/calls.h"
#include "medium/local_frame.h"
#include "medium/local_lock.h"
#include "medium/local_root.h"
#include "medium/local_text.h"
#include "medium/medium.h"
#include "medium/messages.h"

/* A connection to another process's line, shared by the seats that watch its sessions and by all
 * that is said to them. */
typedef struct irx__local_link {
    struct irx__local_link *next;
    irx_medium *medium;
    irx_id line;
    int fd;
    unsigned users; /* that watch */
    bool is_spoken; /* something was said on it */
    bool is_broken; /* by the other end */
    uint64_t round; /* the last broadcast that was said on it */
    irx__messages out;
    irx__message_kept *written; /* the frame that is being written, and how far */
    size_t at;
    struct ev_io readable;
    struct ev_io writable;
} irx__local_link;

/* Somebody who watches a session of this process, or says something to it. */
typedef struct irx__local_listener {
    struct irx__local_listener *next;
    irx_medium *medium;
    int fd;
    unsigned char *come; /* what came and is no whole frame yet */
    size_t count;
    size_t room;
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
    int line_fd;         /* the line of this process: a listening socket */
    irx_id line;         /* its name, the same for as long as the medium is open */
    bool is_mute;        /* said so: no line */
    irx__messages inbox; /* what came in and is to be told */
    uint64_t round;      /* counts broadcasts */
    struct ev_io called;
    irx__local_listener *listeners;
    irx__local_link *links;
};

/* local_operation.c: carries out one operation. 1: another process is writing, nothing was done. */
int irx__local_operate(irx_medium *medium, irx__local_seat *seat, const irx_op *op,
                       irx_result *result, irx_error *why);
/* The answer to an operation that did not happen. */
void irx__local_refuse(irx_medium *medium, const irx_op *op, int code, irx_result *result);

/* True if that session of the election at this path is present through a seat of ours. */
bool irx__local_is_ours(const irx_medium *medium, const char *election, irx_id session);

/* local.c: checks the root; where it is another one now, what hung on the old one is set up anew.
 */
int irx__local_check(irx_medium *medium, irx_error *error);

/* local.c: there is something to do in the loop's next turn. */
void irx__local_wake(irx_medium *medium);

/* local_line.c: the line of this process. Where it can not be had, watchers ask from time to time
 * instead, and no message reaches this process. */
void irx__local_line_open(irx_medium *medium);
void irx__local_line_close(irx_medium *medium);
/* Accepts callers again, where descriptors had run out. */
void irx__local_line_listen(irx_medium *medium);
/* Connects to another process's line; -1: nobody answers. */
int irx__local_line_call(const irx__local_root *root, irx_id line);

/* local_link.c: connections to other processes' lines. */
/* Joins the seat to the connection to a line, to hear of its end; false where there is none. */
bool irx__local_link_join(irx__local_seat *seat, irx_id line);
void irx__local_link_leave(irx__local_seat *seat);
/* Says a frame on a line; a round (not 0) is said once. IRX_ENOMEMBER: nobody listens there;
 * IRX_ENOMEM, IRX_EUNAVAILABLE. */
int irx__local_link_say(irx_medium *medium, irx_id line, uint64_t round, const void *frame,
                        size_t size);
void irx__local_links_close(irx_medium *medium);

/* local_messages.c: 0, IRX_ENOMEMBER, or what else kept it from leaving. */
int irx__local_send(irx_medium *medium, const irx__call *call);
void irx__local_take_frame(irx_medium *medium, const irx__frame *frame);
void irx__local_tell_messages(irx_medium *medium, const bool *closed);

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
