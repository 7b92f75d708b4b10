/* One engine under a test's hands: feed it inputs, look at what it wants done.
 *
 * Time is the test's. Every helper that steps collects the outputs; a test asks for what it expects
 * and fails on what it did not ask for only where it says so. */
#ifndef DRIVER_H
#define DRIVER_H

#include "interrex_engine.h"

#define MS INT64_C(1000000)

typedef struct driver {
    irx_engine *engine;
    int64_t now_ns;
    int64_t wall_ns;
    int64_t pulse_ns;
    uint32_t work;
    irx_member members[8];
    size_t member_count;
    irx_outputs outputs; /* of the last step */
    irx_op op;           /* the last operation asked for; id 0: none since it was answered */
    irx_snapshot snapshot;
    irx_id watched;
    int64_t watch_every_ns;
    uint64_t generation; /* of the command connection */
    irx_id epoch;        /* of the store */
    irx_message sent;    /* the last message, */
    unsigned sends;      /* and how many */
    char events[2048];   /* "elected 7, role leader, …" since the last driver_events */
    char trace[8192];    /* all trace lines */
} driver;

/* 300 ms and 1500 ms, drift 0.005, fast, presence, candidate. */
irx_engine_options driver_options(void);

driver *driver_new(const irx_engine_options *options);
void driver_free(driver *d);

irx_id id_of(uint64_t number); /* a readable id */
irx_id driver_self(const driver *d);

void driver_input(driver *d, irx_input input);
void driver_do(driver *d, irx_input_kind kind); /* START, STOP, RESIGN, WAKE, HINT */
void driver_up(driver *d);                      /* both connections; presence as process 100 */
void driver_channel_up(driver *d, irx_channel channel, uint64_t generation, irx_id id);
void driver_channel_down(driver *d, irx_channel channel, uint64_t generation);
void driver_gone(driver *d, irx_id process);
void driver_message(driver *d, irx_message message);

/* Goes on to `ms` from now, waking the engine whenever it asked to be woken; operations stay
 * unanswered. */
void driver_advance(driver *d, int64_t ms);
/* As above, and answers every READ with `record`, OK. Stops early at any other operation. */
void driver_wait(driver *d, int64_t ms, const irx_record *record);

/* Answers the operation in flight, in its own way (OK with the record that follows from it). */
void driver_ok(driver *d);
void driver_answer(driver *d, irx_status_kind status, const irx_record *record);
void driver_fail(driver *d, irx_status_kind status, int code); /* FAILED, UNKNOWN */

/* The record that the store would hold, as the last answer showed it. */
irx_record held(irx_id session, uint64_t term, uint64_t beat);
irx_record vacant(uint64_t term);
irx_record never_held(void);

/* Brings a member up to the point where it has joined and knows `record` (null: absent). */
void driver_join(driver *d, const irx_record *record);
/* Up to leading term 8, over a vacant record of term 7. */
void driver_lead(driver *d);

bool driver_asks(const driver *d, irx_op_kind kind); /* an unanswered operation of this kind */
bool driver_leads(const driver *d);                  /* as the caller-side check: at now_ns */
const char *driver_events(driver *d);                /* and begins anew */
bool driver_traced(const driver *d, const char *text);
void driver_add_member(driver *d, irx_id session, uint64_t join);

#endif
