/* What is said first on a new connection, all in one piece: who we are, which database, and then,
 * for commands, the scripts and the comparison of the store's identity, which gives the epoch; for
 * presence, the subscription. Decides when a channel is up, and which servers are refused: those
 * that are too old, that lack a right a claim will need, or that are replicas. */
#include "medium/redis_internal.h"

#include "medium/redis_error.h"
#include "runtime/error.h"

#include <interrex_embedded.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const scripts[IRX_REDIS_SCRIPTS] = {
    [IRX_OP_READ] = irx__lua_read,     [IRX_OP_CREATE] = irx__lua_create,
    [IRX_OP_JOIN] = irx__lua_join,     [IRX_OP_LEAVE] = irx__lua_leave,
    [IRX_OP_CLAIM] = irx__lua_claim,   [IRX_OP_CLAIM_IF_GONE] = irx__lua_claim_if_gone,
    [IRX_OP_RENEW] = irx__lua_renew,   [IRX_OP_RELEASE] = irx__lua_release,
    [IRX_OP_STRIKE] = irx__lua_strike, [IRX_OP_PUBLISH] = irx__lua_publish,
    [IRX_REDIS_GONE] = irx__lua_gone,
};

typedef struct greeting_request {
    irx__redis_request base;
    irx_channel channel;
    unsigned script; /* of a SCRIPT LOAD */
} greeting_request;

static void fail(irx_medium *medium, irx_channel channel, int code, const char *what)
{
    irx_error error;
    irx__error_set(&error, code, "%.160s: %.200s", medium->config.url->shown, what);
    irx__redis_fail(&medium->connections[channel], &error);
}

void irx__redis_refused(irx_medium *medium, irx_channel channel, const redisReply *reply)
{
    irx_error error;
    bool refused;
    irx__redis_explain(reply, medium->config.url->shown, &refused, &error);
    irx__redis_fail(&medium->connections[channel], &error);
}

/* The last of `argv` is null. */
static void say(irx_medium *medium, irx_channel channel, const char *const argv[],
                bool (*answered)(void *, irx__redis_request *, const redisReply *), unsigned script)
{
    size_t lengths[8];
    int argc = 0;
    greeting_request *request = calloc(1, sizeof *request);

    if (request == NULL) {
        fail(medium, channel, IRX_ENOMEM, "out of memory");
        return;
    }
    request->base.reply = answered;
    request->channel = channel;
    request->script = script;
    for (; argv[argc] != NULL; argc++) {
        lengths[argc] = strlen(argv[argc]);
    }
    irx__redis_send(&medium->connections[channel], &request->base, argc, argv, lengths);
}

static bool must_succeed(void *owner, irx__redis_request *request, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_refused(owner, ((greeting_request *)request)->channel, reply);
    }
    return false;
}

/* A call of a script that nobody has: the right to call one is needed in every operation. */
static bool must_have_no_script(void *owner, irx__redis_request *request, const redisReply *reply)
{
    return irx__redis_is_noscript(reply) ? false : must_succeed(owner, request, reply);
}

static bool may_fail(void *owner, irx__redis_request *request, const redisReply *reply)
{
    (void)owner;
    (void)request;
    (void)reply;
    return false;
}

static bool loaded(void *owner, irx__redis_request *request, const redisReply *reply)
{
    irx_medium *medium = owner;
    unsigned script = ((greeting_request *)request)->script;

    medium->loading[script] = false;
    if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_refused(medium, IRX_CHANNEL_COMMAND, reply);
    } else if (reply->type != REDIS_REPLY_STRING || reply->len != IRX_REDIS_SHA_MAX - 1) {
        fail(medium, IRX_CHANNEL_COMMAND, IRX_EPROTOCOL, "a script was loaded without a digest");
    } else {
        memcpy(medium->shas[script], reply->str, IRX_REDIS_SHA_MAX);
    }
    return false;
}

void irx__redis_load(irx_medium *medium, unsigned script)
{
    if (!medium->loading[script]) {
        medium->loading[script] = true;
        say(medium, IRX_CHANNEL_COMMAND,
            (const char *const[]){"SCRIPT", "LOAD", scripts[script], NULL}, loaded, script);
    }
}

static void warn(irx_medium *medium, bool *warned, const irx_error *what)
{
    if (!*warned) {
        *warned = true;
        medium->config.sink.warning(medium->config.sink.owner, what);
    }
}

