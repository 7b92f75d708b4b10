/* A pipelined connection to a Redis server on a libev loop. */
#ifndef IRX_REDIS_CONNECTION_H
#define IRX_REDIS_CONNECTION_H

#include "medium/resolve.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <sys/un.h>

typedef struct irx__redis_connection irx__redis_connection;
typedef struct irx__redis_request irx__redis_request;

/* A command whose reply is awaited. Made by malloc with the fields up to the line set, often as the
 * head of a larger thing; the connection frees it after its reply. */
struct irx__redis_request {
    /* True if it sent the request again, so that it is not to be freed. */
    bool (*reply)(void *owner, irx__redis_request *request, const redisReply *reply);
    void (*expire)(void *owner, irx__redis_request *request); /* null: no deadline */
    int64_t deadline_ns;
    /* ---- the connection's own */
    bool expired;
    irx__redis_request *next;
};

typedef struct irx__redis_hooks {
    /* The socket is open; nothing was said yet. */
    void (*opened)(void *owner, irx__redis_connection *connection);
    /* A reply that no request awaits: a push, or nonsense. */
    void (*unasked)(void *owner, irx__redis_connection *connection, const redisReply *reply);
    /* The connection, or the attempt, failed; it is closed and may be opened again from here. */
    void (*failed)(void *owner, irx__redis_connection *connection, const irx_error *why);
    /* Every event of the loop is wrapped in these two, so that the owner knows when it may free
     * itself. */
    void (*enter)(void *owner);
    void (*leave)(void *owner);
} irx__redis_hooks;

typedef enum irx__redis_state {
    IRX_REDIS_CLOSED,
    IRX_REDIS_RESOLVING,
    IRX_REDIS_CONNECTING,
    IRX_REDIS_GREETING, /* open, until irx__redis_ready */
    IRX_REDIS_READY
} irx__redis_state;

struct irx__redis_connection {
    struct ev_loop *loop;
    const irx__redis_hooks *hooks;
    void *owner;
    const char *shown; /* the URL, for errors */
    unsigned user_timeout_ms;
    irx__redis_state state;
    uint64_t
        serial; /* of the present attempt: callbacks compare it to see whether they closed it */
    irx__addresses addresses;
    size_t address; /* the one tried now */
    int fd;         /* while CONNECTING, else -1: later it is the context's */
    redisContext *context;
    redisContextFuncs funcs;
    ev_io reading;
    ev_io writing;
    ev_timer attempt;  /* bounds the way from open to ready */
    ev_timer deadline; /* of the request that expires first */
    int64_t earliest_ns;
    ev_timer flush; /* fed, never started: runs once the loop's present round is over */
    bool flushing;
    bool has_failed; /* an error waits for the flush */
    irx_error failure;
    irx__redis_request *first;
    irx__redis_request *last;
    size_t awaited;
};

void irx__redis_connection_init(irx__redis_connection *connection, struct ev_loop *loop,
                                const irx__redis_hooks *hooks, void *owner, const char *shown,
                                unsigned user_timeout_ms);

/* Begins an attempt; irx__redis_connect follows when the addresses are known. */
void irx__redis_open(irx__redis_connection *connection);
void irx__redis_connect(irx__redis_connection *connection, const irx__addresses *addresses);
/* The greeting went well: the attempt is over. */
void irx__redis_ready(irx__redis_connection *connection);

/* Queues a command; `request` may be null where the replies come unasked (SUBSCRIBE). Everything
 * queued in one round of the loop leaves in one write. Takes the request, and frees it whatever
 * happens; it fails by way of the hook. */
void irx__redis_send(irx__redis_connection *connection, irx__redis_request *request, int argc,
                     const char *const *argv, const size_t *lengths);

/* May that many bytes more be queued for the application? Operations have room beyond that, so that
 * much talk does not end the connection that a leadership is renewed on. */
bool irx__redis_has_room(const irx__redis_connection *connection, size_t bytes);

/* Ends it soon, by way of the hook and never from within the call. */
void irx__redis_fail(irx__redis_connection *connection, const irx_error *why);

/* Closes at once and tells nobody. Requests awaited are freed. */
void irx__redis_close(irx__redis_connection *connection);

/* In a forked child: the descriptor alone. */
void irx__redis_forked(irx__redis_connection *connection);

#endif
