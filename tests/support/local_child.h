/* A process of its own that takes part in an election at a local directory, to be killed, stopped
 * or forked. */
#ifndef LOCAL_CHILD_H
#define LOCAL_CHILD_H

#include <sys/types.h>

#include "interrex_types.h"

typedef enum child_part {
    CHILD_JOINS,         /* a member's row */
    CHILD_LEADS,         /* and the record */
    CHILD_LEADS_FORKING, /* and a child of its own, which knows that it is one (`forked`), and stays
                          */
    CHILD_PUBLISHES,     /* leads, and publishes one value after the other: see child_value */
    CHILD_HOLDS_LOCK     /* no row: it sits on the election's lock file */
} child_part;

typedef struct child {
    pid_t pid;
    pid_t grandchild; /* CHILD_LEADS_FORKING */
    irx_id session;
} child;

/* Starts one and waits until it is there. It dies with the test. */
child child_start(const char *directory, const char *namespace_name, const char *name,
                  child_part part);

/* What CHILD_PUBLISHES publishes under this version: up to IRX_VALUE_MAX bytes, some of them 0. The
 * length. */
size_t child_value(irx_version version, unsigned char *bytes);

/* SIGKILL; returns without waiting. */
void child_kill(const child *one);
void child_reap(child *one);

#endif
