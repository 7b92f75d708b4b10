/* Protocol `quorum`, the members' side: who hears the leader, who is asked, and who votes.
 *
 * The store pushes a BEAT with every renewal that it took. A member acknowledges the beats of the
 * leadership that the record shows; one that has not heard it for a hold calls for votes. To vote
 * is to promise never to acknowledge that leadership again, so a majority of votes and half of the
 * voters' acknowledgements always share a member. It decides no claim: lease.c does, to which votes
 * are one more opening beside its own. What a leader makes of acknowledgements is in voters.c. */
#include "engine/internal.h"

bool irx__quorum(const irx_engine *e)
{
    return e->options.protocol == IRX_PROTOCOL_QUORUM;
}

/* Whoever sends has joined, so that its row names this presence already. */
static irx_message *send(irx_engine *e, irx_message_kind kind, irx_id to)
{
    irx_message *message = &irx__output(e, IRX_OUT_SEND)->message;
    message->kind = kind;
    message->from = e->session;
    message->presence = irx_presence_digest(e->process);
    message->to = to;
    return message;
}

static irx_token recorded(const irx_engine *e)
{
    return (irx_token){e->record.term, e->record.incarnation};
}

static bool same_token(irx_token a, irx_token b)
{
    return a.term == b.term && irx_id_equal(a.incarnation, b.incarnation);
}

/* Another leadership is recorded than before: from now on its silence counts. */
void irx__quorum_shifted(irx_engine *e)
{
    e->quorum.heard_ns = e->now_ns;
    e->quorum.heard_beat = 0;
}

static int64_t silent_at(const irx_engine *e)
{
    return e->quorum.heard_ns + irx__hold(e);
}

static bool is_silent(const irx_engine *e)
{
    return e->now_ns >= silent_at(e) || !IRX__RULE(VOTE_SILENCE);
}

static bool is_promised(const irx_engine *e)
{
    return same_token(e->quorum.promised, recorded(e)) && IRX__RULE(VOTE_BINDS);
}

static bool is_listed(const irx_record *record, irx_id session)
{
    for (uint32_t i = 0; i < record->voter_count; i++) {
        if (irx_id_equal(record->voters[i], session)) {
            return true;
        }
    }
    return false;
}

/* With many members, and where the time-out leaves room for it, every second beat is enough; then
 * one half of the ranks answers the even ones. */
int64_t irx__quorum_interval(const irx_engine *e)
{
    bool sparse = e->others >= 5 && e->options.timeout_ns >= 5 * e->options.heartbeat_ns;
    return sparse ? 2 : 1;
}

/* ---- beats and acknowledgements -------------------------------------------------------------- */

static void acknowledge(irx_engine *e, const irx_message *beat)
{
    bool room = e->record.voter_count < IRX_VOTERS_MAX || is_listed(&e->record, e->session);
    bool turn = (beat->beat + e->rank) % (uint64_t)irx__quorum_interval(e) == 0;
    if (!e->options.candidate || !e->joined || !room || !turn || is_promised(e)) {
        return;
    }
    irx_message *ack = send(e, IRX_MESSAGE_ACK, beat->from);
    ack->token = beat->token;
    ack->beat = beat->beat;
}

/* A beat is news of the record that this member knows, or a reason to read it. */
static void beat(irx_engine *e, const irx_message *message)
{
    bool known = irx__held_by_other(e) && e->under_epoch &&
                 irx_id_equal(e->record.session, message->from) &&
                 same_token(recorded(e), message->token);
    if (!known) {
        e->hinted =
            e->hinted || e->knowledge != IRX__PRESENT || message->token.term > e->record.term;
        return;
    }
    if (message->beat <= e->quorum.heard_beat) {
        return;
    }
    e->quorum.heard_beat = message->beat;
    e->quorum.heard_ns = e->now_ns;
    irx__view_beat(e, message->beat, message->hold_ns);
    acknowledge(e, message);
}

/* ---- calls and votes ------------------------------------------------------------------------- */

/* Is it about the leadership that this member knows? */
static bool names_record(irx_engine *e, const irx_message *message)
{
    bool named = e->knowledge == IRX__PRESENT && e->under_epoch &&
                 same_token(recorded(e), message->token) &&
                 irx_id_equal(e->record.session, message->holder);
    e->hinted = e->hinted || (!named && message->token.term > e->record.term);
    return named;
}

/* Nobody votes against a record of its own: that a leader acknowledges itself needs no message. */
static void called(irx_engine *e, const irx_message *call)
{
    bool own = irx_id_equal(call->holder, e->session) && IRX__RULE(VOTE_NOT_SELF);
    if (!names_record(e, call) || own || !is_silent(e) || !e->joined) {
        return;
    }
    irx__trace(e, "votes against term %llu", (unsigned long long)call->token.term);
    e->quorum.promised = call->token;
    irx_message *vote = send(e, IRX_MESSAGE_VOTE, call->from);
    vote->token = call->token;
    vote->holder = call->holder;
}

