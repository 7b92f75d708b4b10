/* The invariants. Whether a member leads is judged as a caller would, on the member's own clock, at
 * every event; never by the engine's role. */
#include "world.h"

#include <stdarg.h>
#include <string.h>

enum { OPERATIONS_A_SECOND = 150, MESSAGES_A_SECOND = 200, SPINS = 64 };

void sim_fail(sim_world *w, sim_invariant invariant, const char *format, ...)
{
    sim_report *report = w->report;
    if (report->failed != SIM_INV_NONE)
        return;
    report->failed = invariant;
    report->failed_ms = w->now_ns / SIM_MS;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->failure, sizeof report->failure, format, arguments);
    va_end(arguments);
    sim_say(w, "VIOLATED %s: %s", sim_invariant_word(invariant), report->failure);
}

static bool same_token(irx_token a, irx_token b)
{
    return a.term == b.term && irx_id_equal(a.incarnation, b.incarnation);
}

static sim_acquisition *acquisition(sim_world *w, const sim_member *m)
{
    return m->acquisition != 0 ? &w->acquisitions[m->acquisition - 1] : NULL;
}

/* ---- 1: exclusion ------------------------------------------------------------------------------
 */

static bool told_lost(const sim_member *m, irx_id process)
{
    for (size_t i = 0; i < SIM_LOST_MAX; i++) {
        if (!irx_id_none(process) && irx_id_equal(m->lost[i], process))
            return true;
    }
    return false;
}

void sim_check_told_lost(sim_world *w, int who, irx_id process)
{
    sim_member *m = &w->members[who];
    if (irx_id_none(process))
        return;
    m->lost[m->lost_next] = process;
    m->lost_next = (m->lost_next + 1) % SIM_LOST_MAX;
}

/* The acquisition behind what it believes, as index + 1: it may have been stopped between the
 * snapshot and the event that tells of it. */
static size_t acquired(const sim_world *w, const sim_member *m)
{
    for (size_t i = w->acquisition_count; i > 0 && m->acquisition == 0; i--) {
        if (same_token(w->acquisitions[i - 1].token, m->snapshot.token))
            return i;
    }
    return m->acquisition;
}

/* What `fast` gives up, and no more: the older one may go on until it notices. */
static bool excused(const sim_world *w, const sim_member *a, const sim_member *b)
{
    if (w->beyond_drift)
        return true;
    size_t of_a = acquired(w, a), of_b = acquired(w, b);
    if (of_a == of_b || of_a == 0 || of_b == 0)
        return false;
    const sim_member *older = of_a < of_b ? a : b;
    const sim_acquisition *lost = &w->acquisitions[(of_a < of_b ? of_a : of_b) - 1];
    bool interrupted = older->held->count > 0; /* in the midst of noticing */
    return lost->excused && (interrupted || !told_lost(older, lost->process));
}

void sim_check_leaders(sim_world *w)
{
    int first = -1;
    int overlap = 0;
    for (int i = 0; i < w->plan->members; i++) {
        const sim_member *m = &w->members[i];
        if (w->now_ns >= m->valid_true_ns || m->frozen || m->excused_ns > w->now_ns)
            continue;
        if (first < 0) {
            first = i;
            continue;
        }
        if (!excused(w, &w->members[first], m)) {
            sim_fail(w, SIM_INV_EXCLUSION,
                     "members %d and %d lead at one instant (terms %llu, %llu)", first + 1, i + 1,
                     (unsigned long long)w->members[first].snapshot.token.term,
                     (unsigned long long)m->snapshot.token.term);
        }
        overlap = (first + 1) * 16 + i + 1;
    }
    if (overlap != 0 && overlap != w->overlap)
        w->report->excused++;
    w->overlap = overlap;
}

/* An answer from which a leader learns that its time is over: from then on nothing excuses it. */
static void notice(sim_world *w, int who, const irx_result *result)
{
    sim_member *m = &w->members[who];
    sim_acquisition *a = acquisition(w, m);
    if (a == NULL || !a->excused || m->held->count > 0)
        return;
    bool own = result->has_record && irx_id_equal(result->record.session, a->session) &&
               result->record.term == a->token.term;
    if (result->status == IRX_RESULT_EPOCH || !own)
        a->excused = false;
}

