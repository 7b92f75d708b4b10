/* One medium object of any kind, on a loop shared with others, and everything that it tells. Every
 * call into the medium and every waiting goes through here, so that an answer from within a call, a
 * second result for one operation, or a word about something that was closed ends the test wherever
 * it happens. */
#ifndef PEER_H
#define PEER_H

#include <ev.h>

#include "medium/medium.h"

enum { PEER_MEMBERS_MAX = 5, PEER_WAIT_MS = 20000, PEER_LOG_MAX = 64 };

/* A message as it came. `to_all`: the medium named a seat, else its process alone. */
typedef struct peer_message {
    bool to_all;
    size_t length;
    unsigned char *bytes;
    irx_message read; /* its data points into `bytes` */
} peer_message;

/* What became of a send. */
typedef struct peer_sent {
    uint64_t ticket;
    int code;
} peer_sent;

typedef struct peer_seat {
    irx_seat seat;
    struct peer *peer;
    irx_id session;
    bool attached;
    unsigned submitted;
    unsigned results;
    irx_result log[PEER_LOG_MAX]; /* result n is at n modulo PEER_LOG_MAX */
    irx_error why;                /* of the last FAILED or UNKNOWN */
    unsigned hints;
    unsigned gones;
    irx_id gone;
    unsigned messages;
    peer_message inbox[PEER_LOG_MAX]; /* message n is at n modulo PEER_LOG_MAX */
    unsigned sents;
    peer_sent sent[PEER_LOG_MAX]; /* likewise */
    struct peer_seat *next;       /* of the same peer */
} peer_seat;

typedef struct peer {
    const irx_medium_class *class;
    struct ev_loop *loop;
    irx_url url;
    char namespace_name[IRX_NAMESPACE_MAX + 1];
    irx_medium *medium;
    bool in_call;
    bool wanted[2]; /* by irx_channel: connected or connecting */
    bool up[2];
    unsigned ups[2];
    unsigned downs[2];
    uint64_t generation[2];
    irx_id id[2];  /* epoch, process */
    irx_error why; /* of the last down */
    unsigned warnings;
    irx_error warning;
    uint64_t last_op;
    peer_seat *seats;
    unsigned strays; /* messages to a session that is not here */
} peer;

/* Opens a medium and connects nothing. */
peer *peer_new(const irx_medium_class *class, struct ev_loop *loop, const char *url,
               const char *namespace_name);
/* As above, and both channels are up. */
peer *peer_open(const irx_medium_class *class, struct ev_loop *loop, const char *url,
                const char *namespace_name);
void peer_connect(peer *p, irx_channel channel);
/* Connects and waits; true if it is up. */
bool peer_up(peer *p, irx_channel channel);
void peer_disconnect(peer *p, irx_channel channel);
/* Its seats must be detached. */
void peer_close(peer *p);

/* A seat with a session of its own. */
peer_seat *peer_sit(peer *p, const char *name, const char *label);
/* Detaches; the seat stays readable until peer_free. */
void peer_leave(peer_seat *s);
void peer_free(peer_seat *s);
/* As a process that ends: the seat is detached and its medium closed; nothing is said to the store.
 */
void peer_end(peer_seat *s);

/* Runs the loop until *counter is at least `least`; false after PEER_WAIT_MS. */
bool peer_wait(struct ev_loop *loop, const unsigned *counter, unsigned least);
void peer_run_ms(struct ev_loop *loop, int ms);

/* An operation with what all of them carry. */
irx_op peer_op(const peer_seat *s, irx_op_kind kind);
uint64_t peer_submit(peer_seat *s, const irx_op *op);
/* Submits and waits for the result. */
irx_result peer_do(peer_seat *s, const irx_op *op);
irx_result peer_say(peer_seat *s, irx_op_kind kind); /* one that needs nothing more */
void peer_watch(peer_seat *s, irx_id process);
void peer_unwatch(peer_seat *s);

/* Says what a message of this seat carries: `data` may be null. To nobody (none): to everybody. */
irx_message peer_data(const peer_seat *s, irx_id to, const void *data, size_t length);
/* Sends a message to the session it names, present under `process`, or to everybody. */
void peer_post(peer_seat *s, const irx_message *message, irx_id process, uint64_t ticket);
/* A text to one, and to all. */
void peer_tell(peer_seat *s, const peer_seat *to, const char *text);
void peer_tell_all(peer_seat *s, const char *text);
/* The nth message (1 is the first) that came; waits for it. */
const peer_message *peer_message_at(peer_seat *s, unsigned n);
/* True if the nth message is this text by this sender. */
bool peer_heard(peer_seat *s, unsigned n, const peer_seat *from, const char *text);

/* What the store writes as the presence of this seat. */
irx_id peer_presence(const peer_seat *s);

/* Operations built from a record. */
irx_op peer_claim(const peer_seat *s, irx_op_kind kind, const irx_record *expected);
irx_op peer_renew(const peer_seat *s, const irx_record *held, uint64_t beat);
irx_op peer_release(const peer_seat *s, const irx_record *held);

/* CREATE where there is none, CLAIM; the record that makes it the leader. */
irx_record peer_lead(peer_seat *s);
irx_record peer_lead_as(peer_seat *s, irx_takeover takeover);
/* As peer_lead, under protocol quorum. */
irx_record peer_lead_quorum(peer_seat *s);
/* PUBLISH by the holder of a record. `value` must stay until the result. */
irx_op peer_publish(const peer_seat *s, const irx_record *held, const void *value, size_t length);
/* What a READ shows; there must be a record. */
irx_record peer_read(peer_seat *s);

#endif
