/* What the application asks of others: to write its meta, to send, to publish. */
#ifndef IRX_COURIER_H
#define IRX_COURIER_H

#include "interrex.h"
#include "interrex_engine.h"
#include "runtime/events.h"

/* Operations that the runtime asks for carry it in their id; the engine counts from 1. */
#define IRX__ASKED UINT64_C(0x8000000000000000)

typedef enum irx__request_kind {
    IRX__REQUEST_META,
    IRX__REQUEST_SEND,
    IRX__REQUEST_PUBLISH
} irx__request_kind;

typedef struct irx__request {
    struct irx__request *next;
    irx__request_kind kind;
    uint64_t number; /* the ticket, whether anybody holds it or not */
    uint64_t life; /* the start that it belongs to, counted from 1; 0: none was asked for (META) */
    irx__event_slot *told; /* its IRX_SETTLED; null: nobody waits, or it was told */
    bool settled;          /* kept only because a medium still reads the data */
    irx_audience audience; /* SEND */
    irx_id to;             /* SEND: session; none: everybody */
    irx_token token;       /* PUBLISH: of the leadership it was asked under */
    size_t length;
    unsigned char data[];
} irx__request;

typedef struct irx__requests {
    irx__request *first;
    irx__request *last;
} irx__requests;

void irx__requests_append(irx__requests *list, irx__request *request);
/* Frees one that is in no list, untold. */
void irx__request_free(irx__request *request);

typedef struct irx__courier {
    /* under the election's lock */
    irx__requests asked; /* not looked at yet */
    uint64_t last_number;
    uint64_t lives;   /* starts that the application asked for */
    size_t under_way; /* requests that are not settled */
    uint64_t life;    /* the start in force, written by the loop thread */

    /* the loop thread's own */
    irx__requests open;   /* looked at; what becomes of them is not known yet */
    uint64_t meta_number; /* of the last META taken over, 0: none */
    uint64_t join_id;     /* of the last JOIN sent, */
    uint64_t join_meta;   /* and the META that its row says */
} irx__courier;

/* All on the loop thread. */

/* Carries out what was asked since, in the order of asking; what belongs to a start that the engine
 * has not heard of yet waits. */
void irx__courier_take(irx_election *election);

/* The engine sent a JOIN. */
void irx__courier_joining(irx_election *election, const irx_op *op);
/* A result came, of the engine's or of one asked for here. */
void irx__courier_result(irx_election *election, const irx_result *result);
/* What became of a send with this ticket. */
void irx__courier_sent(irx_election *election, uint64_t ticket, int code);
/* The command channel is closed: what was on its way is not known to have arrived. */
void irx__courier_cut(irx_election *election);
/* The engine stopped: whatever is open settles. */
void irx__courier_stopped(irx_election *election);

/* Frees what is left, untold. The election has no seat any more. */
void irx__courier_free(irx__courier *courier);

/* post.c. The presence that this process is under, none while it has none. */
irx_id irx__own_process(const irx_election *election);
/* The presence that this member's row names: under exclusion by the kernel each session has its
 * own. */
irx_id irx__own_presence(const irx_election *election);
/* Encodes a message and hands it to the medium; 0, or why it can not leave. */
int irx__courier_post(irx_election *election, const irx_message *message, uint64_t ticket);

#endif
