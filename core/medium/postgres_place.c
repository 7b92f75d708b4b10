/* Reads a libpq URI by libpq itself, and adds what it does not say. Decides our defaults: how soon
 * a silent peer is given up, the name under which pg_stat_activity shows us, the encoding. It must
 * never show libpq's words about a URI beyond the point where they quote it: they quote passwords.
 *
 * Known limit: a host name that only the service file named in the URI knows is looked up by libpq,
 * which holds up the loop meanwhile. PGHOST, and a service named by PGSERVICE, are seen here. */
#include "medium/postgres_place.h"

#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is said by us where nobody else says it. */
typedef struct preset {
    const char *keyword;
    char value[64];
} preset;

enum { PRESETS_MAX = 8 };

struct irx__pg_place {
    const irx__libpq *pq;
    char shown[512];
    irx__pq_option *options; /* what the URI says */
    irx__pg_hosts *hosts;
    size_t turn;
    size_t preset_count;
    preset presets[PRESETS_MAX];
};

/* ---- opening ----------------------------------------------------------------------------------
 */

/* What libpq says of a URI, up to where it quotes it. In other languages it may quote elsewhere. */
static int tell_rule(const char *shown, const char *message, irx_error *error)
{
    const char *quote = message != NULL ? strstr(message, ": \"") : NULL;
    size_t length = quote != NULL ? (size_t)(quote - message) : 0;

    for (size_t i = 0; i < length; i++) {
        if (message[i] < ' ' || message[i] > '~') {
            length = 0;
        }
    }
    if (length == 0 || length > 120) {
        return irx__error_set(error, IRX_ECONFIG, "url %.160s: libpq can not read it", shown);
    }
    return irx__error_set(error, IRX_ECONFIG, "url %.160s: %.*s", shown, (int)length, message);
}

static const char *value_of(const irx__pq_option *options, const char *keyword)
{
    for (; options != NULL && options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0) {
            return options->val;
        }
    }
    return NULL;
}

/* The URI, else the environment; but a service that the URI names comes before the environment, and
 * only libpq reads it. */
