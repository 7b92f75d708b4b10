/* Turns the error replies of Redis into typed errors that say what to do. Decides, in one table,
 * which of them mean that surely nothing was applied; it must never say so of one that it does not
 * know. */
#include "medium/redis_error.h"

#include "runtime/error.h"

#include <string.h>

/* FAILED, surely not applied: every one of these is said before a command runs, or by the first
 * write of a script, and the scripts make all checks first, write once, and ignore refusals after
 * that. Any other error is UNKNOWN. */
/* clang-format off */
static const struct {
    const char *prefix;
    int code;
    const char *story;
} refusals[] = {
    {"NOAUTH", IRX_EAUTH, "it asks for a password: write redis://user:password@host or redis://:password@host"},
    {"WRONGPASS", IRX_EAUTH, "the user name or password is wrong, or the user is disabled"},
    {"ERR invalid password", IRX_EAUTH, "the password is wrong"},
    {"ERR AUTH <password> called without", IRX_EAUTH, "it has no password set for the default user, yet the URL gives one"},
    {"NOPERM", IRX_EAUTH, "the user lacks a right; docs/redis.md has the ACL line that suffices"},
    {"ERR The user executing the script", IRX_EAUTH, "the user lacks a right; docs/redis.md has the ACL line that suffices"},
    {"The user executing the script", IRX_EAUTH, "the user lacks a right; docs/redis.md has the ACL line that suffices"},
    {"READONLY", IRX_EUNAVAILABLE, "it is a replica: use the primary's address"},
    {"LOADING", IRX_EUNAVAILABLE, "it is still loading its data"},
    {"MASTERDOWN", IRX_EUNAVAILABLE, "it is a replica that lost its primary: use the primary's address"},
    {"MISCONF", IRX_EUNAVAILABLE, "it refuses writes because it can not save to disk: see its log"},
    {"NOREPLICAS", IRX_EUNAVAILABLE, "it refuses writes because too few replicas are attached (min-replicas-to-write)"},
    {"BUSY", IRX_EUNAVAILABLE, "a script of somebody else is running for too long (SCRIPT KILL ends it)"},
    {"CLUSTERDOWN", IRX_EUNAVAILABLE, "its cluster is down"},
    {"TRYAGAIN", IRX_EUNAVAILABLE, "its cluster is being resharded"},
    {"MOVED", IRX_EUNSUPPORTED, "it is a node of a Redis Cluster that does not hold this key: use a single server"},
    {"ASK", IRX_EUNSUPPORTED, "it is a node of a Redis Cluster that does not hold this key: use a single server"},
    {"CROSSSLOT", IRX_EUNSUPPORTED, "it is a node of a Redis Cluster: use a single server"},
    {"OOM", IRX_EFULL, "it has no memory left (maxmemory)"},
    {"WRONGTYPE", IRX_EFOREIGN, "a key of this namespace is of another type: use another namespace"},
    {"NOSCRIPT", IRX_EUNAVAILABLE, "it forgot a script that it has just loaded"},
    {"ERR max number of clients", IRX_EUNAVAILABLE, "it has no connection to spare (maxclients)"},
    {"ERR DB index", IRX_ECONFIG, "it has no database of that number"},
    {"ERR invalid DB index", IRX_ECONFIG, "it has no database of that number"},
    {"ERR unknown command", IRX_EUNSUPPORTED, "it lacks a command that is needed, or it was renamed"},
    {"DENIED", IRX_EAUTH, "it runs in protected mode and takes local connections only"},
};
/* clang-format on */

static bool begins(const redisReply *reply, const char *prefix)
{
    size_t length = strlen(prefix);
    return reply->str != NULL && reply->len >= length && memcmp(reply->str, prefix, length) == 0;
}

bool irx__redis_is_noscript(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && begins(reply, "NOSCRIPT");
}

int irx__redis_explain(const redisReply *reply, const char *shown_url, bool *refused,
                       irx_error *error)
{
    char said[121];
    size_t length = reply->str == NULL ? 0 : reply->len;
    size_t kept = length < sizeof said - 1 ? length : sizeof said - 1;

    for (size_t i = 0; i < kept; i++) {
        char c = reply->str[i];
        said[i] = '?';
        if (c >= ' ' && c <= '~') {
            said[i] = c;
        }
    }
    said[kept] = '\0';
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (begins(reply, refusals[i].prefix)) {
            *refused = true;
            return irx__error_set(error, refusals[i].code, "%.120s: %s (Redis: %s)", shown_url,
                                  refusals[i].story, said);
        }
    }
    *refused = false;
    return irx__error_set(error, IRX_EPROTOCOL, "%.120s answered an error we do not expect: %s",
                          shown_url, said);
}
