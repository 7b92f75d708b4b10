/* The store: its record, member table, presences and epoch, as the Redis medium and its scripts
 * treat them. Whether an operation applies is decided by core/medium/ledger.c alone. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

bool sim_store_present(const sim_world *w, irx_id process)
{
    for (size_t i = 0; i < w->present_count; i++) {
        if (irx_id_equal(w->present[i], process))
            return !irx_id_none(process);
    }
    return false;
}

void sim_store_presence_begin(sim_world *w, irx_id process)
{
    if (w->present_count < SIM_PRESENT_MAX)
        w->present[w->present_count++] = process;
}

/* Who watches it is told at the next probe. */
void sim_store_presence_end(sim_world *w, irx_id process)
{
    if (irx_id_none(process) || !sim_store_present(w, process))
        return;
    for (size_t i = 0; i < w->present_count; i++) {
        if (irx_id_equal(w->present[i], process))
            w->present[i] = w->present[--w->present_count];
    }
    for (int i = 0; i < w->plan->members; i++) {
        sim_member *m = &w->members[i];
        if (!m->running || !irx_id_equal(m->watched, process))
            continue;
        int64_t passed_ns = w->now_ns - m->watch_since_ns;
        int64_t next_ns = (passed_ns / m->watch_every_ns + 1) * m->watch_every_ns;
        sim_send(w, POST_PROBE, i, m->watch_since_ns + next_ns)->number = m->watch_number;
    }
}

/* The epoch after comparing the server's identity; a new one where that is another. */
irx_id sim_store_identify(sim_world *w)
{
    if (irx_id_none(w->epoch) || w->identity != w->stored_identity) {
        w->epoch = sim_draw_id(w);
        w->epoch_number++;
        w->epoch_ns = w->now_ns;
        w->stored_identity = w->identity;
    }
    return w->epoch;
}

static bool compares_identity(irx_op_kind kind)
{
    return kind == IRX_OP_CREATE || kind == IRX_OP_CLAIM || kind == IRX_OP_CLAIM_IF_GONE;
}

static bool writes(irx_op_kind kind)
{
    return kind != IRX_OP_READ;
}

static void remember(sim_world *w)
{
    size_t at = w->history_count % SIM_HISTORY;
    w->history[at].at_ns = w->now_ns;
    w->history[at].ledger = w->ledger;
    w->history_count++;
}

static void strike(sim_world *w)
{
    for (size_t i = w->table.count; i > 0; i--) {
        const irx_member *row = &w->table.rows[i - 1];
        if (!irx_id_none(row->process) && !sim_store_present(w, row->process)) {
            irx__table_remove(&w->table, row->session);
            w->table_version++;
        }
    }
}

static void push(sim_world *w, int sender)
{
    for (int i = 0; i < w->plan->members; i++) {
        sim_member *m = &w->members[i];
        if (i == sender || !m->up[IRX_CHANNEL_PRESENCE] || sim_open(w, m, SIM_CUT))
            continue;
        int64_t delay_ns = sim_latency(w, i);
        if (sim_open(w, m, SIM_HINTS)) {
            if (sim_draw(&w->random, 2) == 0)
                continue;
            delay_ns += (int64_t)sim_draw(&w->random, (uint64_t)m->amount[SIM_HINTS] + 1) * SIM_MS;
        }
        sim_send(w, POST_HINT, i, w->now_ns + delay_ns);
    }
}

static void change_table(sim_world *w, const irx_op *op, uint64_t *join)
{
    if (op->kind == IRX_OP_JOIN) {
        const irx__joiner who = {.process = op->process, .label = ""};
        bool changed;
        irx__table_join(&w->table, op, &who, SIM_ROWS_MAX, join, &changed, NULL);
        w->table_version++;
    }
    if (op->kind == IRX_OP_LEAVE || (op->kind == IRX_OP_RELEASE && op->leave)) {
        irx__table_remove(&w->table, op->session);
        w->table_version++;
    }
    if (op->kind == IRX_OP_STRIKE)
        strike(w);
}

/* READ, JOIN and STRIKE bring the table, where the sender's is another. */
static void add_table(const sim_world *w, const sim_member *m, const irx_op *op, sim_post *reply)
{
    reply->rows_version = w->table_version;
    bool brings = op->kind == IRX_OP_READ || op->kind == IRX_OP_JOIN || op->kind == IRX_OP_STRIKE;
    if (!brings || m->rows_version == w->table_version) {
        reply->rows_version = 0;
        return;
    }
    reply->row_count = w->table.count;
    if (w->table.count > 0) {
        reply->rows = malloc(w->table.count * sizeof *reply->rows);
        if (reply->rows == NULL)
            abort();
        memcpy(reply->rows, w->table.rows, w->table.count * sizeof *reply->rows);
    }
}

/* Who votes from now on: for the transcript. */
static void say_voters(sim_world *w, const irx_op *op, const irx_record *before)
{
    const irx_record *r = &w->ledger.record;
    if (w->listener == NULL || (r->list == before->list && op->kind == IRX_OP_RENEW))
        return;
    char text[SIM_TEXT_MAX] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < r->voter_count && used + 16 < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, " %08llx",
                                 (unsigned long long)(r->voters[i].hi >> 32));
    sim_say(w, "store: voters of term %llu:%s", (unsigned long long)r->term, text);
}

