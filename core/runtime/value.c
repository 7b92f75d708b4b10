/* The published value as the application sees it: a copy of the newest that a result brought. It
 * decides nothing about values; which is newer is the store's word. Without memory the application
 * goes on with the one it has, until the next result. */
#include "runtime/election.h"

#include "runtime/drive.h"

#include <stdlib.h>
#include <string.h>

static bool same(irx_version a, irx_version b)
{
    return a.term == b.term && a.index == b.index;
}

static irx_value *copy_of(irx_version version, const void *data, size_t length)
{
    irx_value *copy = malloc(sizeof *copy + length);
    if (!copy)
        return NULL;
    *copy = (irx_value){.version = version, .length = length};
    if (version.term > 0) {
        copy->data = copy + 1;
        if (length > 0)
            memcpy(copy + 1, data, length);
    }
    return copy;
}

bool irx__value_keep(irx_election *e, irx_version version, const void *data, size_t length)
{
    irx_version known = e->value ? e->value->version : (irx_version){0, 0}; /* only we write it */
    if (same(version, known))
        return true;
    bool none = version.term == 0; /* the store lost it */
    irx_value *copy = copy_of(version, data, none ? 0 : length);
    irx__event_slot *slot = none ? NULL : irx__event_new(IRX_VALUE, data, length);
    if (!copy || (!slot && !none)) {
        free(copy);
        if (slot)
            irx_event_free(&slot->event);
        return false;
    }
    pthread_mutex_lock(&e->lock);
    irx_value *old = e->value;
    e->value = copy;
    pthread_mutex_unlock(&e->lock);
    free(old);
    if (e->value_event)
        irx_event_free(&e->value_event->event);
    e->value_event = slot;
    if (slot)
        slot->event.version = version;
    return true;
}

void irx__value_tell(irx_election *e)
{
    if (!e->value_event || !e->started)
        return;
    irx__event_slot *slot = e->value_event;
    e->value_event = NULL;
    irx__drive_hand(e, slot);
}

/* What this member had from an earlier start counts as long as the store does not say, in the first
 * answer of this one, that it has an older one or none. */
void irx__value_confirm(irx_election *e, const irx_result *result)
{
    irx_seat *seat = &e->seat;
    bool told = result->has_record || result->status == IRX_RESULT_OK ||
                result->status == IRX_RESULT_ABSENT;
    if (e->value_confirmed || !told)
        return;
    e->value_confirmed = true;
    irx_version there = result->has_record ? result->record.value : (irx_version){0, 0};
    irx_version here = seat->value_version;
    if (there.term > here.term || (there.term == here.term && there.index >= here.index))
        return;
    free(seat->value);
    seat->value = NULL;
    seat->value_length = 0;
    seat->value_version = (irx_version){0, 0};
    seat->value_changed = true;
}

void irx__value_look(irx_election *e)
{
    irx_seat *seat = &e->seat;
    if (seat->value_changed &&
        irx__value_keep(e, seat->value_version, seat->value, seat->value_length))
        seat->value_changed = false;
}

int irx_election_value(irx_election *e, irx_value **value)
{
    *value = NULL;
    int failed = irx__enter(e);
    if (failed)
        return failed;
    pthread_mutex_lock(&e->lock);
    static const irx_value none;
    const irx_value *newest = e->value ? e->value : &none;
    *value = copy_of(newest->version, newest->data, newest->length);
    pthread_mutex_unlock(&e->lock);
    return *value ? 0 : IRX_ENOMEM;
}

void irx_value_free(irx_value *value)
{
    free(value);
}
