/* What waits for the connection for commands, in the order of the calls. */
#ifndef IRX_POSTGRES_TASKS_H
#define IRX_POSTGRES_TASKS_H

#include "medium/postgres_internal.h"

struct irx__pg_task {
    irx__pg_task *next;
    irx__pg_seat *seat; /* null: detached, nobody is to be told */
    bool is_send;
    /* an operation */
    irx_op op;
    uint64_t since; /* medium->answers when it joined the line */
    bool busy;      /* its row was locked: until all rows of that answer have been taken */
    bool alone;     /* its row was locked, or one was that it went with: it is asked by itself */
    size_t
        company; /* it goes with such as it only, so many at most: one of them is refused; 0: all */
    bool expired; /* its deadline passed while it was under way, and that was told */
    /* a message */
    bool everybody;
    bool refused; /* too much waits already: told in its turn */
    irx_id process;
    uint64_t ticket;
    char channel[IRX_PG_CHANNEL_MAX];
    char payload[]; /* base64 */
};

/* Bytes of messages that may wait. */
enum { IRX_PG_TALK_MAX = 8 << 20 };
/* Elections whose rows come in one answer: with the largest value (64 KiB, as hexadecimal digits)
 * of each it is still one that is taken. */
enum { IRX_PG_READINGS_MAX = 100 };

/* Takes the task, whatever happens to it. */
void irx__pg_append_task(irx_medium *medium, irx__pg_task *task);
void irx__pg_put_back(irx_medium *medium, irx__pg_task *task);
/* Moves what the next statement is about into medium->asked: a message or an operation, or as many
 * of a kind that takes many as may go first; false where nothing waits, or (after the connection
 * was failed) memory is out. */
bool irx__pg_gather(irx_medium *medium);
/* Has this kind a statement for many? Else those that go together are a statement each. */
bool irx__pg_takes_many(irx_op_kind kind);
/* Frees the task at this place of medium->asked, which is told. */
void irx__pg_settle_asked(irx_medium *medium, size_t index);

/* postgres_result.c: tells what became of a task that has a seat. */
void irx__pg_tell_failure(irx_medium *medium, const irx__pg_task *task, irx_status_kind status,
                          const irx_error *why);
void irx__pg_tell_sent(irx_medium *medium, const irx__pg_task *task, int code);

/* postgres_result.c: may a renewal wait for a row that somebody holds? */
bool irx__pg_may_wait(const irx_medium *medium);

#endif
