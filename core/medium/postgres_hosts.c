/* From the lists of hosts, addresses and ports in a URI to lists in which every name has its
 * address beside it. Decides which entries are names, that a name without an address is passed over
 * while there is another entry, and in which order they are tried. It must never look a name up on
 * the loop's thread, nor call anybody who could close it while it goes through its list. */
#include "medium/postgres_hosts.h"

#include "runtime/error.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 16, ENTRIES_MAX = HOSTS_MAX * IRX_ADDRESSES_MAX, NUMERIC_MAX = 128 };

typedef struct host {
    irx__pg_hosts *hosts;
    char name[256];
    char address[NUMERIC_MAX]; /* given or numeric; empty: none */
    char port[8];
    bool named; /* it has to be looked up */
    bool pending;
    irx__resolver *resolver;
    irx__addresses found;
} host;

struct irx__pg_hosts {
    size_t count;
    bool has_ports; /* one for each */
    host list[HOSTS_MAX];
    irx__pg_waiter *waiters;
    irx_error why; /* of the last look-up that found nothing */
};

/* ---- reading the lists ------------------------------------------------------------------------
 */

static size_t entries_of(const char *list)
{
    size_t count = 1;
    for (const char *at = list; *at != '\0'; at++) {
        count += *at == ',';
    }
    return count;
}

/* Copies the entry at *list and moves on; false where it is too long. */
static bool take_entry(const char **list, char *to, size_t room)
{
    size_t length = strcspn(*list, ",");
    if (length >= room) {
        return false;
    }
    memcpy(to, *list, length);
    to[length] = '\0';
    *list += length;
    *list += **list == ',';
    return true;
}

static bool is_numeric(const char *name)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;

    memset(&hints, 0, sizeof hints);
    hints.ai_flags = AI_NUMERICHOST;
    if (getaddrinfo(name, NULL, &hints, &found) != 0) {
        return false;
    }
    freeaddrinfo(found);
    return true;
}

static void classify(host *each)
{
    if (each->address[0] == '\0' && each->name[0] != '\0' && each->name[0] != '/' &&
        each->name[0] != '@') {
        if (is_numeric(each->name) && strlen(each->name) < sizeof each->address) {
            memcpy(each->address, each->name, strlen(each->name) + 1);
        } else {
            each->named = true;
        }
    }
}

static int check_port(const char *port, const char *shown_url, irx_error *error)
{
    char *end = NULL;
    long value = strtol(port, &end, 10);
    if (port[0] != '\0' && (*end != '\0' || value < 1 || value > 65535)) {
        return irx__error_set(error, IRX_ECONFIG, "url %.160s: a port must be between 1 and 65535",
                              shown_url);
    }
    return 0;
}

static int read_lists(irx__pg_hosts *hosts, const char *names, const char *addresses,
                      const char *ports, const char *shown_url, irx_error *error)
{
    for (size_t i = 0; i < hosts->count; i++) {
        host *each = &hosts->list[i];
        each->hosts = hosts;
        if (!take_entry(&names, each->name, sizeof each->name) ||
            !take_entry(&addresses, each->address, sizeof each->address) ||
            !take_entry(&ports, each->port, sizeof each->port)) {
            return irx__error_set(error, IRX_ECONFIG,
                                  "url %.160s: a host, address or port is too long", shown_url);
        }
        if (check_port(each->port, shown_url, error) != 0) {
            return IRX_ECONFIG;
        }
        classify(each);
    }
    return 0;
}

int irx__pg_hosts_open(const char *names, const char *addresses, const char *ports,
                       const char *shown_url, irx__pg_hosts **to, irx_error *error)
{
    size_t count = entries_of(addresses != NULL ? addresses : names != NULL ? names : "");
    size_t port_count = ports != NULL ? entries_of(ports) : 1;
    irx__pg_hosts *hosts;
    int code;

    *to = NULL;
    if (count > HOSTS_MAX || (names != NULL && entries_of(names) != count) ||
        (port_count != 1 && port_count != count)) {
        return irx__error_set(error, IRX_ECONFIG,
                              "url %.160s: it may name up to %d hosts, as many addresses, and one "
                              "port for each or one for all",
                              shown_url, HOSTS_MAX);
    }
    hosts = calloc(1, sizeof *hosts);
    if (hosts == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a list of hosts");
    }
    hosts->count = count;
    hosts->has_ports = port_count > 1;
    if (port_count == 1 && ports != NULL && check_port(ports, shown_url, error) != 0) {
        free(hosts);
        return IRX_ECONFIG;
    }
    code = read_lists(hosts, names != NULL ? names : "", addresses != NULL ? addresses : "",
                      hosts->has_ports ? ports : "", shown_url, error);
    if (code != 0) {
        free(hosts);
        return code;
    }
    *to = hosts;
    return 0;
}

void irx__pg_hosts_close(irx__pg_hosts *hosts)
{
    if (hosts == NULL) {
        return;
    }
    for (size_t i = 0; i < hosts->count; i++) {
        irx__resolver_free(hosts->list[i].resolver);
    }
    free(hosts);
}

size_t irx__pg_hosts_count(const irx__pg_hosts *hosts)
{
    return hosts->count;
}

