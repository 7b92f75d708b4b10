/* The medium `local:` or `local:///directory`: elections among the processes of this host, held by
 * the kernel. It decides nothing: operations are carried out in the loop's next turn, in the order
 * of each seat; one that meets another process's writing waits a moment for it, then fails as
 * unavailable. A session's presence is a lock (local_lock.c), a process's death is heard on its
 * line (local_line.c, local_watch.c), changes come as hints (local_hints.c), messages over the line
 * (local_messages.c). The layout of the directory is in local_root.c. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "medium/local.h"
#include "medium/local_files.h"
#include "runtime/clock.h"
#include "runtime/error.h"

/* How long an operation waits for other processes' writing, each of which takes some hundred
 * microseconds where the machine is not overloaded; longer means that one is stopped in the middle.
 */
#define LOCK_WAIT_NS (250 * INT64_C(1000000))
#define LOCK_LOOK_S 0.0005 /* from one look at the lock to the next, up to that deadline */

void irx__local_wake(irx_medium *medium)
{
    ev_async_send(medium->config.loop, &medium->wake);
}

static irx__local_seat *seat_of(const irx_seat *seat)
{
    return seat->data;
}

int irx__local_check(irx_medium *medium, irx_error *error)
{
    bool changed;
    int code = irx__local_root_check(&medium->root, &changed, error);
    medium->is_checked = code == 0;
    if (code != 0 || !changed)
        return code;
    irx__local_hints_renew(medium);
    if (medium->channels[IRX_CHANNEL_PRESENCE].up) {
        irx__local_line_close(medium);
        irx__local_line_open(medium);
    }
    return 0;
}

/* ---- the turn -------------------------------------------------------------------------------- */

static void open_channel(irx_medium *medium, irx_channel which)
{
    const irx_sink *sink = &medium->config.sink;
    irx__local_channel *channel = &medium->channels[which];
    irx_error why;
    channel->opening = false;
    if (irx__local_check(medium, &why) != 0) {
        sink->down(sink->owner, which, channel->generation, &why);
        return;
    }
    channel->up = true;
    if (which == IRX_CHANNEL_COMMAND) {
        sink->up(sink->owner, which, channel->generation, medium->root.epoch);
        return;
    }
    irx__local_line_close(medium);
    irx__local_line_open(medium);
    sink->up(sink->owner, which, channel->generation, irx__random_id());
}

/* Where there is no memory to queue a call, the channel goes down rather than leave it
 * unanswered. */
static void tell_no_memory(irx_medium *medium)
{
    const irx_sink *sink = &medium->config.sink;
    irx__local_channel *command = &medium->channels[IRX_CHANNEL_COMMAND];
    irx_error why;
    medium->out_of_memory = false;
    command->up = false;
    irx__calls_drop(&medium->calls, NULL);
    irx__error_set(&why, IRX_ENOMEM, "no memory to queue a call");
    sink->down(sink->owner, IRX_CHANNEL_COMMAND, command->generation, &why);
}

/* False: it waits for another process's writing. */
static bool carry_out(irx_medium *medium, irx__call *call, irx_result *result, irx_error *why)
{
    irx__local_seat *seat = seat_of(call->seat);
    int64_t now_ns = irx__clock_boot_ns();
    if (irx__local_operate(medium, seat, &call->op, result, why) == 0)
        return true;
    if (call->give_up_ns == 0) {
        /* An answer is of use only before the operation's own deadline. */
        int64_t latest_ns = call->op.deadline_ns - (call->op.deadline_ns - now_ns) / 4;
        call->give_up_ns = now_ns + LOCK_WAIT_NS < latest_ns ? now_ns + LOCK_WAIT_NS : latest_ns;
    }
    if (now_ns < call->give_up_ns)
        return false;
    irx__error_set(why, IRX_EUNAVAILABLE,
                   "%s/%s/lock is held by another process, which does not go on (is it stopped?)",
                   medium->root.path, seat->path);
    irx__local_refuse(medium, &call->op, IRX_EUNAVAILABLE, result);
    if (call->op.kind == IRX_OP_RELEASE && irx_id_equal(seat->presence.session, call->op.session))
        irx__local_presence_drop(&medium->root, seat->path, &seat->presence);
    return true;
}

