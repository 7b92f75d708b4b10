/* Takes what the application asks of others, in the caller's thread: refuses at once what can not
 * be, copies the bytes, and queues the rest for the loop thread. All memory that telling the
 * outcome will need is taken here, so that a request that was accepted settles. It must never touch
 * what is the loop thread's own. */
#include "runtime/election.h"

#include <stdlib.h>
#include <string.h>

static irx__request *new_request(irx__request_kind kind, const void *data, size_t length, bool told)
{
    irx__request *request = malloc(sizeof *request + length);
    if (!request)
        return NULL;
    *request = (irx__request){.kind = kind, .length = length};
    if (length > 0)
        memcpy(request->data, data, length);
    request->told = told ? irx__event_new(IRX_SETTLED, NULL, 0) : NULL;
    if (told && !request->told) {
        free(request);
        return NULL;
    }
    return request;
}

/* What was settled and not taken counts too: it waits in memory as well. */
static bool is_full(irx_election *e)
{
    size_t settled = irx__events_count(&e->events, IRX_SETTLED);
    return e->courier.under_way + settled >= IRX_REQUESTS_MAX;
}

static bool is_member(const irx_election *e, irx_id session)
{
    for (size_t i = 0; i < e->member_count && !irx_id_none(session); i++) {
        if (irx_id_equal(e->members[i].session, session))
            return true;
    }
    return false;
}

/* Under the lock: who it is for, by what this member knows now. */
static int address(irx_election *e, irx__request *request, irx_id member)
{
    bool leads = irx__holds(e, NULL);
    if (!e->wanted && !leads)
        return IRX_ESTOPPED;
    if (request->audience == IRX_TO_MEMBER) {
        request->to = member;
        if (irx_id_equal(member, e->session))
            return IRX_ESTATE;
        return is_member(e, member) ? 0 : IRX_ENOMEMBER;
    }
    if (request->audience == IRX_TO_LEADER) {
        request->to = e->leader.session;
        if (leads)
            return IRX_ESTATE;
        bool known = !irx_id_none(request->to) && !irx_id_equal(request->to, e->session);
        return known ? 0 : IRX_ENOMEMBER;
    }
    return 0;
}

static int check(irx_election *e, irx__request *request, irx_id member)
{
    switch (request->kind) {
    case IRX__REQUEST_META: break;
    case IRX__REQUEST_SEND: return address(e, request, member);
    case IRX__REQUEST_PUBLISH: return irx__holds(e, &request->token) ? 0 : IRX_ENOTLEADER;
    }
    return 0;
}

/* Queues the request, or frees it and says why not. */
static int ask(irx_election *e, irx__request *request, irx_id member, uint64_t *ticket)
{
    if (!request)
        return IRX_ENOMEM;
    irx__courier *courier = &e->courier;
    pthread_mutex_lock(&e->lock);
    int failed = check(e, request, member);
    if (!failed && is_full(e))
        failed = IRX_EFULL;
    if (!failed) {
        bool idle = request->kind == IRX__REQUEST_META && !e->wanted;
        request->life = idle ? 0 : courier->lives;
        request->number = ++courier->last_number;
        if (ticket)
            *ticket = request->number;
        courier->under_way++;
        irx__requests_append(&courier->asked, request);
    }
    pthread_mutex_unlock(&e->lock);
    if (failed)
        irx__request_free(request);
    else
        irx__loop_poke(e->loop, e);
    return failed;
}

int irx_election_set_meta(irx_election *e, const void *meta, size_t length, uint64_t *ticket)
{
    int failed = irx__enter(e);
    if (failed)
        return failed;
    if (length > IRX_META_MAX)
        return IRX_ETOOLARGE;
    return ask(e, new_request(IRX__REQUEST_META, meta, length, ticket), (irx_id){0, 0}, ticket);
}

int irx_election_send(irx_election *e, irx_audience audience, irx_id member, const void *data,
                      size_t length, uint64_t *ticket)
{
    int failed = irx__enter(e);
    if (failed)
        return failed;
    if (length > irx_election_message_max(e))
        return IRX_ETOOLARGE;
    if (!e->class->send)
        return IRX_EUNSUPPORTED;
    if (audience < IRX_TO_MEMBER || audience > IRX_TO_ALL)
        return IRX_ENOMEMBER;
    irx__request *request = new_request(IRX__REQUEST_SEND, data, length, ticket);
    if (request)
        request->audience = audience;
    return ask(e, request, member, ticket);
}

int irx_election_publish(irx_election *e, const void *value, size_t length, uint64_t *ticket)
{
    int failed = irx__enter(e);
    if (failed)
        return failed;
    if (length > IRX_VALUE_MAX)
        return IRX_ETOOLARGE;
    if (!irx__holds(e, NULL)) /* no copy is made for who does not lead anyway */
        return IRX_ENOTLEADER;
    return ask(e, new_request(IRX__REQUEST_PUBLISH, value, length, ticket), (irx_id){0, 0}, ticket);
}
