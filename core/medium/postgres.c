/* The PostgreSQL medium: `postgres://`, any URI that libpq takes. This file holds the object, its
 * seats and its two connections; what is said on them is in the files beside it, and what the store
 * decides in postgres/ *.sql. It decides nothing: it never retries, and a time-out it reports as
 * UNKNOWN. */
#include "medium/postgres_internal.h"

#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

static void release(irx_medium *medium)
{
    irx__pg_ears_free(medium);
    irx__pg_texts_free(&medium->texts);
    irx__pg_place_close(medium->place);
    free(medium->asked);
    free(medium->watched);
    free(medium);
}

void irx__pg_enter(void *owner)
{
    irx_medium *medium = owner;
    medium->depth++;
}

void irx__pg_leave(void *owner)
{
    irx_medium *medium = owner;
    medium->depth--;
    if (medium->depth == 0 && medium->closed) {
        release(medium);
    }
}

/* ---- connections ------------------------------------------------------------------------------
 */

static irx_channel channel_of(const irx_medium *medium, const irx__pg_connection *connection)
{
    return connection == &medium->connections[IRX_CHANNEL_COMMAND] ? IRX_CHANNEL_COMMAND
                                                                   : IRX_CHANNEL_PRESENCE;
}

static void opened(void *owner, irx__pg_connection *connection)
{
    irx__pg_greet(owner, channel_of(owner, connection));
}

static void answered(void *owner, irx__pg_connection *connection, const irx__pg_outcome *outcome)
{
    irx_medium *medium = owner;
    irx_channel channel = channel_of(medium, connection);

    if (connection->state != IRX_PG_READY) {
        irx__pg_greeted(medium, channel, outcome);
    } else if (channel == IRX_CHANNEL_COMMAND) {
        irx__pg_answered(medium, outcome);
    } else if (outcome->rows == NULL) {
        irx__pg_fail(connection, &outcome->why); /* deaf to an election: begin anew */
    } else {
        irx__pg_listening(medium, false);
    }
}

static void notified(void *owner, irx__pg_connection *connection, const char *channel,
                     const char *payload)
{
    if (channel_of(owner, connection) == IRX_CHANNEL_PRESENCE) {
        irx__pg_heard(owner, channel, payload);
    }
}

/* What was known belongs to that connection; the next one may lead to another store. */
static void forget(irx_medium *medium, irx_channel channel)
{
    if (channel == IRX_CHANNEL_COMMAND) {
        irx__pg_drop_tasks(medium);
        for (irx__pg_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
            seat->members_version = 0;
        }
    } else {
        medium->presence_refused = false;
        medium->process = (irx_id){0, 0};
        irx__pg_ears_forget(medium);
    }
}

static void failed(void *owner, irx__pg_connection *connection, const irx_error *why)
{
    irx_medium *medium = owner;
    irx_channel channel = channel_of(medium, connection);
    if (why->code == IRX_ETOOLARGE && medium->readings_max > 1) {
        /* The same again would end so again. */
        medium->readings_max = (medium->readings_max + 3) / 4;
    }
    forget(medium, channel);
    medium->config.sink.down(medium->config.sink.owner, channel, medium->generation[channel], why);
}

static const irx__pg_hooks hooks = {
    .opened = opened,
    .answered = answered,
    .notified = notified,
    .failed = failed,
    .enter = irx__pg_enter,
    .leave = irx__pg_leave,
};

static void postgres_disconnect(irx_medium *medium, irx_channel channel)
{
    irx__pg_close(&medium->connections[channel]);
    forget(medium, channel);
}

/* Behind a pooler every attempt would find out the same: nobody is asked. */
static void postgres_connect(irx_medium *medium, irx_channel channel, uint64_t generation)
{
    postgres_disconnect(medium, channel);
    medium->generation[channel] = generation;
    medium->presence_refused = channel == IRX_CHANNEL_PRESENCE && medium->pooled;
    if (medium->presence_refused) {
        irx__pg_later(medium);
    } else {
        irx__pg_open(&medium->connections[channel]);
    }
}

static void tell_refusal(irx_medium *medium)
{
    irx_error why;
    medium->presence_refused = false;
    irx__pg_pooler_error(medium, &why);
    medium->config.sink.down(medium->config.sink.owner, IRX_CHANNEL_PRESENCE,
                             medium->generation[IRX_CHANNEL_PRESENCE], &why);
}

