/* Who else is there, and in which order they try: rank is the order of joining among candidates.
 *
 * The table belongs to the caller and comes with every input; only what the rules need is kept of
 * it. It never judges whether a member is alive: the medium strikes those whose presence ended. */
#include "engine/internal.h"

void irx__members_look(irx_engine *e)
{
    const irx_input *input = e->input;
    irx_id holder = irx__held_by_other(e) ? e->record.session : (irx_id){0};
    irx_id successor = e->knowledge == IRX__PRESENT ? e->record.successor : (irx_id){0};
    bool listed = false;
    e->rank = 0;
    e->others = 0;
    e->successor_known = false;
    for (size_t i = 0; i < input->member_count; i++) {
        const irx_member *member = &input->members[i];
        if (irx_id_equal(member->session, e->session)) {
            listed = true;
            continue;
        }
        if (!member->candidate) {
            continue;
        }
        e->others++;
        if (irx_id_equal(member->session, successor)) {
            e->successor_known = true;
        }
        if (member->join < e->join && !irx_id_equal(member->session, holder)) {
            e->rank++;
        }
    }
    /* Struck while away, or the store was wiped: the table of a result is never older than our
     * JOIN. */
    if (e->joined && !listed && input->kind == IRX_IN_RESULT && e->flight.kind == IRX__OP_NONE) {
        irx__trace(e, "not among the members; joins again");
        e->joined = false;
    }
}