/* ---- looking up -------------------------------------------------------------------------------
 */

static void resolved(void *owner, const irx__addresses *addresses, const irx_error *why)
{
    host *each = owner;
    irx__pg_hosts *hosts = each->hosts;

    each->pending = false;
    if (addresses != NULL) {
        each->found = *addresses;
    } else {
        hosts->why = *why;
    }
    for (size_t i = 0; i < hosts->count; i++) {
        if (hosts->list[i].pending) {
            return;
        }
    }
    while (hosts->waiters != NULL) {
        irx__pg_waiter *waiter = hosts->waiters;
        hosts->waiters = waiter->next;
        waiter->waiting = false;
        waiter->known(waiter->owner);
    }
}

/* Joins the look-up under way, or begins one. */
static void look_up(host *each, struct ev_loop *loop)
{
    irx_error error;

    if (each->resolver == NULL) {
        each->resolver = irx__resolver_new(loop, each->name, 0, resolved, each);
    }
    each->found.count = 0;
    if (each->resolver == NULL) {
        irx__error_set(&each->hosts->why, IRX_ENOMEM, "out of memory for a look-up");
    } else if (irx__resolver_ask(each->resolver, &error) != 0) {
        each->hosts->why = error;
    } else {
        each->pending = true;
    }
}

bool irx__pg_hosts_ask(irx__pg_hosts *hosts, struct ev_loop *loop, irx__pg_waiter *waiter)
{
    bool pending = false;

    for (size_t i = 0; i < hosts->count; i++) {
        if (hosts->list[i].named) {
            look_up(&hosts->list[i], loop);
            pending = pending || hosts->list[i].pending;
        }
    }
    if (pending && !waiter->waiting) {
        waiter->waiting = true;
        waiter->next = hosts->waiters;
        hosts->waiters = waiter;
    }
    return pending;
}

void irx__pg_hosts_leave(irx__pg_hosts *hosts, irx__pg_waiter *waiter)
{
    irx__pg_waiter **at = &hosts->waiters;

    if (waiter->waiting) {
        while (*at != waiter) {
            at = &(*at)->next;
        }
        *at = waiter->next;
        waiter->waiting = false;
    }
}

/* ---- the lists for libpq ----------------------------------------------------------------------
 */

typedef struct entry {
    const host *host;
    size_t address; /* of those found; SIZE_MAX: as given */
} entry;

static size_t collect(const irx__pg_hosts *hosts, entry entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < hosts->count; i++) {
        const host *each = &hosts->list[i];
        if (!each->named) {
            entries[count++] = (entry){each, SIZE_MAX};
        }
        for (size_t j = 0; each->named && j < each->found.count; j++) {
            entries[count++] = (entry){each, j};
        }
    }
    return count;
}

bool irx__pg_hosts_any(const irx__pg_hosts *hosts)
{
    entry entries[ENTRIES_MAX];
    return collect(hosts, entries) > 0;
}

static void write_address(FILE *to, const entry *from)
{
    char text[NUMERIC_MAX] = "";
    if (from->address == SIZE_MAX) {
        fputs(from->host->address, to);
    } else if (getnameinfo((const struct sockaddr *)&from->host->found.list[from->address].address,
                           from->host->found.list[from->address].length, text, sizeof text, NULL, 0,
                           NI_NUMERICHOST) == 0) {
        fputs(text, to);
    }
}

enum { HOST, HOSTADDR, PORT, LISTS };

static void write_entry(FILE *to, int what, const entry *from)
{
    if (what == HOSTADDR) {
        write_address(to, from);
    } else {
        fputs(what == HOST ? from->host->name : from->host->port, to);
    }
}

/* One list as text; null when memory is out. */
static char *write_list(int what, const entry *entries, size_t count, size_t turn)
{
    char *text = NULL;
    size_t length = 0;
    bool whole;
    FILE *to = open_memstream(&text, &length);

    if (to == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            fputc(',', to);
        }
        write_entry(to, what, &entries[(turn + i) % count]);
    }
    whole = ferror(to) == 0;
    if (fclose(to) != 0 || !whole) {
        free(text);
        return NULL;
    }
    return text;
}

int irx__pg_hosts_list(const irx__pg_hosts *hosts, size_t turn, irx__pg_host_texts *texts,
                       irx_error *error)
{
    entry entries[ENTRIES_MAX];
    size_t count = collect(hosts, entries);

    memset(texts, 0, sizeof *texts);
    if (count == 0) {
        *error = hosts->why;
        return error->code;
    }
    texts->host = write_list(HOST, entries, count, turn);
    texts->hostaddr = write_list(HOSTADDR, entries, count, turn);
    texts->port = hosts->has_ports ? write_list(PORT, entries, count, turn) : NULL;
    if (texts->host == NULL || texts->hostaddr == NULL ||
        (hosts->has_ports && texts->port == NULL)) {
        irx__pg_host_texts_free(texts);
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a list of hosts");
    }
    return 0;
}

void irx__pg_host_texts_free(irx__pg_host_texts *texts)
{
    free(texts->host);
    free(texts->hostaddr);
    free(texts->port);
    memset(texts, 0, sizeof *texts);
}
