/* The connection for subscriptions: the process's own channel, which is its presence, and a channel
 * per election; and the watch, one command for all watched processes of the medium. Decides
 * nothing: a process without a subscription is GONE. What the pushes say is redis_bus.c's. */
#include "medium/redis_internal.h"

#include "medium/redis_error.h"
#include "medium/redis_value.h"
#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- subscriptions ----------------------------------------------------------------------------
 */

void irx__redis_presence_channel(const irx_medium *medium, irx_id process, char channel[])
{
    char digits[33];
    irx_id_print(process, digits);
    snprintf(channel, IRX_REDIS_KEY_MAX, "%s%s", medium->presence_prefix, digits);
}

static void out_of_memory(irx_medium *medium, irx_channel channel)
{
    irx_error error;
    irx__error_set(&error, IRX_ENOMEM, "%.160s: out of memory", medium->config.url->shown);
    irx__redis_fail(&medium->connections[channel], &error);
}

void irx__redis_subscribe_all(irx_medium *medium)
{
    char own[IRX_REDIS_KEY_MAX];
    size_t count = 2;
    size_t *lengths;
    const char **list;

    for (const irx__redis_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
        count++;
    }
    list = calloc(count, sizeof *list);
    lengths = calloc(count, sizeof *lengths);
    if (list == NULL || lengths == NULL) {
        out_of_memory(medium, IRX_CHANNEL_PRESENCE);
    } else {
        size_t used = 0;
        medium->process = irx__random_id();
        irx__redis_presence_channel(medium, medium->process, own);
        list[used++] = "SUBSCRIBE";
        list[used++] = own;
        for (const irx__redis_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
            list[used++] = seat->channel;
        }
        for (size_t i = 0; i < used; i++) {
            lengths[i] = strlen(list[i]);
        }
        irx__redis_send(irx__redis_presence(medium), NULL, (int)used, list, lengths);
    }
    free(list);
    free(lengths);
}

static void say(irx_medium *medium, const char *command, const char *channel)
{
    if (irx__redis_presence(medium)->state >= IRX_REDIS_GREETING) {
        irx__redis_send(irx__redis_presence(medium), NULL, 2,
                        (const char *const[]){command, channel},
                        (const size_t[]){strlen(command), strlen(channel)});
    }
}

void irx__redis_subscribe(irx_medium *medium, const irx__redis_seat *seat)
{
    say(medium, "SUBSCRIBE", seat->channel);
}

void irx__redis_unsubscribe(irx_medium *medium, const irx__redis_seat *seat)
{
    for (const irx__redis_seat *other = medium->seats; other != NULL; other = other->next) {
        if (other != seat && strcmp(other->channel, seat->channel) == 0) {
            return;
        }
    }
    say(medium, "UNSUBSCRIBE", seat->channel);
}

void irx__redis_pushed(irx_medium *medium, const redisReply *reply)
{
    irx__redis_connection *connection = irx__redis_presence(medium);
    char own[IRX_REDIS_KEY_MAX];
    irx__redis_push push;
    irx_error error;

    if (connection->has_failed) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_refused(medium, IRX_CHANNEL_PRESENCE, reply);
        return;
    }
    if (!irx__redis_read_push(reply, &push)) {
        irx__error_set(&error, IRX_EPROTOCOL, "%.160s pushed something that is no message",
                       medium->config.url->shown);
        irx__redis_fail(connection, &error);
    } else if (push.said) {
        irx__redis_heard(medium, &push);
    } else if (push.subscribed) {
        irx__redis_presence_channel(medium, medium->process, own);
        if (!irx__redis_text_is(push.channel, own)) {
            /* Pushes before this one were lost: subscribe, then read. */
            irx__redis_tell_seats(medium, push.channel, "", 0);
        } else if (connection->state != IRX_REDIS_READY) {
            irx__redis_ready(connection);
            medium->config.sink.up(medium->config.sink.owner, IRX_CHANNEL_PRESENCE,
                                   medium->generation[IRX_CHANNEL_PRESENCE], medium->process);
        }
    }
}

/* ---- the watch --------------------------------------------------------------------------------
 */

static irx__redis_watched *find_watched(irx_medium *medium, irx_id process)
{
    for (size_t i = 0; i < medium->watched_count; i++) {
        if (irx_id_equal(medium->watched[i].process, process)) {
            return &medium->watched[i];
        }
    }
    return NULL;
}

/* The smallest interval that a watching seat asks for. */
static void set_interval(irx_medium *medium)
{
    int64_t least_ns = IRX_NEVER;
    for (const irx__redis_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
        if (seat->watching && seat->watch_every_ns < least_ns) {
            least_ns = seat->watch_every_ns;
        }
    }
    if (least_ns == IRX_NEVER) {
        ev_timer_stop(medium->config.loop, &medium->watch);
        return;
    }
    medium->watch.repeat = (double)least_ns * 1e-9;
    if (!ev_is_active(&medium->watch)) {
        /* The first question goes out at once. */
        ev_timer_set(&medium->watch, 0.0, medium->watch.repeat);
        ev_timer_start(medium->config.loop, &medium->watch);
    }
}

