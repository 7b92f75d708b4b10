/* The rules of the ledger as a pure function: does this operation apply to this record, and what is
 * the record then?
 *
 * Every store answers so, whatever it is made of (Redis says the same in Lua):
 * - An operation of another epoch than the store's is answered EPOCH and changes nothing, READ
 * included.
 * - READ: OK, or ABSENT where there is no record. JOIN, LEAVE, STRIKE: OK, with or without a record
 * (JOIN may be refused for want of room: FAILED); they are about the member table.
 * - CREATE: OK, or CONFLICT where there is a record of any shape.
 * - CLAIM, CLAIM_IF_GONE: OK, ABSENT, or CONFLICT where the record is not exactly the expected one,
 * is of a newer format, or (CLAIM_IF_GONE) its holder may not be taken for gone. Where the kernel
 * excludes, a CLAIM over another's leadership is a CONFLICT too: only CLAIM_IF_GONE takes it.
 * - A CLAIM by votes is a CONFLICT too where they are not more than half of the record's voters.
 * - RENEW, RELEASE, PUBLISH: OK, ABSENT, or STALE. A RELEASE with `leave` removes the member row in
 * all of these cases.
 * - Each result carries the store's epoch and the record as it stands after the operation. */
#ifndef IRX_LEDGER_H
#define IRX_LEDGER_H

#include "interrex_engine.h"

typedef struct irx__ledger {
    bool has_record;
    irx_record record;
} irx__ledger;

/* What the store knows by itself at the moment of the operation. */
typedef struct irx__ledger_facts {
    irx_id epoch;
    int64_t unix_ms;
    const char *label;   /* of the sender */
    irx_id process;      /* of the sender: the presence to write */
    bool sender_present; /* the store checked that presence */
    bool holder_gone;    /* the store checked the presence of the record's process: it ended */
    bool kernel;         /* as in irx_medium_class */
} irx__ledger_facts;

/* Applies `op` to the record part of the ledger; true in *changed where the record must be written.
 * JOIN, LEAVE and STRIKE leave the record alone: the caller changes its member table where the
 * status is OK or ABSENT. */
irx_status_kind irx__ledger_apply(irx__ledger *ledger, const irx_op *op,
                                  const irx__ledger_facts *facts, bool *changed);

/* A result that answers `op` with the ledger as it stands. */
void irx__ledger_answer(const irx__ledger *ledger, const irx_op *op, irx_status_kind status,
                        irx_id epoch, irx_result *result);

#endif
