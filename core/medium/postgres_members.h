/* The member table as an answer carries it: a line for each row. Pure. */
#ifndef IRX_POSTGRES_MEMBERS_H
#define IRX_POSTGRES_MEMBERS_H

#include "medium/postgres_answer.h"
#include "medium/postgres_value.h"

/* Fills the members of *answer; untouched after a failure: IRX_EFOREIGN, IRX_EPROTOCOL, IRX_ENOMEM.
 */
int irx__pg_read_members(irx__pg_cell text, const char *ledger, const char *name,
                         irx__pg_answer *answer, irx_error *error);

#endif
