/* Who else is there, and in which order they try: rank is the order of joining among candidates.
 *
 * The table belongs to the caller and comes with every input; only what the rules need is kept of
 * it. It never judges whether a member is alive: the medium strikes those whose presence ended. */
#include "engine/internal.h"

/* Two may have the same number after the table was lost and made anew. Where presence exists, a row
 * without it is nobody that could watch: its member may have died before it had any, and nothing
 * would ever strike it. */
static bool earlier(const irx_engine *e, const irx_member *member)
{
    if (e->options.has_presence && irx_id_none(member->process) && IRX__RULE(RANK_PRESENT)) {
        return false;
    }
    if (member->join != e->join || !IRX__RULE(RANK_UNIQUE)) {
        return member->join < e->join;
    }
    return member->session.hi != e->session.hi ? member->session.hi < e->session.hi
                                               : member->session.lo < e->session.lo;
}

/* A JOIN that was given up may land after the one that followed it, and bring an old presence. */
static bool row_is_ours(const irx_engine *e, const irx_member *row)
{
    return e->options.kernel || irx_id_none(e->process) || irx_id_equal(row->process, e->process) ||
           !IRX__RULE(LATE_JOIN);
}

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
            listed = row_is_ours(e, member);
            continue;
        }
        if (!member->candidate) {
            continue;
        }
        e->others++;
        if (irx_id_equal(member->session, successor)) {
            e->successor_known = true;
        }
        if (earlier(e, member) && !irx_id_equal(member->session, holder)) {
            e->rank++;
        }
    }
    /* Struck while away, or the store was wiped: the table of a result is never older than our
     * JOIN. */
    if (e->joined && !listed && input->kind == IRX_IN_RESULT && e->flight.kind == IRX__OP_NONE) {
        irx__trace(e, "not as it joined among the members; joins again");
        e->joined = false;
    }
}