static irx_status_kind apply(sim_world *w, int who, const irx_op *op, uint64_t *join)
{
    irx__ledger_facts facts = {
        .epoch =
            compares_identity(op->kind) || irx_id_none(w->epoch) ? sim_store_identify(w) : w->epoch,
        .unix_ms = w->now_ns / SIM_MS - w->clock_back_ms,
        .label = "",
        .process = op->process,
        .sender_present = sim_store_present(w, op->process),
        .holder_gone = !sim_store_present(w, w->ledger.record.process),
    };
    irx_op asked = *op;
#ifdef IRX_MUTANTS
    /* How a claim looks that names no beat: it takes any. */
    if (op->expected.beat == UINT64_MAX)
        asked.expected.beat = w->ledger.record.beat;
#endif
    irx_record before = w->ledger.record;
    bool changed;
    irx_status_kind status = irx__ledger_apply(&w->ledger, &asked, &facts, &changed);
    w->report->operations[op->kind]++;
    if (changed && op->kind == IRX_OP_PUBLISH)
        sim_register_applied(w, who, op);
    if (changed) {
        remember(w);
        sim_register_check(w);
    }
    bool quorum = changed && w->ledger.record.protocol == IRX_PROTOCOL_QUORUM;
    if (quorum && w->ledger.record.voter_count > 0 && op->kind != IRX_OP_PUBLISH)
        say_voters(w, op, &before);
    if (quorum && op->kind == IRX_OP_RENEW)
        sim_bus_beat(w, who, op);
    if (changed && op->kind != IRX_OP_RENEW) {
        if (op->kind != IRX_OP_CREATE)
            sim_check_record(w);
        if (op->kind == IRX_OP_CLAIM || op->kind == IRX_OP_CLAIM_IF_GONE)
            sim_check_claim(w, who, op, &before);
        push(w, who);
    }
    if (status != IRX_RESULT_EPOCH)
        change_table(w, op, join);
    if (op->kind == IRX_OP_LEAVE)
        push(w, who);
    return status;
}

void sim_store_serve(sim_world *w, const sim_post *request)
{
    int who = request->member;
    sim_member *m = &w->members[who];
    const irx_op *op = &request->op;
    if (w->now_ns < w->down_until_ns)
        return;
    bool refused = w->now_ns < w->refuse_until_ns && writes(op->kind);
    uint64_t join = 0;
    irx_status_kind status = refused ? IRX_RESULT_FAILED : apply(w, who, op, &join);
    if (request->life != m->life || sim_reply_lost(w, who))
        return;
    if (sim_open(w, m, SIM_UNSURE) && (int64_t)sim_draw(&w->random, 100) < m->amount[SIM_UNSURE])
        status = IRX_RESULT_UNKNOWN;
    w->report->results[status]++;
    sim_post *p = sim_send(w, POST_REPLY, who, w->now_ns + sim_latency(w, who));
    p->generation = op->generation;
    p->losses = w->losses;
    if (status == IRX_RESULT_FAILED || status == IRX_RESULT_UNKNOWN) {
        p->result = (irx_result){
            .id = op->id,
            .generation = op->generation,
            .status = status,
            .error_code = IRX_EUNAVAILABLE,
        };
        return;
    }
    irx__ledger_answer(&w->ledger, op, status, w->epoch, &p->result);
    p->result.join = join;
    add_table(w, m, op, p);
    if (sim_open(w, m, SIM_REPEAT) && sim_draw(&w->random, 2) == 0) {
        int64_t late_ns =
            (int64_t)sim_draw(&w->random, (uint64_t)m->amount[SIM_REPEAT] + 1) * SIM_MS;
        irx_result result = p->result;
        sim_post *again = sim_send(w, POST_REPLY, who, w->now_ns + sim_latency(w, who) + late_ns);
        again->result = result;
        again->generation = op->generation;
        again->losses = w->losses;
    }
}

int sim_store_holder(const sim_world *w)
{
    for (int i = 0; i < w->plan->members; i++) {
        const sim_member *m = &w->members[i];
        if (m->handle && w->ledger.has_record && !irx_id_none(w->ledger.record.session) &&
            irx_id_equal(irx_engine_session(m->engine), w->ledger.record.session))
            return i;
    }
    return -1;
}

/* ---- what happens to it ------------------------------------------------------------------------
 */

static irx__ledger as_it_was(const sim_world *w, int64_t at_ns)
{
    size_t oldest = w->history_count > SIM_HISTORY ? w->history_count - SIM_HISTORY : 0;
    for (size_t i = w->history_count; i > oldest; i--) {
        if (w->history[(i - 1) % SIM_HISTORY].at_ns <= at_ns)
            return w->history[(i - 1) % SIM_HISTORY].ledger;
    }
    return (irx__ledger){0};
}

/* Another server, or the same one begun anew: connections and presences end, unless they survive
 * because what answers them was changed behind them. */
void sim_store_restart(sim_world *w, int64_t back_ms, bool empty, bool keep_connections)
{
    w->identity++;
    if (empty) {
        w->ledger = (irx__ledger){0};
        irx__table_free(&w->table);
        w->table_version++;
        w->epoch = (irx_id){0};
    } else if (back_ms > 0) {
        w->ledger = as_it_was(w, w->now_ns - back_ms * SIM_MS);
    }
    if (empty || back_ms > 0)
        sim_register_lost(w);
    remember(w);
    sim_check_record(w);
    if (keep_connections)
        return;
    for (int i = 0; i < w->plan->members; i++) {
        sim_member_drop(w, i, IRX_CHANNEL_COMMAND, w->now_ns + sim_latency(w, i));
        sim_member_drop(w, i, IRX_CHANNEL_PRESENCE, w->now_ns + sim_latency(w, i));
    }
    while (w->present_count > 0)
        sim_store_presence_end(w, w->present[0]);
}

void sim_store_evict(sim_world *w, bool everything)
{
    w->ledger = (irx__ledger){0};
    if (everything) {
        irx__table_free(&w->table);
        w->table_version++;
        w->epoch = (irx_id){0};
    }
    sim_register_lost(w);
    remember(w);
    sim_check_record(w);
}
