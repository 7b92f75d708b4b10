/* The parts of a URL, one function each. Each writes its part into *url, or fails with the part,
 * the value (never a credential) and the rule in *error. */
#ifndef IRX_URL_PARTS_H
#define IRX_URL_PARTS_H

#include "runtime/url.h"

typedef struct irx__url_span {
    const char *text;
    size_t length;
} irx__url_span;

/* Writes `text` with everything that may be a credential as ***: what stands before the last '@',
 * and the value of every query parameter that is not known to be harmless. Cut to the size of
 * `shown`. */
void irx__url_show(const char *text, char *shown, size_t size);

/* Undoes percent-encoding; `part` names it in errors. Control characters are refused, encoded or
 * not. */
int irx__url_decode(const irx_url *url, const char *part, irx__url_span from, char *into,
                    size_t size, irx_error *error);

/* Everything before the query. The one parameter is db, and only where `database` is given. */
int irx__url_split_query(const irx_url *url, const char *rest, irx__url_span *before,
                         irx__url_span *database, irx_error *error);

/* Takes the "//authority" off the front of *path. */
int irx__url_split_authority(const irx_url *url, irx__url_span *path, irx__url_span *authority,
                             irx_error *error);

/* Takes "user:password@" off the front of *authority. */
int irx__url_credentials(irx_url *url, irx__url_span *authority, irx_error *error);

int irx__url_host(irx_url *url, irx__url_span authority, irx_error *error); /* host[:port] */
int irx__url_database(irx_url *url, irx__url_span number, irx_error *error);

#endif
