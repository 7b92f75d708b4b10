/* Hands a message to the medium, the application's or the protocol's own: finds the presence that
 * its receiver is reached under, and encodes it. It decides nothing about messages, and keeps none.
 */
#include "runtime/election.h"

irx_id irx__own_process(const irx_election *e)
{
    const irx__hub_channel *presence = &e->hub->channels[IRX_CHANNEL_PRESENCE];
    return presence->state == IRX__HUB_UP ? presence->id : (irx_id){0, 0};
}

/* The presence that vouches for what this member says: only one that its row is known to name, for
 * whoever doubts a message reads the table, and must find it there. Until then none vouches. */
irx_id irx__own_presence(const irx_election *e)
{
    if (e->hub->class->kernel)
        return e->session;
    for (size_t i = 0; i < e->seat.member_count; i++) {
        const irx_member *row = &e->seat.members[i];
        if (irx_id_equal(row->session, e->session))
            return irx_id_equal(row->process, irx__own_process(e)) ? row->process : (irx_id){0, 0};
    }
    return (irx_id){0, 0};
}

/* The presence of a session: by its row, or, where none came yet, by the record that it holds. */
static bool find_process(const irx_election *e, irx_id session, irx_id *process)
{
    for (size_t i = 0; i < e->seat.member_count; i++) {
        if (irx_id_equal(e->seat.members[i].session, session)) {
            *process = e->seat.members[i].process;
            return true;
        }
    }
    *process = e->holder_process;
    return irx_id_equal(e->holder, session);
}

static bool is_up(const irx_election *e)
{
    return e->hub->channels[IRX_CHANNEL_COMMAND].state == IRX__HUB_UP;
}

int irx__courier_post(irx_election *e, const irx_message *message, uint64_t ticket)
{
    irx__hub *hub = e->hub;
    if (!hub->class->send)
        return IRX_EUNSUPPORTED;
    if (!is_up(e))
        return IRX_EUNREACHABLE;
    irx_id process = {0, 0};
    if (!irx_id_none(message->to) && !find_process(e, message->to, &process))
        return IRX_ENOMEMBER;
    unsigned char *bytes = e->loop->message;
    size_t length = irx_message_encode(message, bytes, sizeof e->loop->message);
    if (length == 0)
        return IRX_ETOOLARGE;
    atomic_fetch_add_explicit(&e->counters.messages_sent, 1, memory_order_relaxed);
    irx__hub_send(hub, e, message->to, process, ticket, bytes, length);
    return 0;
}
