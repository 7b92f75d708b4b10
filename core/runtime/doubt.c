/* Keeps messages that wait for a newer look at the member table, bounded and in their order: a
 * member that comes back under another presence speaks before its new row was read here. It decides
 * nothing about them. */
#include "runtime/doubt.h"

#include <stdlib.h>
#include <string.h>

bool irx__doubts_wait(const irx__doubts *doubts, irx_id from)
{
    for (const irx__doubt *doubt = doubts->first; doubt; doubt = doubt->next) {
        if (irx_id_equal(doubt->from, from))
            return true;
    }
    return false;
}

bool irx__doubts_keep(irx__doubts *doubts, irx_id from, const void *bytes, size_t length,
                      uint64_t op_id)
{
    if (doubts->count == IRX__DOUBTS_MAX || doubts->bytes + length > IRX__DOUBT_BYTES_MAX)
        return false;
    irx__doubt *doubt = malloc(sizeof *doubt + length);
    if (!doubt)
        return false;
    *doubt = (irx__doubt){.from = from, .op_id = op_id, .length = length};
    memcpy(doubt->bytes, bytes, length);
    if (doubts->last)
        doubts->last->next = doubt;
    else
        doubts->first = doubt;
    doubts->last = doubt;
    doubts->count++;
    doubts->bytes += length;
    return true;
}

irx__doubt *irx__doubts_take(irx__doubts *doubts, uint64_t op_id)
{
    irx__doubt *doubt = doubts->first;
    if (!doubt || doubt->op_id >= op_id)
        return NULL;
    doubts->first = doubt->next;
    if (!doubts->first)
        doubts->last = NULL;
    doubts->count--;
    doubts->bytes -= doubt->length;
    return doubt;
}

void irx__doubts_free(irx__doubts *doubts)
{
    while (doubts->first)
        free(irx__doubts_take(doubts, UINT64_MAX));
}
