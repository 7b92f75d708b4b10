/* One Redis medium on a loop of its own, and everything that it tells, for tests that speak the
 * contract of medium/medium.h directly. */
#ifndef REDIS_RIG_H
#define REDIS_RIG_H

#include "medium/medium.h"
#include "redis_server.h"

enum { RIG_MS = 1000000, RIG_WAIT_MS = 10000, RIG_LOG_MAX = 64 };

/* What was told of a message, or of what became of one. */
typedef struct rig_said {
    size_t length;
    unsigned char bytes[128]; /* the first of them */
} rig_said;

typedef struct rig_sent {
    uint64_t ticket;
    int code;
} rig_sent;

typedef struct rig_seat {
    irx_seat seat;
    unsigned results;
    irx_result result; /* the last one */
    irx_error why;     /* of the last FAILED or UNKNOWN */
    unsigned hints;
    unsigned gones;
    irx_id gone;
    unsigned messages;
    rig_said heard[RIG_LOG_MAX]; /* message n, from 1, is at n modulo RIG_LOG_MAX */
    unsigned sents;
    rig_sent sent[RIG_LOG_MAX]; /* in the same way */
} rig_seat;

typedef struct rig {
    struct ev_loop *loop;
    irx_url url;
    char namespace_name[IRX_NAMESPACE_MAX + 1];
    irx_medium *medium;
    uint64_t generation;
    bool up[2]; /* by irx_channel */
    unsigned ups[2];
    unsigned downs[2];
    irx_error why[2]; /* of the last down */
    irx_id id[2];     /* epoch, process */
    unsigned warnings;
    irx_error warning;
    uint64_t last_op;
    bool in_call;
    unsigned messages; /* to this process */
    rig_said heard[RIG_LOG_MAX];
    bool timed_out;
    void (*on_message)(struct rig *rig);
    void (*on_result)(struct rig *rig); /* these two are called from within the medium's callback */
} rig;

/* Opens a medium; connects nothing. Ends the test program where that fails. */
rig *rig_open(const char *url, const char *namespace_name);
void rig_close(rig *rig);

rig_seat *rig_attach(rig *rig, const char *name, const char *label);
void rig_detach(rig *rig, rig_seat *seat);

/* Runs the loop until *counter is at least `least`; false after RIG_WAIT_MS. */
bool rig_wait(rig *rig, const unsigned *counter, unsigned least);
void rig_run_ms(rig *rig, int ms);

void rig_connect(rig *rig, irx_channel channel);
/* Connects and waits for up or down; true if it is up. Ends the test program if neither comes. */
bool rig_up(rig *rig, irx_channel channel);
/* Both channels; ends the test program where that fails. */
void rig_up_both(rig *rig);
/* Ends its presence, and waits until the server knows: what others say comes by other connections,
 * and may be there before. */
void rig_vanish(rig *rig, redis_server *server);

/* An operation of this seat with what all of them carry. */
irx_op rig_op(rig *rig, irx_op_kind kind, irx_id session);
/* Submits and waits for the result. */
const irx_result *rig_do(rig *rig, rig_seat *seat, const irx_op *op);
void rig_submit(rig *rig, rig_seat *seat, irx_op *op);

/* Sends bytes to everybody at the seat's election, or to whoever is `process`. */
void rig_say(rig *rig, rig_seat *seat, uint64_t ticket, const char *text);
void rig_say_to(rig *rig, rig_seat *seat, irx_id process, uint64_t ticket, const void *bytes,
                size_t length);

/* CREATE where there is no record, then CLAIM of the record as it stands. */
const irx_result *rig_take(rig *rig, rig_seat *seat, irx_id session, irx_takeover takeover);
/* A CLAIM that expects this record. */
irx_op rig_claim(rig *rig, irx_op_kind kind, irx_id session, const irx_record *expected);
irx_op rig_renew(rig *rig, const irx_record *held, uint64_t beat);

irx_id rig_id(uint64_t number);

#endif
