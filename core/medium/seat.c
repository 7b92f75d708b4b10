/* Hands what an answer brought to a seat: the member table, the published value. Decides which of
 * two values is the newer one; it must never keep what was replaced. */
#include "medium/seat.h"

#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

bool irx__version_is_newer(irx_version version, irx_version than)
{
    return version.term != than.term ? version.term > than.term : version.index > than.index;
}

bool irx__op_brings_value(irx_op_kind kind, irx_status_kind status)
{
    return kind == IRX_OP_READ || kind == IRX_OP_JOIN || kind == IRX_OP_STRIKE ||
           (kind == IRX_OP_PUBLISH && status != IRX_RESULT_OK);
}

bool irx__op_needs_record(irx_op_kind kind)
{
    return kind != IRX_OP_JOIN && kind != IRX_OP_LEAVE && kind != IRX_OP_STRIKE;
}

void irx__seat_take_members(irx_seat *seat, irx_member *members, size_t count, char *metas)
{
    free(seat->members);
    free(seat->metas);
    seat->members = members;
    seat->member_count = count;
    seat->metas = metas;
    seat->members_changed = true;
}

void irx__seat_take_value(irx_seat *seat, irx_version version, void *value, size_t length)
{
    if (!irx__version_is_newer(version, seat->value_version)) {
        free(value);
        return;
    }
    free(seat->value);
    seat->value = value;
    seat->value_length = length;
    seat->value_version = version;
    seat->value_changed = true;
}

int irx__op_copy_value(const irx_op *op, void **value, irx_error *error)
{
    *value = malloc(op->length > 0 ? op->length : 1);
    if (*value == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a value of %zu bytes",
                              op->length);
    }
    if (op->length > 0) {
        memcpy(*value, op->data, op->length);
    }
    return 0;
}
