/* What PostgreSQL refuses, in our words. One table. */
#ifndef IRX_POSTGRES_ERROR_H
#define IRX_POSTGRES_ERROR_H

#include "interrex_types.h"

enum { IRX_PG_SAID_MAX = 121 };

/* Explains an error of a server by its SQLSTATE (empty: libpq said it itself): fills *error and
 * returns its code. *harmless: as the answer to an autocommit statement it means that surely
 * nothing was applied. */
int irx__pg_explain(const char *sqlstate, const char *message, const char *shown_url,
                    bool *harmless, irx_error *error);

/* Explains why libpq gave an attempt up. `message` is PQerrorMessage with verbose errors. */
int irx__pg_explain_attempt(const char *message, bool needs_password, const char *shown_url,
                            irx_error *error);

/* The message's lines in one, printable, cut; hints, which libpq indents, are left out. */
void irx__pg_said(char said[IRX_PG_SAID_MAX], const char *message);

#endif