static void stop_watching(irx_medium *medium, irx__redis_seat *seat)
{
    irx__redis_watched *watched = find_watched(medium, seat->watched);
    seat->watching = false;
    watched->seats--;
    if (watched->seats == 0) {
        *watched = medium->watched[--medium->watched_count];
    }
}

void irx__redis_unwatch(irx_medium *medium, irx_seat *of)
{
    irx__redis_seat *seat = of->data;
    if (seat->watching) {
        stop_watching(medium, seat);
        set_interval(medium);
    }
}

void irx__redis_watch(irx_medium *medium, irx_seat *of, irx_id process, int64_t every_ns)
{
    irx__redis_seat *seat = of->data;
    irx__redis_watched *watched;

    if (seat->watching) {
        stop_watching(medium, seat);
    }
    watched = find_watched(medium, process);
    if (watched == NULL) {
        if (medium->watched_count == medium->watched_room) {
            size_t room = medium->watched_room * 2 + 8;
            irx__redis_watched *larger = realloc(medium->watched, room * sizeof *larger);
            if (larger == NULL) {
                set_interval(medium);
                out_of_memory(medium, IRX_CHANNEL_COMMAND);
                return;
            }
            medium->watched = larger;
            medium->watched_room = room;
        }
        watched = &medium->watched[medium->watched_count++];
        watched->process = process;
        watched->seats = 0;
    }
    watched->seats++;
    seat->watching = true;
    seat->watched = process;
    seat->watch_every_ns = every_ns;
    set_interval(medium);
}

static void tell_gone(void *argument, irx_id process)
{
    irx_medium *medium = argument;
    uint64_t serial = irx__redis_command(medium)->serial;

    for (irx__redis_seat *seat = medium->seats; seat != NULL; seat = medium->cursor) {
        medium->cursor = seat->next;
        if (seat->watching && irx_id_equal(seat->watched, process)) {
            stop_watching(medium, seat);
            medium->config.sink.gone(medium->config.sink.owner, seat->seat, process);
        }
        if (irx__redis_command(medium)->serial != serial) {
            return;
        }
    }
    set_interval(medium);
}

static bool counted(void *owner, irx__redis_request *request, const redisReply *reply)
{
    irx_medium *medium = owner;
    irx_error error;
    bool refused;
    (void)request;

    medium->probing = false;
    if (irx__redis_is_noscript(reply)) {
        irx__redis_load(medium, IRX_REDIS_GONE); /* before the next question */
    } else if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_explain(reply, medium->config.url->shown, &refused, &error);
        if (!medium->warned_probe) {
            medium->warned_probe = true;
            medium->config.sink.warning(medium->config.sink.owner, &error);
        }
    } else if (!irx__redis_read_gone(reply, tell_gone, medium)) {
        irx__error_set(&error, IRX_EPROTOCOL, "%.160s did not say which processes are gone",
                       medium->config.url->shown);
        irx__redis_fail(irx__redis_command(medium), &error);
    }
    return false;
}

static void send_probe(irx_medium *medium)
{
    enum { HEAD = 4 };
    size_t count = medium->watched_count;
    irx__redis_request *request = calloc(1, sizeof *request);
    const char **list = calloc(count + HEAD, sizeof *list);
    size_t *lengths = calloc(count + HEAD, sizeof *lengths);
    char(*processes)[33] = calloc(count, sizeof *processes);

    if (request == NULL || list == NULL || lengths == NULL || processes == NULL) {
        free(request);
        out_of_memory(medium, IRX_CHANNEL_COMMAND);
    } else {
        list[0] = "EVALSHA";
        list[1] = medium->shas[IRX_REDIS_GONE];
        list[2] = "0";
        list[3] = medium->presence_prefix;
        for (size_t i = 0; i < count; i++) {
            irx_id_print(medium->watched[i].process, processes[i]);
            list[i + HEAD] = processes[i];
        }
        for (size_t i = 0; i < count + HEAD; i++) {
            lengths[i] = strlen(list[i]);
        }
        request->reply = counted;
        medium->probing = true;
        irx__redis_send(irx__redis_command(medium), request, (int)count + HEAD, list, lengths);
    }
    free(list);
    free(lengths);
    free(processes);
}

static void on_watch(struct ev_loop *loop, ev_timer *watcher, int events)
{
    irx_medium *medium = watcher->data;
    (void)loop;
    (void)events;
    if (irx__redis_command(medium)->state == IRX_REDIS_READY && !medium->probing &&
        medium->watched_count > 0) {
        send_probe(medium);
    }
}

void irx__redis_watch_init(irx_medium *medium)
{
    ev_init(&medium->watch, on_watch);
    medium->watch.data = medium;
}