static void on_soon(struct ev_loop *loop, ev_timer *watcher, int events)
{
    irx_medium *medium = watcher->data;
    (void)loop;
    (void)events;
    irx__pg_enter(medium);
    if (medium->presence_refused) {
        tell_refusal(medium);
    }
    if (!medium->closed) {
        irx__pg_pump(medium);
        irx__pg_listen(medium);
    }
    irx__pg_leave(medium);
}

void irx__pg_later(irx_medium *medium)
{
    ev_feed_event(medium->config.loop, &medium->soon, EV_TIMER);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static int postgres_open(const irx_medium_config *config, irx_medium **to, irx_error *error)
{
    irx_medium *medium = calloc(1, sizeof *medium);
    int code;

    *to = NULL;
    if (medium == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a medium");
    }
    medium->config = *config;
    code = irx__pg_texts_make(&medium->texts, config->url->schema, config->namespace_name, error);
    if (code == 0) {
        code = irx__pg_place_open(config->url, config->heartbeat_ns, &medium->place, error);
        if (code != 0) {
            irx__pg_texts_free(&medium->texts);
        }
    }
    if (code != 0) {
        free(medium);
        return code;
    }
    for (int channel = 0; channel < 2; channel++) {
        irx__pg_connection_init(&medium->connections[channel], config->loop, &hooks, medium,
                                medium->place);
    }
    ev_init(&medium->soon, on_soon);
    medium->soon.data = medium;
    irx__pg_operations_init(medium);
    irx__pg_watch_init(medium);
    *to = medium;
    return 0;
}

static void postgres_close(irx_medium *medium)
{
    postgres_disconnect(medium, IRX_CHANNEL_COMMAND);
    postgres_disconnect(medium, IRX_CHANNEL_PRESENCE);
    irx__pg_watch_close(medium);
    ev_clear_pending(medium->config.loop, &medium->soon);
    if (medium->depth > 0) {
        medium->closed = true;
    } else {
        release(medium);
    }
}

static void postgres_forked(irx_medium *medium)
{
    irx__pg_forked(&medium->connections[IRX_CHANNEL_COMMAND]);
    irx__pg_forked(&medium->connections[IRX_CHANNEL_PRESENCE]);
    irx__pg_watch_forked(medium);
}

/* ---- seats ------------------------------------------------------------------------------------
 */

static int postgres_attach(irx_medium *medium, irx_seat *seat, irx_error *error)
{
    irx__pg_seat *place = calloc(1, sizeof *place);
    irx__pg_ear *ear = irx__pg_ear_open(medium, seat->name);

    if (place == NULL || ear == NULL) {
        free(place);
        if (ear != NULL) {
            irx__pg_ear_close(medium, ear);
        }
        return irx__error_set(error, IRX_ENOMEM, "out of memory for election \"%.128s\"",
                              seat->name);
    }
    place->seat = seat;
    place->ear = ear;
    place->next = medium->seats;
    if (place->next != NULL) {
        place->next->previous = place;
    }
    medium->seats = place;
    seat->data = place;
    return 0;
}

static void postgres_detach(irx_medium *medium, irx_seat *seat)
{
    irx__pg_seat *place = seat->data;

    irx__pg_unwatch(medium, seat);
    irx__pg_forget_seat(medium, place);
    irx__pg_ear_close(medium, place->ear);
    if (medium->cursor == place) {
        medium->cursor = place->next;
    }
    if (place->next != NULL) {
        place->next->previous = place->previous;
    }
    if (place->previous != NULL) {
        place->previous->next = place->next;
    } else {
        medium->seats = place->next;
    }
    seat->data = NULL;
    free(place);
}

const irx_medium_class irx__medium_postgres = {
    .scheme = "postgres",
    .has_presence = true,
    .kernel = false,
    .has_quorum = false,
    .guarantee_fast = IRX_GUARANTEE_TERM,
    .guarantee_safe = IRX_GUARANTEE_TERM,
    .message_max = IRX_PG_MESSAGE_MAX,
    .open = postgres_open,
    .connect = postgres_connect,
    .disconnect = postgres_disconnect,
    .attach = postgres_attach,
    .detach = postgres_detach,
    .submit = irx__pg_submit,
    .watch = irx__pg_watch,
    .unwatch = irx__pg_unwatch,
    .send = irx__pg_send,
    .close = postgres_close,
    .forked = postgres_forked,
};