void sim_check_result(sim_world *w, int who, const sim_post *post, bool before)
{
    sim_member *m = &w->members[who];
    const irx_result *r = &post->result;
    bool current = r->id == m->last_op && r->generation == m->generation[IRX_CHANNEL_COMMAND] &&
                   m->up[IRX_CHANNEL_COMMAND];
    if (before && !current)
        w->report->stale_replies++;
    if (!before && current)
        m->last_op = 0; /* the same again is stale */
    if (!current || r->status == IRX_RESULT_FAILED || r->status == IRX_RESULT_UNKNOWN)
        return;
    if (!before) {
        notice(w, who, r);
        return;
    }
    int64_t took_ns = (w->now_ns - m->op_sent_ns) / 1000 * (1000000 + m->rate_ppm) / 1000;
    if (took_ns <= m->options.timeout_ns / 3) { /* others measure a pause, not the network */
        m->round_trips_ns[m->round_trip_next] = took_ns;
        m->round_trip_next = (m->round_trip_next + 1) % 8;
    }
    m->term_seen = r->has_record ? r->record.term : 0;
    m->holder = r->has_record ? r->record.session : (irx_id){0};
    m->holder_process = r->has_record ? r->record.process : (irx_id){0};
    if (!r->has_record || m->jump_unseen) /* it becomes somebody new first, and drops the answer */
        return;
    bool vacant = irx_id_none(r->record.session);
    if (vacant && !m->sees_vacant)
        m->vacant_ns = w->now_ns;
    m->sees_vacant = vacant;
    if (r->record.term > m->highest_seen)
        m->highest_seen = r->record.term;
    bool other = !irx_id_none(m->incarnation_seen) &&
                 !irx_id_equal(m->incarnation_seen, r->record.incarnation);
    m->life_seen = m->life_seen || other || !irx_id_none(r->record.session);
    m->incarnation_seen = r->record.incarnation;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

/* A message that is about a leadership which this member knows to be over, or under another
 * presence than its sender's row names (who sends a BEAT is the store), or that nobody asked for.
 */
static bool says_nothing(const sim_world *w, const sim_member *m, const irx_message *message)
{
    if (w->plan->protocol != IRX_PROTOCOL_QUORUM || message->token.term < m->term_seen)
        return true;
    return message->kind != IRX_MESSAGE_BEAT &&
           !irx_message_genuine(message, m->rows, m->row_count);
}

/* Before a message is taken. */
void sim_check_message(sim_world *w, int who, const irx_message *message)
{
    sim_member *m = &w->members[who];
    if (message->kind == IRX_MESSAGE_BEAT)
        m->window_beats++;
    if (says_nothing(w, m, message))
        sim_shadow_begin(w, who, message->kind);
}

/* ---- 2: tokens ---------------------------------------------------------------------------------
 */

static void excuse_earlier(sim_world *w)
{
    for (size_t i = 0; i < w->acquisition_count; i++)
        w->acquisitions[i].excused = true;
}

/* Under `fast` two may lead in two cases: the store itself saw the holder's presence end, under the
 * epoch of the record; or the record was lost, and the claimant never saw life under this name. */
static bool fast_allows(const sim_world *w, int who, const irx_op *op, const irx_record *before)
{
    if (w->plan->takeover != IRX_TAKEOVER_FAST)
        return false;
    if (op->kind == IRX_OP_CLAIM_IF_GONE)
        return irx_id_equal(before->epoch, w->epoch);
    return before->term == 0 && !w->members[who].life_seen;
}

/* A CLAIM was applied; w->ledger is what it made of `before`. */
void sim_check_claim(sim_world *w, int who, const irx_op *op, const irx_record *before)
{
    const irx_record *record = &w->ledger.record;
    sim_member *m = &w->members[who];
    if (irx_id_equal(before->successor, op->session))
        m->rest_until_ns = 0; /* it was asked to */
    if (w->clock_back_ms == 0 && record->term <= w->highest_term)
        sim_fail(w, SIM_INV_TOKENS, "member %d acquires term %llu after term %llu", who + 1,
                 (unsigned long long)record->term, (unsigned long long)w->highest_term);
    if (op->first_term && record->term <= m->highest_seen)
        sim_fail(w, SIM_INV_TOKENS, "member %d acquires term %llu, and has seen term %llu", who + 1,
                 (unsigned long long)record->term, (unsigned long long)m->highest_seen);
    if (record->term > w->highest_term)
        w->highest_term = record->term;
    for (size_t i = w->acquisition_count; i-- > 0;) {
        if (irx_id_equal(w->acquisitions[i].session, before->session)) {
            w->acquisitions[i].process = before->process;
            break;
        }
    }
    if (fast_allows(w, who, op, before))
        excuse_earlier(w);
    if (w->acquisition_count == SIM_TOKENS_MAX) {
        sim_fail(w, SIM_INV_BOUNDS, "more than %d acquisitions", SIM_TOKENS_MAX);
        return;
    }
    w->acquisitions[w->acquisition_count++] = (sim_acquisition){
        .token = {record->term, record->incarnation},
        .session = record->session,
        .process = record->process,
        .member = who,
        .epoch_number = w->epoch_number,
    };
    if (op->kind == IRX_OP_CLAIM_IF_GONE)
        w->report->elected_if_gone++;
    if (op->by_votes)
        w->report->elected_by_votes++;
}

/* The record is another than before: whose time is over? */
void sim_check_record(sim_world *w)
{
    size_t recent = w->acquisition_count > 16 ? w->acquisition_count - 16 : 0;
    for (size_t i = recent; i < w->acquisition_count; i++) {
        sim_acquisition *a = &w->acquisitions[i];
        const irx_record *r = &w->ledger.record;
        if (!w->ledger.has_record || r->term == 0)
            a->lost = true;
        else if (r->term != a->token.term || !irx_id_equal(r->session, a->session) ||
                 !irx_id_equal(r->incarnation, a->token.incarnation))
            a->superseded = true;
    }
}

static void check_elected(sim_world *w, int who, irx_token token)
{
    sim_member *m = &w->members[who];
    irx_id session = irx_engine_session(m->engine);
    if (m->led.term != 0)
        sim_fail(w, SIM_INV_ORDER, "member %d is elected twice without a defeat", who + 1);
    m->led = token;
    m->acquisition = 0;
    for (size_t i = 0; i < w->acquisition_count; i++) {
        sim_acquisition *a = &w->acquisitions[i];
        if (!same_token(a->token, token))
            continue;
        if (a->elected || !irx_id_equal(a->session, session))
            sim_fail(w, SIM_INV_TOKENS, "the token of term %llu is handed out twice",
                     (unsigned long long)token.term);
        a->elected = true;
        m->acquisition = i + 1;
    }
    if (m->acquisition == 0)
        sim_fail(w, SIM_INV_TOKENS, "member %d is elected with a token that the store never gave",
                 who + 1);
    w->report->elected++;
}

/* ---- 3: fencing --------------------------------------------------------------------------------
 */

/* A resource that compares tokens takes the newest acquisition's writes, and none of an older one
 * once it has seen a newer. */
void sim_check_write(sim_world *w, int who, irx_token token)
{
    sim_member *m = &w->members[who];
    if (token.term == 0)
        return;
    size_t number = 0;
    for (size_t i = w->acquisition_count; i > 0 && number == 0; i--) {
        if (same_token(w->acquisitions[i - 1].token, token))
            number = i;
    }
    bool taken = token.term > w->accepted.term || same_token(token, w->accepted);
    if (taken) {
        if (number < w->accepted_acquisition && w->clock_back_ms == 0)
            sim_fail(w, SIM_INV_FENCING, "term %llu is taken, acquired before term %llu",
                     (unsigned long long)token.term, (unsigned long long)w->accepted.term);
        w->accepted = token;
        w->accepted_acquisition = number;
        return;
    }
    w->report->refused_writes++;
    const irx_record *r = &w->ledger.record;
    bool holder = w->ledger.has_record && same_token(token, (irx_token){r->term, r->incarnation}) &&
                  irx_id_equal(r->session, irx_engine_session(m->engine)) &&
                  irx_id_equal(w->epoch, r->epoch);
    bool noticed = number > 0 && !w->acquisitions[number - 1].excused && m->excused_ns <= w->now_ns;
    bool judged = w->clock_back_ms == 0 && !w->beyond_drift; /* else it may believe for too long */
    if (holder && noticed && w->now_ns < m->valid_true_ns && judged)
        sim_fail(w, SIM_INV_FENCING, "the holder's term %llu is refused after term %llu",
                 (unsigned long long)token.term, (unsigned long long)w->accepted.term);
}

/* ---- 5 and 6: what is told ---------------------------------------------------------------------
 */

void sim_check_snapshot(sim_world *w, int who, const irx_snapshot *snapshot, int64_t step_ns)
{
    sim_member *m = &w->members[who];
    const irx_snapshot *last = &m->snapshot;
    if (last->token.term != 0 && same_token(last->token, snapshot->token) &&
        last->valid_until_ns <= step_ns && snapshot->valid_until_ns > step_ns)
        sim_fail(w, SIM_INV_ORDER, "term %llu of member %d had expired and revives",
                 (unsigned long long)last->token.term, who + 1);
    if (last->token.term != 0 && snapshot->token.term == 0)
        m->ended_ns = last->valid_until_ns;
    m->snapshot = *snapshot;
    m->valid_true_ns =
        snapshot->valid_until_ns == 0 ? INT64_MIN : sim_true(m, snapshot->valid_until_ns);
    if (w->now_ns < m->valid_true_ns && m->excused_ns <= w->now_ns && m->led.term != 0)
        sim_check_write(w, who, snapshot->token);
}

static bool others_known(const sim_member *m)
{
    irx_id self = irx_engine_session(m->engine);
    for (size_t i = 0; i < m->row_count; i++) {
        if (m->rows[i].candidate && !irx_id_equal(m->rows[i].session, self))
            return true;
    }
    return false;
}

static bool has_cause(const sim_world *w, int who, irx_reason reason, int64_t step_ns)
{
    const sim_member *m = &w->members[who];
    const sim_acquisition *a = &w->acquisitions[m->acquisition - 1];
    switch (reason) {
    case IRX_REASON_RESIGNED:
    case IRX_REASON_TRANSFERRED:
    case IRX_REASON_STOPPED: return m->told_draining;
    case IRX_REASON_EXPIRED:
    case IRX_REASON_CUT_OFF: return step_ns >= m->ended_ns;
    case IRX_REASON_PRESENCE_LOST:
        return w->plan->takeover == IRX_TAKEOVER_FAST && !irx_id_none(m->lost[0]);
    case IRX_REASON_SUPERSEDED: return a->superseded;
    case IRX_REASON_RECORD_LOST: return a->lost;
    case IRX_REASON_STORE_CHANGED: return w->epoch_number > a->epoch_number;
    case IRX_REASON_CLOCK_JUMP: return m->jump_unseen;
    case IRX_REASON_HOST_STALLED:
        return m->options.stall_limit_ns > 0 && m->silent &&
               step_ns - m->pulse_ns >= m->options.stall_limit_ns;
    default: return false;
    }
}

static void check_defeated(sim_world *w, int who, const irx_output *o, int64_t step_ns)
{
    sim_member *m = &w->members[who];
    irx_reason reason = o->event.reason;
    bool given_up = reason == IRX_REASON_RESIGNED || reason == IRX_REASON_TRANSFERRED ||
                    reason == IRX_REASON_STOPPED;
    if (m->led.term == 0 || !same_token(m->led, o->event.token)) {
        sim_fail(w, SIM_INV_ORDER, "member %d is defeated without having been elected", who + 1);
        return;
    }
    w->report->defeated[reason]++;
    if (w->calm)
        sim_quiet_lost(w, who, reason);
    if (!has_cause(w, who, reason, step_ns))
        sim_fail(w, SIM_INV_LATE, "member %d loses term %llu (%s) without its cause", who + 1,
                 (unsigned long long)m->led.term, irx_reason_text(reason));
    int64_t limit_ns = m->drain_since_ns + m->options.drain_limit_ns;
    if (given_up && m->work > 0 && step_ns < limit_ns)
        sim_fail(w, SIM_INV_DRAIN, "member %d gives term %llu up while work runs", who + 1,
                 (unsigned long long)m->led.term);
    if (reason == IRX_REASON_RESIGNED || reason == IRX_REASON_TRANSFERRED)
        m->rest_until_ns = step_ns + m->options.timeout_ns / 2 * 3;
    m->led = (irx_token){0};
    m->told_draining = false;
    m->acquisition = 0;
}

void sim_check_event(sim_world *w, int who, const irx_output *o, int64_t step_ns)
{
    sim_member *m = &w->members[who];
    switch (o->event.kind) {
    case IRX_EVENT_STARTED:
        if (m->started)
            sim_fail(w, SIM_INV_ORDER, "member %d started twice", who + 1);
        m->started = true;
        w->report->started++;
        break;
    case IRX_EVENT_ELECTED:
        check_elected(w, who, o->event.token);
        sim_name(w, irx_engine_session(m->engine), 's', who);
        if (step_ns < m->rest_until_ns && others_known(m))
            sim_fail(w, SIM_INV_HANDOVER, "member %d leads again though it gave up just now",
                     who + 1);
        m->rest_until_ns = 0;
        if (w->now_ns < m->valid_true_ns)
            sim_check_write(w, who, o->event.token);
        if (w->calm)
            sim_quiet_led(w, who);
        break;
    case IRX_EVENT_DRAINING:
        if (m->led.term == 0 || m->told_draining)
            sim_fail(w, SIM_INV_ORDER, "member %d drains out of turn", who + 1);
        m->told_draining = true;
        m->drain_since_ns = step_ns;
        w->report->draining++;
        break;
    case IRX_EVENT_DEFEATED: check_defeated(w, who, o, step_ns); break;
    case IRX_EVENT_ROLE:
        if (o->event.previous != m->role)
            sim_fail(w, SIM_INV_ORDER, "member %d was %s, not %s", who + 1, irx_role_text(m->role),
                     irx_role_text(o->event.previous));
        m->role = o->event.role;
        break;
    case IRX_EVENT_STOPPED:
        if (m->led.term != 0)
            sim_fail(w, SIM_INV_ORDER, "member %d stopped while it leads", who + 1);
        w->report->stopped++;
        break;
    default: break;
    }
}

/* Before they are carried out: the snapshot comes before the event, and that before traffic. */
static void check_order(sim_world *w, int who, const irx_outputs *outputs)
{
    irx_token published = w->members[who].snapshot.token;
    for (size_t i = 0; i < outputs->count; i++) {
        const irx_output *o = &outputs->list[i];
        if (o->kind == IRX_OUT_SNAPSHOT)
            published = o->snapshot.token;
        bool defeated = o->kind == IRX_OUT_EVENT && o->event.kind == IRX_EVENT_DEFEATED;
        bool release = o->kind == IRX_OUT_OP && o->op.kind == IRX_OP_RELEASE;
        if ((defeated || release) && published.term != 0)
            sim_fail(w, SIM_INV_ORDER, "member %d %s while its snapshot still says yes", who + 1,
                     release ? "releases" : "is told of its defeat");
        bool elected = o->kind == IRX_OUT_EVENT && o->event.kind == IRX_EVENT_ELECTED;
        if (elected && !same_token(published, o->event.token))
            sim_fail(w, SIM_INV_ORDER, "member %d is elected before its snapshot says so", who + 1);
    }
}

/* ---- 7: bounds ---------------------------------------------------------------------------------
 */

static void count_operations(sim_world *w, sim_member *m, int who, const irx_outputs *outputs)
{
    if (w->now_ns - m->window_ns >= 1000 * SIM_MS) {
        m->window_ns = w->now_ns;
        m->window_ops = m->window_messages = m->window_beats = 0;
    }
    for (size_t i = 0; i < outputs->count; i++) {
        if (outputs->list[i].kind == IRX_OUT_OP) {
            m->window_ops++;
            m->op_sent_ns = w->now_ns;
        }
        m->window_messages += outputs->list[i].kind == IRX_OUT_SEND ? 1 : 0;
    }
    if (m->window_messages > MESSAGES_A_SECOND + m->window_beats)
        sim_fail(w, SIM_INV_BOUNDS,
                 "member %d sends %u messages in a second, and received %u beats", who + 1,
                 m->window_messages, m->window_beats);
    if (m->window_ops > OPERATIONS_A_SECOND)
        sim_fail(w, SIM_INV_BOUNDS, "member %d sends more than %d operations in a second", who + 1,
                 OPERATIONS_A_SECOND);
}

void sim_check_outputs(sim_world *w, int who, irx_input_kind kind, const irx_outputs *outputs)
{
    sim_member *m = &w->members[who];
    if (outputs->count > w->report->most_outputs)
        w->report->most_outputs = outputs->count;
    if (outputs->count > IRX_OUTPUTS_MAX)
        sim_fail(w, SIM_INV_BOUNDS, "%zu outputs of one step", outputs->count);
    if (kind == IRX_IN_TIMEOUT) {
        m->spins = w->now_ns - m->spin_ns < 1000 ? m->spins + 1 : 0;
        m->spin_ns = w->now_ns;
    }
    if (m->spins > SPINS)
        sim_fail(w, SIM_INV_BOUNDS, "member %d asks to be woken again and again", who + 1);
    count_operations(w, m, who, outputs);
    check_order(w, who, outputs);
}

/* After a step whose outputs are all carried out. */
void sim_check_step(sim_world *w, int who, const irx_input *input, const irx_outputs *outputs)
{
    sim_member *m = &w->members[who];
    (void)outputs;
    m->jump_unseen = false;
    m->excused_ns = 0;
    int64_t stall_ns = m->options.stall_limit_ns;
    if (stall_ns > 0 && input->now_ns - input->pulse_ns >= stall_ns && m->snapshot.token.term != 0)
        sim_fail(w, SIM_INV_HOST, "member %d leads though its host is silent", who + 1);
    if (m->role == IRX_ROLE_DRAINING &&
        input->now_ns >= m->drain_since_ns + m->options.drain_limit_ns)
        sim_fail(w, SIM_INV_DRAIN, "member %d still drains after its limit", who + 1);
}
