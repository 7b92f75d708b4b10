/* The Redis medium: `redis://` and `redis+socket:`. This file holds the object, its seats and its
 * two connections; what is said on them is in the files beside it, and what the store decides in
 * redis/ *.lua. It decides nothing: it never retries, and a time-out it reports as UNKNOWN. */
#include "medium/redis_internal.h"

#include "runtime/error.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PORT = 6379 };

static void release(irx_medium *medium)
{
    irx__resolver_free(medium->resolver);
    free(medium->watched);
    free(medium);
}

void irx__redis_enter(void *owner)
{
    irx_medium *medium = owner;
    medium->depth++;
}

void irx__redis_leave(void *owner)
{
    irx_medium *medium = owner;
    medium->depth--;
    if (medium->depth == 0 && medium->closed) {
        release(medium);
    }
}

/* ---- connections ------------------------------------------------------------------------------
 */

static irx_channel channel_of(const irx_medium *medium, const irx__redis_connection *connection)
{
    return connection == &medium->connections[IRX_CHANNEL_COMMAND] ? IRX_CHANNEL_COMMAND
                                                                   : IRX_CHANNEL_PRESENCE;
}

static void opened(void *owner, irx__redis_connection *connection)
{
    irx__redis_greet(owner, channel_of(owner, connection));
}

static void unasked(void *owner, irx__redis_connection *connection, const redisReply *reply)
{
    irx_medium *medium = owner;
    irx_error error;

    if (channel_of(medium, connection) == IRX_CHANNEL_PRESENCE) {
        irx__redis_pushed(medium, reply);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_refused(medium, IRX_CHANNEL_COMMAND, reply);
    } else {
        irx__error_set(&error, IRX_EPROTOCOL, "%.160s answered a question that nobody asked",
                       medium->config.url->shown);
        irx__redis_fail(connection, &error);
    }
}

/* What was known belongs to that connection; the next one may lead to another store. */
static void forget(irx_medium *medium, irx_channel channel)
{
    if (channel == IRX_CHANNEL_COMMAND) {
        medium->probing = false;
        for (irx__redis_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
            seat->known = false;
            seat->version[0] = '\0';
        }
    }
}

static void failed(void *owner, irx__redis_connection *connection, const irx_error *why)
{
    irx_medium *medium = owner;
    irx_channel channel = channel_of(medium, connection);
    forget(medium, channel);
    medium->config.sink.down(medium->config.sink.owner, channel, medium->generation[channel], why);
}

static const irx__redis_hooks hooks = {
    .opened = opened,
    .unasked = unasked,
    .failed = failed,
    .enter = irx__redis_enter,
    .leave = irx__redis_leave,
};

static void resolved(void *owner, const irx__addresses *addresses, const irx_error *why)
{
    irx_medium *medium = owner;

    irx__redis_enter(medium);
    for (int channel = 0; channel < 2; channel++) {
        irx__redis_connection *connection = &medium->connections[channel];
        if (connection->state != IRX_REDIS_RESOLVING) {
            continue;
        }
        if (addresses != NULL) {
            irx__redis_connect(connection, addresses);
        } else {
            irx__redis_fail(connection, why);
        }
    }
    irx__redis_leave(medium);
}

static void redis_disconnect(irx_medium *medium, irx_channel channel)
{
    irx__redis_close(&medium->connections[channel]);
    forget(medium, channel);
}

static void redis_connect(irx_medium *medium, irx_channel channel, uint64_t generation)
{
    irx__redis_connection *connection = &medium->connections[channel];
    irx_error error;

    redis_disconnect(medium, channel);
    medium->generation[channel] = generation;
    irx__redis_open(connection);
    if (medium->fixed) {
        irx__redis_connect(connection, &medium->addresses);
    } else if (irx__resolver_ask(medium->resolver, &error) != 0) {
        irx__redis_fail(connection, &error);
    }
}

/* ---- life -------------------------------------------------------------------------------------
 */