static void add_vote(irx_engine *e, irx_id voter)
{
    for (uint32_t i = 0; i < e->quorum.vote_count; i++) {
        if (irx_id_equal(e->quorum.votes[i], voter)) {
            return;
        }
    }
    if (e->quorum.vote_count < IRX_VOTERS_MAX) {
        e->quorum.votes[e->quorum.vote_count++] = voter;
    }
}

/* Votes are against what was called; another leadership makes them void. */
static bool counts(const irx_engine *e)
{
    return same_token(e->quorum.called, recorded(e)) || !IRX__RULE(VOTE_NAMES);
}

static void voted(irx_engine *e, const irx_message *vote)
{
    bool named = same_token(vote->token, e->quorum.called) || !IRX__RULE(VOTE_NAMES);
    if (named && counts(e)) {
        add_vote(e, vote->from);
    }
}

/* The own vote is given when it is used: a call that nobody follows binds nobody. */
static bool has_majority(const irx_engine *e)
{
    uint32_t votes = is_listed(&e->record, e->session) ? 1 : 0;
    for (uint32_t i = 0; i < e->quorum.vote_count; i++) {
        bool other = !irx_id_equal(e->quorum.votes[i], e->session);
        votes += other && is_listed(&e->record, e->quorum.votes[i]) ? 1 : 0;
    }
    return votes * 2 > e->record.voter_count || !IRX__RULE(VOTES_COUNTED);
}

/* May this member claim by votes, as far as it knows? */
bool irx__quorum_won(const irx_engine *e)
{
    return irx__quorum(e) && irx__held_by_other(e) && e->quorum.vote_count > 0 && counts(e) &&
           is_silent(e) && has_majority(e);
}

/* A claim by votes spends the own one. */
void irx__quorum_spend(irx_engine *e, irx_op *op)
{
    e->quorum.promised = recorded(e);
    add_vote(e, e->session);
    op->by_votes = true;
    op->voter_count = e->quorum.vote_count;
    for (uint32_t i = 0; i < op->voter_count; i++) {
        op->voters[i] = e->quorum.votes[i];
    }
}

/* Asks everybody, and again after a random while. */
void irx__quorum_call(irx_engine *e)
{
    bool concerned = irx__quorum(e) && e->options.candidate && !e->stalled && e->joined &&
                     irx__held_by_other(e) && e->under_epoch &&
                     irx_id_equal(e->record.epoch, e->epoch) && e->channel[IRX_CHANNEL_PRESENCE].up;
    if (!concerned) {
        return;
    }
    int64_t due_ns = silent_at(e) + irx__stagger(e);
    if (!counts(e)) {
        e->quorum.call_at_ns = 0;
    }
    due_ns = due_ns > e->quorum.call_at_ns ? due_ns : e->quorum.call_at_ns;
    if (e->now_ns < due_ns) {
        irx__want(e, due_ns);
        return;
    }
    if (!same_token(e->quorum.called, recorded(e)) && IRX__RULE(VOTE_NAMES)) {
        e->quorum.vote_count = 0;
    }
    e->quorum.called = recorded(e);
    int64_t half_ns = e->options.timeout_ns / 2;
    int64_t draw_ns = (int64_t)(irx__random_next(e) % (uint64_t)half_ns);
    e->quorum.call_at_ns = e->now_ns + half_ns + draw_ns;
    irx__want(e, e->quorum.call_at_ns);
    irx__trace(e, "calls for votes against term %llu", (unsigned long long)e->record.term);
    irx_message *call = send(e, IRX_MESSAGE_CALL, (irx_id){0, 0});
    call->token = recorded(e);
    call->holder = e->record.session;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* A session that is not the sender's: a copy of a guest, a life that is over, or a member whose row
 * we have not read yet. */
static bool is_genuine(irx_engine *e, const irx_message *message)
{
    if (irx_message_genuine(message, e->input->members, e->input->member_count) ||
        !IRX__RULE(GENUINE)) {
        return true;
    }
    irx__trace(e, "a message under another presence than its sender's is dropped");
    e->hinted = true;
    return false;
}

void irx__quorum_message(irx_engine *e)
{
    const irx_message *message = &e->input->message;
    bool ours = irx_id_none(message->to) || irx_id_equal(message->to, e->session);
    if (!irx__quorum(e) || !ours || irx_id_equal(message->from, e->session)) {
        return;
    }
    bool from_store = message->kind == IRX_MESSAGE_BEAT;
    if (!from_store && !is_genuine(e, message)) {
        return;
    }
    if (message->kind == IRX_MESSAGE_ACK) {
        irx__voters_acknowledged(e, message); /* while work drains, too */
    } else if (e->stopping) {
        return;
    } else if (from_store) {
        beat(e, message);
    } else if (message->kind == IRX_MESSAGE_CALL) {
        called(e, message);
    } else if (message->kind == IRX_MESSAGE_VOTE) {
        voted(e, message);
    }
}
