/* What the files of the PostgreSQL medium share. */
#ifndef IRX_POSTGRES_INTERNAL_H
#define IRX_POSTGRES_INTERNAL_H

#include "medium/medium.h"
#include "medium/postgres_answer.h"
#include "medium/postgres_statement.h"

enum {
    IRX_PG_LINES = 4,          /* connections that wait for the end of one process each */
    IRX_PG_WAIT_MS = 500,      /* a round of such a wait; see postgres_watch.c */
    IRX_PG_PAYLOAD_MAX = 7999, /* bytes that NOTIFY takes, base64 */
    IRX_PG_MESSAGE_MAX = 5901  /* of a message's data: what is left of them after its header */
};

typedef enum irx__pg_asked {
    IRX_PG_ASKED_NOTHING,
    IRX_PG_ASKED_LISTEN,
    IRX_PG_ASKED_UNLISTEN
} irx__pg_asked;

/* Channels that this process listens on, one for each election, however many seats it has. */
typedef struct irx__pg_ear {
    struct irx__pg_ear *next;
    char name[IRX_NAME_MAX + 1];
    char channel[IRX_PG_CHANNEL_MAX];
    size_t seats;        /* 0: to be given up */
    bool listens;        /* the server has confirmed it */
    irx__pg_asked asked; /* in the statement under way */
    bool news;           /* the last such statement began it */
} irx__pg_ear;

typedef struct irx__pg_seat irx__pg_seat;

/* An election's place: seat->data. */
struct irx__pg_seat {
    irx_seat *seat;
    irx__pg_seat *next;
    irx__pg_seat *previous;
    irx__pg_ear *ear;
    uint64_t members_version; /* of the member table in seat->members; 0: to be told anew */
    bool waits;               /* while a batch is gathered: something of this seat stays behind */
    bool watching;
    irx_id watched;
    int64_t watch_every_ns;
};

/* An operation, or a message to send, that waits for its turn or for its answer. */
typedef struct irx__pg_task irx__pg_task;

/* A process that some seats watch. */
typedef struct irx__pg_watched {
    irx_id process;
    size_t seats;
    bool has_line;
} irx__pg_watched;

/* A connection of the watch. */
typedef struct irx__pg_line {
    irx_medium *medium;
    irx__pg_connection connection;
    irx_id process; /* whose end it waits for; none: it has nothing to do */
    ev_timer timer; /* tries again after a failure, or closes what has nothing to do */
} irx__pg_line;

/* How far a connection's greeting is. */
typedef enum irx__pg_step {
    IRX_PG_STEP_LOOK,   /* what is there */
    IRX_PG_STEP_CREATE, /* the table is being made */
    IRX_PG_STEP_LOOK_AGAIN,
    IRX_PG_STEP_SETTINGS, /* of the session */
    IRX_PG_STEP_PRESENCE, /* lock and listen */
    IRX_PG_STEP_DONE
} irx__pg_step;

struct irx_medium {
    irx_medium_config config;
    irx__pg_place *place;
    irx__pg_texts texts;
    irx__pg_connection connections[2]; /* by irx_channel */
    irx__pg_step steps[2];
    irx__pg_greeting greetings[2];
    uint64_t generation[2];
    uint32_t ledger_oid; /* as last seen */
    irx_id epoch;
    irx_id process;        /* of the present lock */
    bool pooled;           /* as last seen on the connection for commands */
    bool presence_refused; /* to be told: there is none behind a pooler */
    irx__pg_seat *seats;
    irx__pg_seat *cursor; /* where a walk over the seats goes on; detach moves it */
    irx__pg_ear *ears;
    irx__pg_task *first; /* waiting */
    irx__pg_task *last;
    size_t waiting_bytes;
    irx__pg_task **asked; /* the statement under way, by the index of its answer; null: told */
    size_t asked_count;
    size_t readings_max; /* whose rows may come in one answer: fewer after one that was too large */
    bool waited;         /* the last statement may have waited for a row */
    int64_t no_wait_until_ns; /* somebody keeps rows: renewals do not wait for them before that */
    uint64_t answers;         /* of the connection for commands, ever: it moves on */
    unsigned planned;         /* how far postgres_plan.c is */
    ev_timer soon;            /* fed, never started: runs once the loop's present round is over */
    ev_timer deadline;        /* of the task that expires first */
    irx__pg_watched *watched;
    size_t watched_count;
    size_t watched_room;
    bool asks_for_all;                    /* nobody can wait here: there is no PL/pgSQL */
    irx__pg_line lines[IRX_PG_LINES + 1]; /* the last one asks for all who have none */
    int depth;                            /* of events of the loop that we are in */
    bool closed;
};

