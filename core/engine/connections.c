/* When to connect: the back-off after a loss, and what a lost connection costs.
 *
 * The medium opens and closes; here is decided when. Losing the command connection costs nothing by
 * itself: the deadline goes on counting. Losing presence under takeover fast ends the term. */
#include "engine/internal.h"

void irx__connections_start(irx_engine *e)
{
    for (int i = 0; i < 2; i++) {
        e->channel[i].up = false;
        e->channel[i].settled = false;
        e->channel[i].generation = 0;
        e->channel[i].told_code = 0;
        e->channel[i].connect_at_ns = e->now_ns;
    }
    if (!e->options.has_presence) {
        e->channel[IRX_CHANNEL_PRESENCE].settled = true;
        e->channel[IRX_CHANNEL_PRESENCE].connect_at_ns = IRX_NEVER;
    }
}

static void command_up(irx_engine *e, irx_id epoch)
{
    irx__op_lost(e);
    irx__view_epoch(e, epoch);
    e->renew_at_ns = e->now_ns;
    e->must_read = !irx__leads(e);
    e->joined = false; /* idempotent, and a READ as well */
    e->join_at_ns = 0;
    e->retry_at_ns = 0;
}

static void presence_up(irx_engine *e, irx_id process)
{
    e->process = process;
    e->joined = false; /* the row names the process */
    e->join_at_ns = 0;
    e->renew_at_ns = e->now_ns;
    e->hinted = true; /* pushes were lost while it was down */
}

void irx__connections_up(irx_engine *e)
{
    irx_channel channel = e->input->up.channel;
    e->channel[channel].up = true;
    e->channel[channel].settled = true;
    e->channel[channel].generation = e->input->up.generation;
    e->channel[channel].connect_at_ns = IRX_NEVER;
    if (channel == IRX_CHANNEL_COMMAND) {
        irx__trace(e, "connected");
        command_up(e, e->input->up.id);
    } else {
        char text[9];
        irx__trace(e, "present as process %s", irx__short(e->input->up.id, text));
        e->channel[channel].told_code = 0;
        presence_up(e, e->input->up.id);
    }
}

static void presence_lost(irx_engine *e)
{
    irx_id lost = e->process;
    e->process = (irx_id){0};
    bool recorded = irx__lead_recorded(e, lost);
    bool costs = e->options.takeover == IRX_TAKEOVER_FAST ? IRX__RULE(PRESENCE_LOST)
                                                          : !IRX__RULE(SAFE_KEEPS);
    if (irx__leads(e) && recorded && costs && !e->options.kernel) {
        irx__lead_end(e, IRX_REASON_PRESENCE_LOST);
    }
}

static void closed(irx_engine *e, irx_channel channel)
{
    bool was_up = e->channel[channel].up;
    e->channel[channel].up = false;
    if (channel == IRX_CHANNEL_COMMAND) {
        irx__op_lost(e);
    } else if (was_up) {
        e->channel[channel].settled = false; /* the first attempt to come back decides */
        presence_lost(e);
    } else {
        e->channel[channel].settled = true;
    }
}

void irx__connections_down(irx_engine *e)
{
    irx_channel channel = e->input->down.channel;
    int code = e->input->down.error_code;
    if (e->channel[channel].up && e->input->down.generation < e->channel[channel].generation) {
        return;
    }
    if (!e->channel[channel].up && e->input->down.generation == e->channel[channel].generation) {
        /* The echo of a loss we know: only when to try again is new. */
        e->channel[channel].connect_at_ns =
            e->now_ns + irx__backoff(e, e->input->down.attempt, e->input->down.draw);
        return;
    }
    irx__trace(e, "%s connection down (%s)",
               channel == IRX_CHANNEL_COMMAND ? "command" : "presence", irx_error_name(code));
    closed(e, channel);
    if (e->channel[channel].told_code != code) {
        e->channel[channel].told_code = code;
        irx__trouble(e, channel == IRX_CHANNEL_COMMAND ? IRX_EVENT_ERROR : IRX_EVENT_WARNING, code);
    }
    e->channel[channel].connect_at_ns =
        e->now_ns + irx__backoff(e, e->input->down.attempt, e->input->down.draw);
}

/* Gives a connection up that no longer answers. The runtime tells every election that shares it. */
void irx__connections_drop(irx_engine *e, irx_channel channel)
{
    if (!e->channel[channel].up) {
        return;
    }
    irx_output *output = irx__output(e, IRX_OUT_DISCONNECT);
    output->channel.channel = channel;
    output->channel.generation = e->channel[channel].generation;
    closed(e, channel);
    e->channel[channel].connect_at_ns = e->now_ns + irx__backoff(e, 1, irx__random_next(e));
}

void irx__connections_advance(irx_engine *e)
{
    for (int i = 0; i < 2; i++) {
        if (e->channel[i].up || e->channel[i].connect_at_ns == IRX_NEVER) {
            continue;
        }
        if (e->now_ns < e->channel[i].connect_at_ns) {
            irx__want(e, e->channel[i].connect_at_ns);
            continue;
        }
        e->channel[i].connect_at_ns = IRX_NEVER;
        irx__output(e, IRX_OUT_CONNECT)->channel.channel = (irx_channel)i;
    }
}
