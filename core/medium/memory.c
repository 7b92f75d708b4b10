/* The medium `memory:` or `memory:name`: elections inside this process, for tests, simulations and
 * single processes that want one interface. It decides nothing; it carries operations to a store
 * (memory_store.c) and tells what came of them, always from its own loop's turn and never from
 * within a call. It is the plainest medium and the pattern for others: up and down per channel and
 * generation, one result per operation and in order, a queue of messages, marks for hints and for
 * GONE. */
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "medium/calls.h"
#include "medium/medium.h"
#include "medium/memory_store.h"
#include "runtime/error.h"

typedef struct channel {
    bool up;
    bool opening;
    uint64_t generation;
} channel;

struct irx_medium {
    irx__memory_user user; /* first: irx__memory_restart relies on it */
    irx_medium_config config;
    struct ev_io woken; /* by ourselves, or by others who have the store open */
    channel channels[2];
    irx__calls calls;
    bool out_of_memory; /* a call could not be queued: the command channel goes down */
    bool *closed;       /* set while telling: a sink may close us */
};

static void wake(irx_medium *medium)
{
    eventfd_write(medium->user.wake_fd, 1);
}

static void tell_channels(irx_medium *medium, bool *closed)
{
    for (int which = 0; which < 2 && !*closed; which++) {
        channel *one = &medium->channels[which];
        if (!one->opening)
            continue;
        irx_id id;
        one->opening = false;
        one->up = true;
        if (which == IRX_CHANNEL_COMMAND) {
            id = irx__memory_epoch(&medium->user);
        } else {
            id = irx__random_id();
            irx__memory_presence(&medium->user, id);
        }
        medium->config.sink.up(medium->config.sink.owner, (irx_channel)which, one->generation, id);
    }
}

static void tell_result(irx_medium *medium, irx__call *call)
{
    const irx_sink *sink = &medium->config.sink;
    irx_result result;
    irx_error why = {0};
    irx__memory_apply(&medium->user, call->seat, &call->op, medium->config.max_members, &result,
                      &why);
    sink->result(sink->owner, call->seat, &result, result.error_code ? &why : NULL);
}

static void tell_sent(irx_medium *medium, irx__call *call)
{
    const irx_sink *sink = &medium->config.sink;
    int code = irx__memory_send(&medium->user, call->seat, call->to, call->process, call->bytes,
                                call->length);
    if (call->ticket != 0)
        sink->sent(sink->owner, call->seat, call->ticket, code);
}

static void carry_out_calls(irx_medium *medium, const bool *closed)
{
    size_t most = 0; /* what comes in meanwhile has its turn later */
    for (const irx__call *call = medium->calls.first; call; call = call->next)
        most++;
    while (most-- > 0 && medium->calls.first) {
        irx__call *call = medium->calls.first;
        irx__calls_take(&medium->calls, NULL, call);
        if (call->is_send)
            tell_sent(medium, call);
        else
            tell_result(medium, call);
        free(call);
        if (*closed)
            return;
    }
    if (medium->calls.first)
        wake(medium);
}

static void tell_messages(irx_medium *medium, const bool *closed)
{
    const irx_sink *sink = &medium->config.sink;
    irx__memory_message *message;
    /* What comes in meanwhile has its turn later. */
    for (size_t most = irx__memory_waiting(&medium->user); most > 0 && !*closed; most--) {
        if (!(message = irx__memory_take_message(&medium->user)))
            return;
        sink->message(sink->owner, message->seat, message->bytes, message->length);
        free(message);
    }
    if (!*closed && irx__memory_waiting(&medium->user) > 0)
        wake(medium);
}

static void tell_marks(irx_medium *medium, bool *closed)
{
    const irx_sink *sink = &medium->config.sink;
    irx_seat *seat;
    irx_id process;
    while (!*closed && irx__memory_take_mark(&medium->user, &seat, &process)) {
        if (!irx_id_none(process))
            sink->gone(sink->owner, seat, process);
        else if (medium->channels[IRX_CHANNEL_COMMAND].up)
            sink->hint(sink->owner, seat);
    }
}

static void tell_no_memory(irx_medium *medium)
{
    const irx_sink *sink = &medium->config.sink;
    channel *command = &medium->channels[IRX_CHANNEL_COMMAND];
    irx_error why;
    medium->out_of_memory = false;
    command->up = false;
    irx__calls_drop(&medium->calls, NULL);
    irx__error_set(&why, IRX_ENOMEM, "no memory to queue a call");
    sink->down(sink->owner, IRX_CHANNEL_COMMAND, command->generation, &why);
}

