/* Looking up a host's addresses without holding up the loop, and how soon a silent one is given up:
 * what all media that are reached by TCP need. */
#ifndef IRX_RESOLVE_H
#define IRX_RESOLVE_H

#include "interrex_types.h"

#include <sys/socket.h>

struct ev_loop;

enum { IRX_ADDRESSES_MAX = 8 };

typedef struct irx__addresses {
    size_t count;
    struct {
        struct sockaddr_storage address;
        socklen_t length;
    } list[IRX_ADDRESSES_MAX];
} irx__addresses;

typedef struct irx__resolver irx__resolver;

/* Called on the loop, never from within irx__resolver_ask. On failure `addresses` is null and
 * `why` is set. */
typedef void irx__resolved(void *owner, const irx__addresses *addresses, const irx_error *why);

/* `host` and `port` outlive it. Null when memory is out. */
irx__resolver *irx__resolver_new(struct ev_loop *loop, const char *host, uint16_t port,
                                 irx__resolved *resolved, void *owner);

/* Begins a look-up unless one is under way; its outcome answers every ask since. 0 or a negative
 * IRX_E…. */
int irx__resolver_ask(irx__resolver *resolver, irx_error *error);

/* A look-up under way ends by itself and tells nobody. */
void irx__resolver_free(irx__resolver *resolver);

/* How long sent bytes may stay unacknowledged: about the default time-out of an election. */
unsigned irx__user_timeout_ms(int64_t heartbeat_ns);

#endif
