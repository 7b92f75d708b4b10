/* The servers that a libpq URI names, with their addresses, so that libpq need not look a name up:
 * it would hold up the loop. */
#ifndef IRX_POSTGRES_HOSTS_H
#define IRX_POSTGRES_HOSTS_H

#include "medium/resolve.h"

typedef struct irx__pg_hosts irx__pg_hosts;

/* Somebody who waits for the look-ups. Its memory is the asker's. */
typedef struct irx__pg_waiter {
    /* On the loop, never from within irx__pg_hosts_ask; must not close the hosts. */
    void (*known)(void *owner);
    void *owner;
    bool waiting;
    struct irx__pg_waiter *next;
} irx__pg_waiter;

/* What libpq is to be given; null where it is to find out itself. */
typedef struct irx__pg_host_texts {
    char *host;
    char *hostaddr;
    char *port;
} irx__pg_host_texts;

/* Lists as libpq has them, separated by commas; null where not said. 0, or IRX_ECONFIG or
 * IRX_ENOMEM with *error. */
int irx__pg_hosts_open(const char *host, const char *hostaddr, const char *port,
                       const char *shown_url, irx__pg_hosts **hosts, irx_error *error);
/* A look-up under way ends by itself and tells nobody. */
void irx__pg_hosts_close(irx__pg_hosts *hosts);

size_t irx__pg_hosts_count(const irx__pg_hosts *hosts);

/* Begins to look up whatever is a name. False: there is nothing to wait for. */
bool irx__pg_hosts_ask(irx__pg_hosts *hosts, struct ev_loop *loop, irx__pg_waiter *waiter);
void irx__pg_hosts_leave(irx__pg_hosts *hosts, irx__pg_waiter *waiter);

/* The lists with an entry for each address known by now, beginning with the `turn`th. 0, or
 * IRX_EUNREACHABLE (no name has an address), IRX_ENOMEM. The texts are freed by free. */
int irx__pg_hosts_list(const irx__pg_hosts *hosts, size_t turn, irx__pg_host_texts *texts,
                       irx_error *error);
/* Is there an entry by now? */
bool irx__pg_hosts_any(const irx__pg_hosts *hosts);
void irx__pg_host_texts_free(irx__pg_host_texts *texts);

#endif