static int fix_socket(irx_medium *medium, irx_error *error)
{
    struct sockaddr_un address;
    const char *path = medium->config.url->path;

    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) {
        return irx__error_set(error, IRX_ECONFIG,
                              "url %.160s: the socket's path has %zu characters, the system takes "
                              "at most %zu",
                              medium->config.url->shown, strlen(path), sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    memcpy(&medium->addresses.list[0].address, &address, sizeof address);
    medium->addresses.list[0].length = sizeof address;
    medium->addresses.count = 1;
    medium->fixed = true;
    return 0;
}

/* Numeric addresses need no look-up; a name gets a resolver. */
static int fix_host(irx_medium *medium, const char *host, uint16_t port, irx_error *error)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    char service[8];

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &found) == 0) {
        memcpy(&medium->addresses.list[0].address, found->ai_addr, found->ai_addrlen);
        medium->addresses.list[0].length = found->ai_addrlen;
        medium->addresses.count = 1;
        medium->fixed = true;
        freeaddrinfo(found);
        return 0;
    }
    medium->resolver = irx__resolver_new(medium->config.loop, host, port, resolved, medium);
    if (medium->resolver == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a medium");
    }
    return 0;
}

static int redis_open(const irx_medium_config *config, irx_medium **to, irx_error *error)
{
    const irx_url *url = config->url;
    irx_medium *medium = calloc(1, sizeof *medium);
    int code;

    *to = NULL;
    if (medium == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a medium");
    }
    medium->config = *config;
    code = strcmp(url->scheme, "redis+socket") == 0
               ? fix_socket(medium, error)
               : fix_host(medium, url->host[0] != '\0' ? url->host : "localhost",
                          url->port != 0 ? url->port : DEFAULT_PORT, error);
    if (code != 0) {
        free(medium);
        return code;
    }
    snprintf(medium->store_key, sizeof medium->store_key, "%.64s:store", config->namespace_name);
    snprintf(medium->presence_prefix, sizeof medium->presence_prefix,
             "%.64s:presence:", config->namespace_name);
    for (int channel = 0; channel < 2; channel++) {
        irx__redis_connection_init(&medium->connections[channel], config->loop, &hooks, medium,
                                   url->shown, irx__user_timeout_ms(config->heartbeat_ns));
    }
    irx__redis_watch_init(medium);
    *to = medium;
    return 0;
}

static void redis_close(irx_medium *medium)
{
    redis_disconnect(medium, IRX_CHANNEL_COMMAND);
    redis_disconnect(medium, IRX_CHANNEL_PRESENCE);
    ev_timer_stop(medium->config.loop, &medium->watch);
    if (medium->depth > 0) {
        medium->closed = true;
    } else {
        release(medium);
    }
}

static void redis_forked(irx_medium *medium)
{
    irx__redis_forked(&medium->connections[IRX_CHANNEL_COMMAND]);
    irx__redis_forked(&medium->connections[IRX_CHANNEL_PRESENCE]);
}

/* ---- seats ------------------------------------------------------------------------------------
 */

static int redis_attach(irx_medium *medium, irx_seat *seat, irx_error *error)
{
    irx__redis_seat *place = calloc(1, sizeof *place);
    if (place == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for election \"%.128s\"",
                              seat->name);
    }
    place->seat = seat;
    snprintf(place->key, sizeof place->key, "%.64s:{%s}", medium->config.namespace_name,
             seat->name);
    snprintf(place->channel, sizeof place->channel, "%.64s:{%s}:changed",
             medium->config.namespace_name, seat->name);
    place->next = medium->seats;
    if (place->next != NULL) {
        place->next->previous = place;
    }
    medium->seats = place;
    seat->data = place;
    irx__redis_subscribe(medium, place);
    return 0;
}

static void redis_detach(irx_medium *medium, irx_seat *seat)
{
    irx__redis_seat *place = seat->data;

    irx__redis_unwatch(medium, seat);
    irx__redis_unsubscribe(medium, place);
    irx__redis_forget_seat(medium, place);
    irx__redis_forget_sends(medium, place);
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

const irx_medium_class irx__medium_redis = {
    .scheme = "redis",
    .has_presence = true,
    .kernel = false,
    .has_quorum = true,
    .guarantee_fast = IRX_GUARANTEE_TERM,
    .guarantee_safe = IRX_GUARANTEE_EXCLUSIVE,
    .open = redis_open,
    .connect = redis_connect,
    .disconnect = redis_disconnect,
    .attach = redis_attach,
    .detach = redis_detach,
    .submit = irx__redis_submit,
    .watch = irx__redis_watch,
    .unwatch = irx__redis_unwatch,
    .send = irx__redis_send_message,
    .close = redis_close,
    .forked = redis_forked,
};
