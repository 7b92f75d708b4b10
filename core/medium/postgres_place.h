/* Where a PostgreSQL server is: what a libpq URI says, made ready for libpq. Shared by all
 * connections of a medium. */
#ifndef IRX_POSTGRES_PLACE_H
#define IRX_POSTGRES_PLACE_H

#include "medium/postgres_hosts.h"
#include "medium/postgres_library.h"
#include "runtime/url.h"

typedef struct irx__pg_place irx__pg_place;

/* Loads libpq and reads url->uri. `heartbeat_ns` sets how soon a silent peer is given up, where the
 * URI does not say. 0 with *place, or a negative IRX_E… with *error. */
int irx__pg_place_open(const irx_url *url, int64_t heartbeat_ns, irx__pg_place **place,
                       irx_error *error);
/* After its connections. */
void irx__pg_place_close(irx__pg_place *place);

/* More than one server is named, or may be, by a service that only libpq reads: which of them takes
 * writes is not ours to know. */
bool irx__pg_place_is_plural(const irx__pg_place *place);

/* ---- for its connections ---- */

const irx__libpq *irx__pg_place_library(const irx__pg_place *place);
const char *irx__pg_place_shown(const irx__pg_place *place); /* the URL, for errors */
irx__pg_hosts *irx__pg_place_hosts(irx__pg_place *place);    /* null: libpq knows best */

/* With which of the hosts an attempt begins; one that ran out of time says so, and the next attempt
 * begins with the one after it. */
size_t irx__pg_place_turn(const irx__pg_place *place);
void irx__pg_place_blame(irx__pg_place *place, size_t turn);

enum { IRX_PG_PARAMETERS_MAX = 96 };

typedef struct irx__pg_parameters {
    size_t count;
    const char *keywords[IRX_PG_PARAMETERS_MAX + 1]; /* ended by null */
    const char *values[IRX_PG_PARAMETERS_MAX + 1];
    irx__pg_host_texts hosts;
} irx__pg_parameters;

/* What PQconnectStartParams is to be given, with the addresses that are known by now. 0, or a
 * negative IRX_E… with *error; freed by irx__pg_parameters_free after either. */
int irx__pg_place_parameters(const irx__pg_place *place, irx__pg_parameters *parameters,
                             irx_error *error);
void irx__pg_parameters_free(irx__pg_parameters *parameters);

#endif