static inline irx__pg_connection *irx__pg_command(irx_medium *medium)
{
    return &medium->connections[IRX_CHANNEL_COMMAND];
}

static inline irx__pg_connection *irx__pg_presence(irx_medium *medium)
{
    return &medium->connections[IRX_CHANNEL_PRESENCE];
}

static inline irx__pg_statement irx__pg_statement_of(const irx_medium *medium, unsigned number)
{
    return (irx__pg_statement){.number = number, .text = medium->texts.text[number]};
}

/* ---- postgres.c ---- */

/* Around every event of the loop: a close from within is carried out at the end of the outermost.
 */
void irx__pg_enter(void *medium);
void irx__pg_leave(void *medium);
/* What the loop does once its present round is over. */
void irx__pg_later(irx_medium *medium);

/* ---- postgres_greeting.c: from an open connection to `up` ---- */

void irx__pg_greet(irx_medium *medium, irx_channel channel);
/* Why there is no presence: what leads there is a pooler. */
void irx__pg_pooler_error(const irx_medium *medium, irx_error *error);
void irx__pg_greeted(irx_medium *medium, irx_channel channel, const irx__pg_outcome *outcome);
/* Says what every session of ours is set to; locks are waited for that long. */
void irx__pg_settle(irx_medium *medium, irx__pg_connection *connection, int64_t lock_ms);

/* ---- postgres_operation.c: operations, messages out, and what became of them ---- */

void irx__pg_submit(irx_medium *medium, irx_seat *seat, const irx_op *op);
void irx__pg_send(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process, uint64_t ticket,
                  const void *bytes, size_t length);
/* Asks the next of what waits, if nothing is under way. */
void irx__pg_pump(irx_medium *medium);
/* postgres_result.c: the statement under way has ended. */
void irx__pg_answered(irx_medium *medium, const irx__pg_outcome *outcome);
/* postgres_plan.c: while there is nothing else to ask. */
void irx__pg_plan_ahead(irx_medium *medium);
void irx__pg_operations_init(irx_medium *medium);
/* postgres_tasks.c: tasks under way are not to tell this seat, or anybody, anything. */
void irx__pg_forget_seat(irx_medium *medium, const irx__pg_seat *seat);
void irx__pg_drop_tasks(irx_medium *medium);

/* ---- postgres_ears.c: what is heard ---- */

/* The ear for this election, with one seat more; null when memory is out. */
irx__pg_ear *irx__pg_ear_open(irx_medium *medium, const char *name);
void irx__pg_ear_close(irx_medium *medium, irx__pg_ear *ear);
/* The table is another one, and so are the channels. */
void irx__pg_ears_rename(irx_medium *medium);
/* Locks the process's presence and listens on all channels, in one statement. */
void irx__pg_listen_all(irx_medium *medium);
/* Listens, or ceases to, where that is due and nothing is under way. */
void irx__pg_listen(irx_medium *medium);
/* The statement of either has succeeded. */
void irx__pg_listening(irx_medium *medium, bool first);
void irx__pg_heard(irx_medium *medium, const char *channel, const char *payload);
/* The connection is gone, and with it what it listened on. */
void irx__pg_ears_forget(irx_medium *medium);
void irx__pg_ears_free(irx_medium *medium);

/* ---- postgres_watch.c: the ends of other processes ---- */

void irx__pg_watch(irx_medium *medium, irx_seat *seat, irx_id process, int64_t every_ns);
void irx__pg_unwatch(irx_medium *medium, irx_seat *seat);
void irx__pg_watch_init(irx_medium *medium);
void irx__pg_watch_close(irx_medium *medium);
void irx__pg_watch_forked(irx_medium *medium);

#endif
