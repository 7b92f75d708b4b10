/* What this member knows of the record: sights, and the waits that count from them.
 *
 * A sight is a record that differs in any field from the last one received, under the present
 * epoch. Receiving the same again is no new sight. It decides nothing about claims; lease.c does.
 */
#include "engine/internal.h"

#include <string.h>

static bool same(const irx_record *a, const irx_record *b)
{
    return a->format == b->format && a->protocol == b->protocol && a->takeover == b->takeover &&
           a->presence_seen == b->presence_seen && irx_id_equal(a->incarnation, b->incarnation) &&
           a->term == b->term && irx_id_equal(a->session, b->session) &&
           irx_id_equal(a->process, b->process) && a->beat == b->beat && a->hold_ns == b->hold_ns &&
           irx_id_equal(a->epoch, b->epoch) && irx_id_equal(a->successor, b->successor) &&
           a->list == b->list && strcmp(a->label, b->label) == 0;
}

bool irx__held_by_self(const irx_engine *e)
{
    return e->knowledge == IRX__PRESENT && !irx_id_none(e->session) &&
           irx_id_equal(e->record.session, e->session);
}

bool irx__held_by_other(const irx_engine *e)
{
    return e->knowledge == IRX__PRESENT && !irx_id_none(e->record.session) &&
           !irx_id_equal(e->record.session, e->session);
}

/* A term at the limit of what every language counts exactly is as unreadable as a newer format. */
bool irx__claimable_format(const irx_engine *e)
{
    return !IRX__RULE(FORMAT_READ_ONLY) ||
           (e->record.format <= IRX_FORMAT && e->record.term < IRX__TERM_LIMIT - 1);
}

/* The store says under which epoch it is. Another one than before means: another server, or the
 * same one with other data. What was known of the record was known of the old one. */
void irx__view_epoch(irx_engine *e, irx_id epoch)
{
    if (irx_id_none(epoch) || irx_id_equal(epoch, e->epoch)) {
        return;
    }
    bool first = irx_id_none(e->epoch);
    e->epoch = epoch;
    if (first) {
        return;
    }
    irx__trace(e, "the store changed: a new epoch");
    if (IRX__RULE(EPOCH_NEW_SIGHT)) {
        e->under_epoch = false;
    }
    e->must_read = true;
    if (irx__leads(e) && IRX__RULE(EPOCH_STEP_DOWN)) {
        irx__lead_end(e, IRX_REASON_STORE_CHANGED);
    }
}

static void absent(irx_engine *e)
{
    if (e->knowledge != IRX__ABSENT) {
        irx__trace(e, "there is no record");
    }
    e->knowledge = IRX__ABSENT;
    e->under_epoch = true;
    e->sight_ns = e->now_ns;
    e->gone = (irx_id){0};
}

static void remember(irx_engine *e, const irx_record *record)
{
    if (record->hold_ns > e->largest_hold_ns) {
        e->largest_hold_ns =
            record->hold_ns < IRX__HOLD_LIMIT_NS ? record->hold_ns : IRX__HOLD_LIMIT_NS;
    }
    if (record->term > e->largest_term && record->term < IRX__TERM_LIMIT) {
        e->largest_term = record->term;
    }
    bool other = !irx_id_none(e->incarnation_seen) &&
                 !irx_id_equal(e->incarnation_seen, record->incarnation);
    if (other || !irx_id_none(record->session)) {
        e->life_seen = true;
    }
    e->incarnation_seen = record->incarnation;
}

/* A holder whose settings are not ours, seen twice with a renewal in between, lives: the newcomer
 * is the one in the wrong. One that does not renew is dead, and its record is taken over with our
 * settings. */
static void compare_settings(irx_engine *e, const irx_record *record)
{
    bool differ = record->protocol != e->options.protocol ||
                  (record->takeover != e->options.takeover && !e->options.kernel);
    if (!differ || irx_id_none(record->session) || irx_id_equal(record->session, e->session) ||
        record->format > IRX_FORMAT) {
        e->mismatched = (irx_id){0};
        return;
    }
    if (irx_id_equal(e->mismatched, record->session) && IRX__RULE(MISMATCH)) {
        irx__trace(e, "the leader uses another protocol or takeover: stopping");
        irx__trouble(e, IRX_EVENT_ERROR, IRX_EMISMATCH);
        e->stopping = true;
    }
    e->mismatched = record->session;
}

static void describe(irx_engine *e)
{
    const irx_record *r = &e->record;
    char holder[9], by[9];
    irx__trace(e, "sees term %llu beat %llu of %s%s%s%s%s", (unsigned long long)r->term,
               (unsigned long long)r->beat, irx__short(r->session, holder),
               r->term == 0 ? ", never held" : "", irx_id_none(r->successor) ? "" : ", successor ",
               irx_id_none(r->successor) ? "" : irx__short(r->successor, by),
               irx_id_equal(r->epoch, e->epoch) ? "" : ", of another epoch");
}

/* A record as it was just received; null: there is none. */
void irx__view_record(irx_engine *e, const irx_record *record)
{
    e->received_ns = e->now_ns;
    if (record == NULL) {
        absent(e);
        return;
    }
    bool never_held = record->term == 0;
    bool still_never_held = never_held && e->knowledge == IRX__PRESENT && e->record.term == 0 &&
                            irx_id_equal(e->record.incarnation, record->incarnation) &&
                            e->under_epoch;
    if (never_held && !still_never_held && (e->never_held_ns == 0 || IRX__RULE(NEVER_HELD_RESET))) {
        e->never_held_ns = e->now_ns;
    }
    if (e->knowledge == IRX__PRESENT && e->under_epoch && same(record, &e->record)) {
        if (!IRX__RULE(HOLD_FROM_RECEIPT)) {
            e->sight_ns -= e->options.heartbeat_ns;
        }
        return;
    }
    bool shifted = e->knowledge != IRX__PRESENT || record->term != e->record.term ||
                   !irx_id_equal(record->incarnation, e->record.incarnation) ||
                   !irx_id_equal(record->session, e->record.session) || !e->under_epoch;
    e->knowledge = IRX__PRESENT;
    e->record = *record;
    e->under_epoch = true;
    e->sight_ns = e->now_ns;
    if (!irx_id_equal(e->gone, record->process)) {
        e->gone = (irx_id){0};
    }
    remember(e, record);
    compare_settings(e, record);
    if (shifted) {
        irx__quorum_shifted(e);
        describe(e);
    }
}

/* A beat of the record's own leadership: the store has taken a renewal since. */
void irx__view_beat(irx_engine *e, uint64_t beat, int64_t hold_ns)
{
    if (beat <= e->record.beat) {
        return; /* a READ was faster */
    }
    e->record.beat = beat;
    e->record.hold_ns = hold_ns;
    if (IRX__RULE(BEAT_IS_SIGHT)) {
        e->sight_ns = e->now_ns;
    }
    remember(e, &e->record);
}