static void on_woken(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    irx_medium *medium = watcher->data;
    bool closed = false;
    eventfd_t times;
    (void)loop;
    (void)events;
    eventfd_read(medium->user.wake_fd, &times);
    medium->closed = &closed;
    tell_channels(medium, &closed);
    if (!closed)
        carry_out_calls(medium, &closed);
    if (!closed)
        tell_messages(medium, &closed);
    if (!closed)
        tell_marks(medium, &closed);
    if (!closed && medium->out_of_memory)
        tell_no_memory(medium);
    if (!closed)
        medium->closed = NULL;
}

static int memory_open(const irx_medium_config *config, irx_medium **medium, irx_error *error)
{
    char key[sizeof config->url->host + sizeof config->url->path + IRX_NAMESPACE_MAX + 3];
    irx_medium *made = calloc(1, sizeof *made);
    if (!made)
        return irx__error_set(error, IRX_ENOMEM, "no memory for a medium");
    made->config = *config;
    made->user.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made->user.wake_fd < 0) {
        free(made);
        return irx__error_set(error, IRX_ESYSTEM, "eventfd: %s", strerror(errno));
    }
    ev_io_init(&made->woken, on_woken, made->user.wake_fd, EV_READ);
    made->woken.data = made;
    snprintf(key, sizeof key, "%s\n%s\n%s", config->url->host, config->url->path,
             config->namespace_name);
    int code = irx__memory_open(&made->user, key, error);
    if (code != 0) {
        close(made->user.wake_fd);
        free(made);
        return code;
    }
    ev_io_start(config->loop, &made->woken);
    *medium = made;
    return 0;
}

static void memory_connect(irx_medium *medium, irx_channel which, uint64_t generation)
{
    medium->channels[which] = (channel){.opening = true, .generation = generation};
    wake(medium);
}

static void memory_disconnect(irx_medium *medium, irx_channel which)
{
    medium->channels[which].opening = medium->channels[which].up = false;
    if (which == IRX_CHANNEL_COMMAND) {
        irx__calls_drop(&medium->calls, NULL);
        medium->out_of_memory = false;
    } else {
        irx__memory_presence(&medium->user, (irx_id){0, 0});
    }
}

static int memory_attach(irx_medium *medium, irx_seat *seat, irx_error *error)
{
    return irx__memory_attach(&medium->user, seat, error);
}

static void memory_detach(irx_medium *medium, irx_seat *seat)
{
    irx__calls_drop(&medium->calls, seat);
    irx__memory_detach(&medium->user, seat);
}

static void memory_submit(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    if (irx__calls_append(&medium->calls, seat, op) != 0)
        medium->out_of_memory = true;
    wake(medium);
}

static void memory_send(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process,
                        uint64_t ticket, const void *bytes, size_t length)
{
    if (irx__calls_append_send(&medium->calls, seat, to, process, ticket, bytes, length) != 0)
        medium->out_of_memory = true;
    wake(medium);
}

static void memory_watch(irx_medium *medium, irx_seat *seat, irx_id process, int64_t every_ns)
{
    (void)every_ns; /* the end of a presence is marked at once */
    irx__memory_watch(&medium->user, seat, process);
}

static void memory_unwatch(irx_medium *medium, irx_seat *seat)
{
    irx__memory_watch(&medium->user, seat, (irx_id){0, 0});
}

static void memory_close(irx_medium *medium)
{
    if (medium->closed)
        *medium->closed = true;
    irx__calls_drop(&medium->calls, NULL);
    if (medium->user.store) {
        ev_io_stop(medium->config.loop, &medium->woken);
        irx__memory_leave(&medium->user);
        close(medium->user.wake_fd);
    }
    free(medium);
}

static void memory_forked(irx_medium *medium)
{
    close(medium->user.wake_fd);
    irx__memory_forget(&medium->user);
}

const irx_medium_class irx__medium_memory = {
    .scheme = "memory",
    .has_presence = true,
    .kernel = false,
    .has_quorum = true,
    .guarantee_fast = IRX_GUARANTEE_EXCLUSIVE,
    .guarantee_safe = IRX_GUARANTEE_EXCLUSIVE,
    .open = memory_open,
    .connect = memory_connect,
    .disconnect = memory_disconnect,
    .attach = memory_attach,
    .detach = memory_detach,
    .submit = memory_submit,
    .watch = memory_watch,
    .unwatch = memory_unwatch,
    .send = memory_send,
    .close = memory_close,
    .forked = memory_forked,
};
