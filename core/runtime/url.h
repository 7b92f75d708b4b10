/* Where an election is held: a parsed URL. Decides what is well-formed, never what is reachable. */
#ifndef IRX_URL_H
#define IRX_URL_H

#include "interrex_types.h"

/* Parts are percent-decoded; an absent one is an empty string. */
typedef struct irx_url {
    char scheme[24];
    char user[128];
    char password[512];
    char host[256];
    uint16_t port;   /* 0: absent */
    char path[1024]; /* with its leading slash; of `redis+socket` and `local` a file name */
    int database;    /* redis: number, default 0 */
    char schema[64]; /* postgres: what `schema=` says */
    char uri[2049];  /* postgres: what libpq is to read, credentials included; never to be shown */
    char shown[512]; /* the URL with its credentials as ***, for errors and logs */
} irx_url;

/* Reads `text`. IRX_ECONFIG with the part, the value and the rule in *error; IRX_EUNSUPPORTED for a
 * scheme that is known but not built in. */
int irx__url_parse(const char *text, irx_url *url, irx_error *error);

#endif
