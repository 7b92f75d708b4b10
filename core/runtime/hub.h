/* One medium of the process, shared by the elections that are held there. */
#ifndef IRX_HUB_H
#define IRX_HUB_H

#include "medium/medium.h"
#include "runtime/loop.h"

typedef enum irx__hub_state { IRX__HUB_CLOSED, IRX__HUB_OPENING, IRX__HUB_UP } irx__hub_state;

typedef struct irx__hub_channel {
    irx__hub_state state;
    uint64_t generation; /* of the newest connect */
    uint32_t attempts;   /* failures in a row */
    irx_id id;           /* of the up */
    bool lost;           /* closed at an election's request; the others are yet to hear */
    uint64_t lost_generation;
} irx__hub_channel;

/* Elections share it where URL, namespace, heartbeat, max_members and create_table are the same. */
typedef struct irx__hub {
    struct irx__hub *next;
    irx__loop *loop;
    irx_url url;
    char namespace_name[IRX_NAMESPACE_MAX + 1];
    int64_t heartbeat_ns;
    uint32_t max_members;
    bool create_table;
    const irx_medium_class *class;
    irx_guarantee promised; /* under takeover: safe, as last told */
    irx_medium *medium;
    irx__hub_channel channels[2];
    irx_election *seats;
    size_t active;    /* elections that take part */
    size_t in_flight; /* operations and sends with a ticket, of all its elections, unanswered */
} irx__hub;

/* All on the loop thread. */

int irx__hub_join(irx_election *election, irx_error *error);
void irx__hub_leave(irx_election *election);

void irx__hub_connect(irx__hub *hub, irx_channel channel);
void irx__hub_disconnect(irx__hub *hub, irx_channel channel, uint64_t generation);
void irx__hub_submit(irx__hub *hub, irx_election *election, const irx_op *op);
/* An encoded message, while the command channel is up; `to` and `process` none: to everybody. */
void irx__hub_send(irx__hub *hub, irx_election *election, irx_id to, irx_id process,
                   uint64_t ticket, const void *bytes, size_t length);

/* After anything that stepped an election: tells the others of a connection that was given up, and
 * closes connections that nobody needs. */
void irx__hub_settle(irx__hub *hub);

#endif
