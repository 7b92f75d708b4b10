/* The published value: what a leader's application and its runtime do, and invariant 4. As long as
 * the store loses no data versions grow, a value that was told to be published stays, and no member
 * is handed an older one after a newer. Bytes don't matter here; versions do. */
#include "world.h"

#define ASKED (UINT64_C(1) << 63)

bool sim_register_asked(const irx_result *result)
{
    return (result->id & ASKED) != 0;
}

static int compare(irx_version a, irx_version b)
{
    if (a.term != b.term)
        return a.term < b.term ? -1 : 1;
    return a.index < b.index ? -1 : a.index > b.index;
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static void publish(sim_world *w, int who, irx_token token)
{
    sim_member *m = &w->members[who];
    irx_op op = {
        .kind = IRX_OP_PUBLISH,
        .id = ASKED | ++m->publishes,
        .generation = m->generation[IRX_CHANNEL_COMMAND],
        .epoch = m->epoch,
        .session = irx_engine_session(m->engine),
        .process = m->process,
        .protocol = m->options.protocol,
        .takeover = m->options.takeover,
        .incarnation = token.incarnation,
        .term = token.term,
    };
    sim_member_submit(w, who, &op);
}

/* A stopped member's application was about to: it asks with what it knew, once it goes on. */
bool sim_register_publish(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (m->stopped > 0) {
        m->publish = m->writes;
        return m->publish.term != 0;
    }
    if (!m->handle || m->frozen || w->now_ns >= m->valid_true_ns)
        return false;
    publish(w, who, m->snapshot.token);
    return true;
}

void sim_register_resume(sim_world *w, int who)
{
    sim_member *m = &w->members[who];
    if (m->publish.term != 0 && m->handle)
        publish(w, who, m->publish);
    m->publish = (irx_token){0};
}

/* ---- judging -----------------------------------------------------------------------------------
 */

void sim_register_lost(sim_world *w)
{
    w->losses++;
    w->committed = w->ledger.has_record ? w->ledger.record.value : (irx_version){0};
}

/* After every change of the record. */
void sim_register_check(sim_world *w)
{
    if (w->ledger.has_record && compare(w->ledger.record.value, w->committed) != 0)
        sim_fail(w, SIM_INV_REGISTER, "value {%llu, %llu} was published, and is {%llu, %llu} now",
                 (unsigned long long)w->committed.term, (unsigned long long)w->committed.index,
                 (unsigned long long)w->ledger.record.value.term,
                 (unsigned long long)w->ledger.record.value.index);
}

/* A PUBLISH was applied: by who acquired last, and as a newer value. */
void sim_register_applied(sim_world *w, int who, const irx_op *op)
{
    const irx_record *r = &w->ledger.record;
    if (!irx_id_equal(op->session, r->session) || op->term != r->term ||
        !irx_id_equal(op->incarnation, r->incarnation))
        sim_fail(w, SIM_INV_REGISTER, "member %d publishes in term %llu, and the term is %llu",
                 who + 1, (unsigned long long)op->term, (unsigned long long)r->term);
    if (compare(r->value, w->committed) <= 0 || r->value.term != op->term)
        sim_fail(w, SIM_INV_REGISTER, "value {%llu, %llu} follows {%llu, %llu}",
                 (unsigned long long)r->value.term, (unsigned long long)r->value.index,
                 (unsigned long long)w->committed.term, (unsigned long long)w->committed.index);
    w->committed = r->value;
}

static void hand_over(sim_world *w, int who, irx_version version, uint64_t losses)
{
    sim_member *m = &w->members[who];
    if (losses == m->view_losses && compare(version, m->view) < 0)
        sim_fail(w, SIM_INV_REGISTER, "member %d is handed value {%llu, %llu} after {%llu, %llu}",
                 who + 1, (unsigned long long)version.term, (unsigned long long)version.index,
                 (unsigned long long)m->view.term, (unsigned long long)m->view.index);
    m->view = version;
    m->view_losses = losses;
}

/* The answer to an operation of the engine brings the value, where it is another than the last. */
void sim_register_view(sim_world *w, int who, const sim_post *post)
{
    const irx_result *r = &post->result;
    const sim_member *m = &w->members[who];
    bool current = r->id == m->last_op && post->generation == m->generation[IRX_CHANNEL_COMMAND] &&
                   m->up[IRX_CHANNEL_COMMAND]; /* what was given up brings nothing more */
    if (current && r->has_record)
        hand_over(w, who, r->record.value, post->losses);
}

/* The answer to a PUBLISH. It hands nothing over: answers to the engine's own questions may be
 * older, and come later. */
void sim_register_answer(sim_world *w, const sim_post *post)
{
    const irx_result *r = &post->result;
    if (r->status == IRX_RESULT_STALE)
        w->report->refused_publishes++;
    if (r->status != IRX_RESULT_OK || post->losses != w->losses)
        return;
    if (compare(r->record.value, w->committed) > 0 || !w->ledger.has_record)
        sim_fail(w, SIM_INV_REGISTER, "value {%llu, %llu} was told to be published, and is lost",
                 (unsigned long long)r->record.value.term,
                 (unsigned long long)r->record.value.index);
}