static void wait_for_lock(irx_medium *medium)
{
    ev_timer_stop(medium->config.loop, &medium->deadline);
    ev_timer_set(&medium->deadline, LOCK_LOOK_S, 0.);
    ev_timer_start(medium->config.loop, &medium->deadline);
}

/* The first call that may be tried: none of its seat waits before it. */
static irx__call *find_call(irx_medium *medium, irx__call **before)
{
    irx__call *call = medium->calls.first;
    for (*before = NULL; call && seat_of(call->seat)->blocked; call = call->next)
        *before = call;
    return call;
}

static void tell_sent(irx_medium *medium, const irx__call *call)
{
    const irx_sink *sink = &medium->config.sink;
    int code = irx__local_send(medium, call);
    if (call->ticket != 0)
        sink->sent(sink->owner, call->seat, call->ticket, code);
}

static void tell_results(irx_medium *medium, const bool *closed)
{
    const irx_sink *sink = &medium->config.sink;
    bool waits = false;
    size_t most = 0; /* what comes in meanwhile has its turn later */
    for (irx__call *call = medium->calls.first; call; call = call->next) {
        seat_of(call->seat)->blocked = false;
        most++;
    }
    while (most-- > 0) {
        irx_result result;
        irx_error why = {0};
        irx__call *before;
        irx__call *call = find_call(medium, &before);
        if (!call)
            break;
        if (!call->is_send && !carry_out(medium, call, &result, &why)) {
            seat_of(call->seat)->blocked = true;
            waits = true;
            continue;
        }
        irx__calls_take(&medium->calls, before, call);
        if (call->is_send)
            tell_sent(medium, call);
        else
            sink->result(sink->owner, call->seat, &result, result.error_code ? &why : NULL);
        free(call);
        if (*closed)
            return;
    }
    if (waits)
        wait_for_lock(medium);
    else if (medium->calls.first)
        irx__local_wake(medium);
}

static void take_turn(irx_medium *medium)
{
    bool closed = false;
    medium->closed = &closed;
    medium->is_checked = false;
    irx__local_line_listen(medium);
    for (int which = 0; which < 2 && !closed; which++)
        if (medium->channels[which].opening)
            open_channel(medium, (irx_channel)which);
    if (!closed)
        tell_results(medium, &closed);
    if (!closed)
        irx__local_tell_messages(medium, &closed);
    if (!closed && medium->out_of_memory)
        tell_no_memory(medium);
    if (!closed)
        medium->closed = NULL;
}

static void on_wake(struct ev_loop *loop, struct ev_async *watcher, int events)
{
    (void)loop;
    (void)events;
    take_turn(watcher->data);
}

static void on_lock_deadline(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    take_turn(watcher->data);
}

/* ---- the class ------------------------------------------------------------------------------- */

static int local_open(const irx_medium_config *config, irx_medium **medium, irx_error *error)
{
    irx_medium *made = calloc(1, sizeof *made);
    if (!made)
        return irx__error_set(error, IRX_ENOMEM, "no memory for a medium");
    made->config = *config;
    made->lock_fd = made->inotify_fd = made->line_fd = -1;
    made->line = irx__random_id();
    int code = irx__local_root_name(&made->root, config->url, config->namespace_name, error);
    if (code != 0) {
        free(made);
        return code;
    }
    ev_async_init(&made->wake, on_wake);
    ev_timer_init(&made->deadline, on_lock_deadline, LOCK_LOOK_S, 0.);
    made->wake.data = made->deadline.data = made;
    ev_async_start(config->loop, &made->wake);
    *medium = made;
    return 0;
}

static void local_connect(irx_medium *medium, irx_channel which, uint64_t generation)
{
    medium->channels[which] = (irx__local_channel){.opening = true, .generation = generation};
    irx__local_wake(medium);
}

/* The presence of sessions is theirs, not the channel's: a lock that is given up while its session
 * leads would be a second leader. It ends with LEAVE, RELEASE, another session on the seat, detach.
 */
