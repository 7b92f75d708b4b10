#include "bent.h"

#include "cmocka_all.h"
#include "runtime/hub.h"

typedef struct errand {
    irx_election *election;
    const irx_medium_class *with;
    void (*work)(irx_election *election);
} errand;

static int run(void *argument)
{
    errand *one = argument;
    if (one->with)
        one->election->class = one->election->hub->class = one->with;
    if (one->work)
        one->work(one->election);
    return 0;
}

void bend(irx_election *election, const irx_medium_class *with)
{
    irx__loop_call(election->loop, run, &(errand){.election = election, .with = with});
}

void on_loop(irx_election *election, void (*work)(irx_election *election))
{
    irx__loop_call(election->loop, run, &(errand){.election = election, .work = work});
}

void hold_loop(irx_election *election)
{
    pthread_mutex_lock(&election->loop->lock); /* the thread holds it but while it sleeps */
}

void let_loop(irx_election *election)
{
    pthread_mutex_unlock(&election->loop->lock);
}

static void give_up(irx_election *election)
{
    irx__hub *hub = election->hub;
    irx__hub_disconnect(hub, IRX_CHANNEL_COMMAND, hub->channels[IRX_CHANNEL_COMMAND].generation);
    irx__hub_settle(hub);
}

void cut(irx_election *election)
{
    on_loop(election, give_up);
}
