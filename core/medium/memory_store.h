/* What the memory medium's objects share: named stores, each with elections and those who have it
 * open. */
#ifndef IRX_MEMORY_STORE_H
#define IRX_MEMORY_STORE_H

#include "medium/ledger.h"
#include "medium/medium.h"
#include "medium/memory_queue.h"
#include "medium/table.h"

typedef struct irx__memory_election {
    struct irx__memory_election *next;
    irx__ledger ledger;
    irx__table table;
    void *value; /* of the record's version */
    size_t value_length;
    char name[IRX_NAME_MAX + 1];
} irx__memory_election;

/* A seat as the store sees it; what is marked here is told by the seat's own loop. */
typedef struct irx__memory_seat {
    struct irx__memory_seat *next;
    irx_seat *seat;
    irx__memory_election *election;
    irx_id watched; /* none: watches nobody */
    bool hinted;
    bool gone;
} irx__memory_seat;

/* Somebody who has a store open. */
typedef struct irx__memory_user {
    struct irx__memory_user *next;
    struct irx__memory_store *store;
    irx__memory_seat *seats;
    irx_id process;          /* present under this id; none: not present */
    irx__memory_queue queue; /* messages to be told */
    int wake_fd;             /* an eventfd that the user's loop listens to */
} irx__memory_user;

typedef struct irx__memory_store {
    struct irx__memory_store *next;
    irx__memory_user *users;
    irx__memory_election *elections;
    irx_id epoch;
    char key[];
} irx__memory_store;

/* ---- with the lock held: memory_apply.c and what it needs ------------------------------------ */

void irx__memory_operate(irx__memory_user *user, irx__memory_seat *mine, const irx_op *op,
                         uint32_t max_members, irx_result *result, irx_error *why);
bool irx__memory_is_present(const irx__memory_store *store, irx_id process);
/* Queues a message for every seat of an election. A user without memory misses it: messages may be
 * lost. */
void irx__memory_broadcast(irx__memory_store *store, const irx__memory_election *election,
                           const void *bytes, size_t length);
/* Something happened in an election: everybody else there should look. */
void irx__memory_push(irx__memory_store *store, const irx__memory_election *election,
                      const irx_seat *sender);

/* ---- all below take the one lock of the process where they need it --------------------------- */

/* Opens the store of this key, making it where nobody has it open. IRX_ENOMEM. */
int irx__memory_open(irx__memory_user *user, const char *key, irx_error *error);
/* Leaves the store; the last one out ends it, records included. */
void irx__memory_leave(irx__memory_user *user);

int irx__memory_attach(irx__memory_user *user, irx_seat *seat, irx_error *error);
void irx__memory_detach(irx__memory_user *user, irx_seat *seat);

/* Begins or (none) ends the user's presence; its watchers are marked and woken. What waits for the
 * user under the old one is dropped. */
void irx__memory_presence(irx__memory_user *user, irx_id process);
/* Watches a process, or (none) nobody. */
void irx__memory_watch(irx__memory_user *user, irx_seat *seat, irx_id process);

irx_id irx__memory_epoch(irx__memory_user *user);

/* Carries out one operation; *why is filled where result->error_code is not 0. */
void irx__memory_apply(irx__memory_user *user, irx_seat *seat, const irx_op *op,
                       uint32_t max_members, irx_result *result, irx_error *why);

/* Queues a message for the user present under `process`, or (`to` none) for all seats of the
 * election, the sender's included. IRX_ENOMEMBER where nobody is present under `process`;
 * IRX_ENOMEM. */
int irx__memory_send(irx__memory_user *user, irx_seat *seat, irx_id to, irx_id process,
                     const void *bytes, size_t length);

/* How many messages wait for this user, and the oldest of them: the caller frees it. */
size_t irx__memory_waiting(irx__memory_user *user);
irx__memory_message *irx__memory_take_message(irx__memory_user *user);

/* Takes one mark of this user: a hint (*process none) or an end of presence. False: none is left.
 */
bool irx__memory_take_mark(irx__memory_user *user, irx_seat **seat, irx_id *process);

/* In a forked child: forgets every store, which belong to the parent. Takes no lock. */
void irx__memory_forget(irx__memory_user *user);

/* For tests and simulators: the medium's store goes on as a server that was killed and started
 * again does, under a new epoch, with its data or without. */
void irx__memory_restart(irx_medium *medium, bool keep_data);

#endif