static void local_disconnect(irx_medium *medium, irx_channel which)
{
    medium->channels[which].opening = medium->channels[which].up = false;
    if (which == IRX_CHANNEL_PRESENCE) {
        irx__local_line_close(medium);
        return;
    }
    irx__calls_drop(&medium->calls, NULL);
    medium->out_of_memory = false;
}

static int local_attach(irx_medium *medium, irx_seat *seat, irx_error *error)
{
    irx__local_seat *made = calloc(1, sizeof *made);
    if (!made)
        return irx__error_set(error, IRX_ENOMEM, "no memory for election '%s'", seat->name);
    made->medium = medium;
    made->seat = seat;
    made->presence.fd = made->wd = -1;
    irx__local_name(seat->name, made->path);
    irx__local_watch_init(made);
    made->next = medium->seats;
    medium->seats = made;
    seat->data = made;
    return 0;
}

static void local_detach(irx_medium *medium, irx_seat *seat)
{
    irx__local_seat *mine = seat_of(seat);
    irx__local_seat **link = &medium->seats;
    irx__calls_drop(&medium->calls, seat);
    if (!medium->is_fork) {
        irx__local_unwatch(mine);
        irx__local_presence_drop(&medium->root, mine->path, &mine->presence);
        irx__local_hints_ignore(mine);
    }
    irx__messages_drop(&medium->inbox, seat);
    while (*link != mine)
        link = &(*link)->next;
    *link = mine->next;
    seat->data = NULL;
    free(mine);
}

static void local_submit(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    if (irx__calls_append(&medium->calls, seat, op) != 0)
        medium->out_of_memory = true;
    irx__local_wake(medium);
}

static void local_send(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process,
                       uint64_t ticket, const void *bytes, size_t length)
{
    if (irx__calls_append_send(&medium->calls, seat, to, process, ticket, bytes, length) != 0)
        medium->out_of_memory = true;
    irx__local_wake(medium);
}

static void local_watch(irx_medium *medium, irx_seat *seat, irx_id process, int64_t every_ns)
{
    (void)medium;
    irx__local_watch(seat_of(seat), process, every_ns);
}

static void local_unwatch(irx_medium *medium, irx_seat *seat)
{
    (void)medium;
    irx__local_unwatch(seat_of(seat));
}

static void local_close(irx_medium *medium)
{
    if (medium->closed)
        *medium->closed = true;
    assert(!medium->seats); /* detached before, by contract */
    irx__calls_drop(&medium->calls, NULL);
    if (!medium->is_fork) {
        ev_async_stop(medium->config.loop, &medium->wake);
        ev_timer_stop(medium->config.loop, &medium->deadline);
        irx__local_hints_close(medium);
        irx__local_line_close(medium);
        irx__local_links_close(medium);
    }
    irx__messages_drop(&medium->inbox, NULL);
    irx__local_root_close(&medium->root);
    free(medium);
}

/* Only closes: an unlock here would be the parent's, whose lock it is. What is in memory stays. */
static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void local_forked(irx_medium *medium)
{
    medium->is_fork = true;
    for (irx__local_seat *seat = medium->seats; seat; seat = seat->next)
        shut(&seat->presence.fd);
    for (irx__local_link *link = medium->links; link; link = link->next)
        shut(&link->fd);
    for (irx__local_listener *one = medium->listeners; one; one = one->next)
        shut(&one->fd);
    shut(&medium->lock_fd);
    shut(&medium->line_fd);
    shut(&medium->inotify_fd);
    shut(&medium->root.fd);
}

const irx_medium_class irx__medium_local = {
    .scheme = "local",
    .has_presence = true,
    .kernel = true,
    .guarantee_fast = IRX_GUARANTEE_KERNEL,
    .guarantee_safe = IRX_GUARANTEE_KERNEL,
    .open = local_open,
    .connect = local_connect,
    .disconnect = local_disconnect,
    .attach = local_attach,
    .detach = local_detach,
    .submit = local_submit,
    .watch = local_watch,
    .unwatch = local_unwatch,
    .send = local_send,
    .close = local_close,
    .forked = local_forked,
};
