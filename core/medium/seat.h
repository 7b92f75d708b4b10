/* What every medium does when an answer brings something newer for a seat. */
#ifndef IRX_SEAT_H
#define IRX_SEAT_H

#include "medium/medium.h"

bool irx__version_is_newer(irx_version version, irx_version than);

/* Does an answer of this kind and status carry the published value, where the seat has an older
 * one? Whoever published has it already. */
bool irx__op_brings_value(irx_op_kind kind, irx_status_kind status);
/* JOIN, LEAVE and STRIKE are about the member table: they are OK without a record too. */
bool irx__op_needs_record(irx_op_kind kind);

/* Both take what was malloc'ed. A value that is not newer than the seat's is freed. */
void irx__seat_take_members(irx_seat *seat, irx_member *members, size_t count, char *metas);
void irx__seat_take_value(irx_seat *seat, irx_version version, void *value, size_t length);

/* A copy of what a PUBLISH wrote, for the seat of its sender. IRX_ENOMEM. */
int irx__op_copy_value(const irx_op *op, void **value, irx_error *error);

#endif