static const char *effective(const irx__pg_place *place, const irx__pq_option *defaults,
                             const char *keyword)
{
    const char *value = value_of(place->options, keyword);
    if (value == NULL && value_of(place->options, "service") == NULL) {
        value = value_of(defaults, keyword);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void add_preset(irx__pg_place *place, const irx__pq_option *defaults, const char *keyword,
                       const char *value)
{
    if (value_of(place->options, keyword) == NULL && value_of(defaults, keyword) == NULL) {
        preset *to = &place->presets[place->preset_count++];
        to->keyword = keyword;
        snprintf(to->value, sizeof to->value, "%s", value);
    }
}

static void add_presets(irx__pg_place *place, const irx__pq_option *defaults, int64_t heartbeat_ns)
{
    unsigned silence_ms = irx__user_timeout_ms(heartbeat_ns);
    char milliseconds[16];
    char seconds[16];
    const char *user = effective(place, defaults, "user");

    snprintf(milliseconds, sizeof milliseconds, "%u", silence_ms);
    snprintf(seconds, sizeof seconds, "%u", (silence_ms + 999) / 1000);
    add_preset(place, defaults, "fallback_application_name", "interrex");
    add_preset(place, defaults, "keepalives_idle", seconds);
    add_preset(place, defaults, "keepalives_interval", seconds);
    add_preset(place, defaults, "keepalives_count", "2");
    add_preset(place, defaults, "tcp_user_timeout", milliseconds);
    /* Else each attempt looks into the system's user data base, which may be a server's. */
    if (user != NULL && strlen(user) < sizeof place->presets[0].value) {
        add_preset(place, NULL, "user", user);
    }
}

/* libpq keeps what it decrypted by GSS to itself, and no event of the loop tells of it; OpenSSL
 * says how much it has. */
static int refuse_gss(const irx__pg_place *place, const irx__pq_option *defaults, irx_error *error)
{
    const char *mode = value_of(place->options, "gssencmode");
    mode = mode != NULL ? mode : value_of(defaults, "gssencmode");
    if (mode != NULL && strcmp(mode, "require") == 0) {
        return irx__error_set(error, IRX_ECONFIG,
                              "url %.160s: gssencmode=require (or PGGSSENCMODE) can not be had "
                              "here: let sslmode=verify-full encrypt",
                              place->shown);
    }
    return 0;
}

static int open_with(irx__pg_place *place, const irx__pq_option *defaults, int64_t heartbeat_ns,
                     irx_error *error)
{
    const char *host = effective(place, defaults, "host");
    const char *hostaddr = effective(place, defaults, "hostaddr");
    int code = refuse_gss(place, defaults, error);

    if (code != 0) {
        return code;
    }
    add_presets(place, defaults, heartbeat_ns);
    if (host == NULL && hostaddr == NULL) {
        return 0;
    }
    return irx__pg_hosts_open(host, hostaddr, effective(place, defaults, "port"), place->shown,
                              &place->hosts, error);
}

int irx__pg_place_open(const irx_url *url, int64_t heartbeat_ns, irx__pg_place **to,
                       irx_error *error)
{
    const irx__libpq *pq = irx__libpq_load(error);
    char *message = NULL;
    irx__pg_place *place;
    irx__pq_option *defaults;
    int code;

    *to = NULL;
    if (pq == NULL) {
        return IRX_EUNSUPPORTED;
    }
    place = calloc(1, sizeof *place);
    if (place == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a medium");
    }
    place->pq = pq;
    snprintf(place->shown, sizeof place->shown, "%s", url->shown);
    place->options = pq->conninfoParse(url->uri, &message);
    if (place->options == NULL) {
        code = tell_rule(place->shown, message, error);
        pq->freemem(message);
        free(place);
        return code;
    }
    defaults = pq->conndefaults();
    code = defaults == NULL ? irx__error_set(error, IRX_ENOMEM, "out of memory for a medium")
                            : open_with(place, defaults, heartbeat_ns, error);
    pq->conninfoFree(defaults);
    if (code != 0) {
        irx__pg_place_close(place);
        return code;
    }
    *to = place;
    return 0;
}

void irx__pg_place_close(irx__pg_place *place)
{
    if (place != NULL) {
        irx__pg_hosts_close(place->hosts);
        place->pq->conninfoFree(place->options);
        free(place);
    }
}

/* ---- for connections --------------------------------------------------------------------------
 */

bool irx__pg_place_is_plural(const irx__pg_place *place)
{
    if (place->hosts == NULL) {
        return value_of(place->options, "service") != NULL; /* which may name several */
    }
    return irx__pg_hosts_count(place->hosts) > 1;
}

const irx__libpq *irx__pg_place_library(const irx__pg_place *place)
{
    return place->pq;
}

const char *irx__pg_place_shown(const irx__pg_place *place)
{
    return place->shown;
}

irx__pg_hosts *irx__pg_place_hosts(irx__pg_place *place)
{
    return place->hosts;
}

size_t irx__pg_place_turn(const irx__pg_place *place)
{
    return place->turn;
}

/* Two connections that ran out of time together must not skip a host between them. */
void irx__pg_place_blame(irx__pg_place *place, size_t turn)
{
    if (place->turn == turn) {
        place->turn++;
    }
}

static void add(irx__pg_parameters *parameters, const char *keyword, const char *value)
{
    if (value != NULL && parameters->count < IRX_PG_PARAMETERS_MAX) {
        parameters->keywords[parameters->count] = keyword;
        parameters->values[parameters->count] = value;
        parameters->count++;
    }
}

/* Without a word libpq would ask a ticket server, and wait for the answer. */
static void add_gss(const irx__pg_place *place, irx__pg_parameters *parameters)
{
    const char *mode = value_of(place->options, "gssencmode");
    if (mode == NULL || strcmp(mode, "prefer") == 0) {
        add(parameters, "gssencmode", "disable");
    }
}

int irx__pg_place_parameters(const irx__pg_place *place, irx__pg_parameters *parameters,
                             irx_error *error)
{
    memset(parameters, 0, sizeof *parameters);
    if (place->hosts != NULL) {
        int code = irx__pg_hosts_list(place->hosts, place->turn, &parameters->hosts, error);
        if (code != 0) {
            return code;
        }
    }
    for (size_t i = 0; i < place->preset_count; i++) {
        add(parameters, place->presets[i].keyword, place->presets[i].value);
    }
    for (const irx__pq_option *option = place->options; option->keyword != NULL; option++) {
        add(parameters, option->keyword, option->val);
    }
    /* Of a keyword that comes twice libpq takes the last one. */
    add(parameters, "host", parameters->hosts.host);
    add(parameters, "hostaddr", parameters->hosts.hostaddr);
    add(parameters, "port", parameters->hosts.port);
    add(parameters, "client_encoding", "UTF8");
    add_gss(place, parameters);
    return 0;
}

void irx__pg_parameters_free(irx__pg_parameters *parameters)
{
    irx__pg_host_texts_free(&parameters->hosts);
}