/* The answer of connect.lua, the last one of a greeting. */
static bool identified(void *owner, irx__redis_request *request, const redisReply *reply)
{
    irx_medium *medium = owner;
    irx__redis_connection *connection = irx__redis_command(medium);
    const char *shown = medium->config.url->shown;
    uint64_t serial = connection->serial;
    irx__redis_greeting greeting;
    irx_error error;
    (void)request;

    if (connection->has_failed) {
        return false;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_refused(medium, IRX_CHANNEL_COMMAND, reply);
        return false;
    }
    if (irx__redis_read_greeting(reply, medium->store_key, &greeting, &error) != 0) {
        irx__redis_fail(connection, &error);
        return false;
    }
    if (greeting.major < 6 || (greeting.major == 6 && greeting.minor < 2)) {
        irx__error_set(&error, IRX_EUNSUPPORTED,
                       "%.160s is Redis %u.%u; 6.2 or newer, or Valkey, is needed", shown,
                       greeting.major, greeting.minor);
        irx__redis_fail(connection, &error);
        return false;
    }
    irx__redis_ready(connection);
    medium->config.sink.up(medium->config.sink.owner, IRX_CHANNEL_COMMAND,
                           medium->generation[IRX_CHANNEL_COMMAND], greeting.epoch);
    if (connection->serial == serial && greeting.evicts) {
        irx__error_set(&error, IRX_EFULL,
                       "%.160s may drop our keys to make room: its maxmemory-policy is %s; set "
                       "noeviction, or a volatile- policy (a lost record ends a leadership)",
                       shown, greeting.policy);
        warn(medium, &medium->warned_eviction, &error);
    }
    if (connection->serial == serial && greeting.cluster) {
        irx__error_set(&error, IRX_EUNSUPPORTED,
                       "%.160s is a node of a Redis Cluster: presence and pushes are off there, "
                       "so a takeover waits for the time-out; use a single server",
                       shown);
        warn(medium, &medium->warned_cluster, &error);
    }
    return false;
}

/* Presence is vouched for by one node only, so under a cluster it would vouch for nothing. */
static bool presence_checked(void *owner, irx__redis_request *request, const redisReply *reply)
{
    irx_medium *medium = owner;
    (void)request;

    if (reply->type == REDIS_REPLY_ERROR) {
        irx__redis_refused(medium, IRX_CHANNEL_PRESENCE, reply);
    } else if (reply->type != REDIS_REPLY_STRING) {
        fail(medium, IRX_CHANNEL_PRESENCE, IRX_EPROTOCOL, "INFO gave no text");
    } else if (strstr(reply->str, "cluster_enabled:1") != NULL) {
        fail(medium, IRX_CHANNEL_PRESENCE, IRX_EUNSUPPORTED,
             "a node of a Redis Cluster can not vouch for presence; use a single server");
    }
    return false;
}

void irx__redis_greet(irx_medium *medium, irx_channel channel)
{
    const irx_url *url = medium->config.url;

    if (url->user[0] != '\0') {
        say(medium, channel, (const char *const[]){"AUTH", url->user, url->password, NULL},
            must_succeed, 0);
    } else if (url->password[0] != '\0') {
        say(medium, channel, (const char *const[]){"AUTH", url->password, NULL}, must_succeed, 0);
    }
    say(medium, channel, (const char *const[]){"CLIENT", "SETNAME", "interrex", NULL}, may_fail, 0);
    if (channel == IRX_CHANNEL_PRESENCE) {
        say(medium, channel, (const char *const[]){"INFO", "cluster", NULL}, presence_checked, 0);
        irx__redis_subscribe_all(medium);
        return;
    }
    if (url->database != 0) {
        char database[12];
        snprintf(database, sizeof database, "%d", url->database);
        say(medium, channel, (const char *const[]){"SELECT", database, NULL}, must_succeed, 0);
    }
    say(medium, channel,
        (const char *const[]){"EVALSHA", "0000000000000000000000000000000000000000", "0", NULL},
        must_have_no_script, 0);
    for (unsigned script = 0; script < IRX_REDIS_SCRIPTS; script++) {
        medium->loading[script] = false;
        irx__redis_load(medium, script);
    }
    char fresh[33];
    irx_id_print(irx__random_id(), fresh);
    say(medium, channel,
        (const char *const[]){"EVAL", irx__lua_connect, "1", medium->store_key,
                              medium->config.namespace_name, fresh, NULL},
        identified, 0);
}
