/* Looking up a host's addresses without holding up the loop. */
#ifndef IRX_REDIS_RESOLVE_H
#define IRX_REDIS_RESOLVE_H

#include "interrex_types.h"

#include <sys/socket.h>

struct ev_loop;

enum { IRX_REDIS_ADDRESSES_MAX = 8 };

typedef struct irx__redis_addresses {
    size_t count;
    struct {
        struct sockaddr_storage address;
        socklen_t length;
    } list[IRX_REDIS_ADDRESSES_MAX];
} irx__redis_addresses;

typedef struct irx__redis_resolver irx__redis_resolver;

/* Called on the loop, never from within irx__redis_resolver_ask. On failure `addresses` is null and
 * `why` is set. */
typedef void irx__redis_resolved(void *owner, const irx__redis_addresses *addresses,
                                 const irx_error *why);

/* `host` and `port` outlive it. Null when memory is out. */
irx__redis_resolver *irx__redis_resolver_new(struct ev_loop *loop, const char *host, uint16_t port,
                                             irx__redis_resolved *resolved, void *owner);

/* Begins a look-up unless one is under way; its outcome answers every ask since. 0 or a negative
 * IRX_E…. */
int irx__redis_resolver_ask(irx__redis_resolver *resolver, irx_error *error);

/* A look-up under way ends by itself and tells nobody. */
void irx__redis_resolver_free(irx__redis_resolver *resolver);

#endif
