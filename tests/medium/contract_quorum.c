/* Protocol quorum in the store: BEATs that it pushes with the renewals that it takes, the list of
 * voters in the record, and claims by votes, which it counts. */
#include "contract.h"
#include "runtime/error.h"

#include <string.h>

enum { QUIET_MS = 100 };

static void lists(const irx_record *record, uint64_t list, const irx_id *voters, uint32_t count)
{
    assert_int_equal(record->list, list);
    assert_int_equal(record->voter_count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_id_equal(record->voters[i], voters[i]);
}

/* The holder's next renewal, which writes this list. */
static irx_op with_list(const peer_seat *s, const irx_record *held, uint64_t list,
                        const irx_id *voters, uint32_t count)
{
    irx_op renew = peer_renew(s, held, held->beat + 1);
    renew.list_changed = true;
    renew.list = list;
    renew.voter_count = count;
    memcpy(renew.voters, voters, count * sizeof *voters);
    return renew;
}

static irx_record renewed(peer_seat *s, const irx_op *renew)
{
    irx_result result = peer_do(s, renew);
    assert_int_equal(result.status, IRX_RESULT_OK);
    return result.record;
}

/* ---- beats ----------------------------------------------------------------------------------- */

static void is_beat(peer_seat *hearer, unsigned n, const peer_seat *from, const irx_record *record)
{
    const peer_message *one = peer_message_at(hearer, n);
    assert_true(one->to_all);
    assert_int_equal(one->read.kind, IRX_MESSAGE_BEAT);
    assert_id_equal(one->read.from, from->session);
    assert_int_equal(one->read.presence, irx_presence_digest(peer_presence(from)));
    assert_int_equal(one->read.token.term, record->term);
    assert_id_equal(one->read.token.incarnation, record->incarnation);
    assert_int_equal(one->read.beat, record->beat);
    assert_int_equal(one->read.hold_ns, record->hold_ns);
    assert_int_equal(one->read.length, 0);
}

static void renewal_pushes_a_beat_to_everybody(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *far = contract_joined(c, "billing", "far");
    peer_seat *near = peer_sit(a->peer, "billing", "near");
    peer_seat *elsewhere = peer_sit(far->peer, "reports", "elsewhere");
    irx_record held = peer_lead_quorum(a);
    assert_int_equal(held.protocol, IRX_PROTOCOL_QUORUM);
    for (unsigned n = 1; n <= 3; n++) {
        irx_op renew = peer_renew(a, &held, held.beat + 2);
        held = renewed(a, &renew);
        is_beat(far, n, a, &held);
        is_beat(near, n, a, &held);
        is_beat(a, n, a, &held);
    }
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(far->messages + near->messages + a->messages, 9);
    assert_int_equal(elsewhere->messages, 0);
    peer_free(elsewhere);
    peer_free(near);
    peer_end(far);
    peer_end(a);
}

/* A leader that the store refuses has no voice. Nor does anything but a renewal beat. */
static void refused_renewal_pushes_nothing(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead_quorum(a);
    irx_op late = peer_renew(a, &held, held.beat);
    assert_int_equal(peer_do(a, &late).status, IRX_RESULT_STALE);
    irx_op foreign = peer_renew(b, &held, held.beat + 1);
    assert_int_equal(peer_do(b, &foreign).status, IRX_RESULT_STALE);
    irx_op lost = peer_renew(a, &held, held.beat + 1);
    lost.epoch = irx__random_id();
    assert_int_equal(peer_do(a, &lost).status, IRX_RESULT_EPOCH);
    irx_op value = peer_publish(a, &held, "value", 5);
    assert_int_equal(peer_do(a, &value).status, IRX_RESULT_OK);
    irx_op release = peer_release(a, &held);
    assert_int_equal(peer_do(a, &release).status, IRX_RESULT_OK);
    irx_op renew = peer_renew(a, &held, held.beat + 1);
    assert_int_equal(peer_do(a, &renew).status, IRX_RESULT_STALE);
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(a->messages + b->messages, 0);
    peer_end(b);
    peer_end(a);
}

static void lease_has_neither_beats_nor_voters(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    lists(&held, 0, NULL, 0);
    irx_op renew = with_list(a, &held, 2, &a->session, 1);
    held = renewed(a, &renew);
    lists(&held, 0, NULL, 0);
    held = peer_read(b);
    lists(&held, 0, NULL, 0);
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(a->messages + b->messages, 0);
    peer_end(b);
    peer_end(a);
}

/* A beat is of the presence that the leader has now. */
static void beat_names_the_present_presence(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead_quorum(a);
    irx_id before = peer_presence(a);
    peer_disconnect(a->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_up(a->peer, IRX_CHANNEL_PRESENCE));
    assert_false(irx_id_equal(before, peer_presence(a)));
    irx_op renew = peer_renew(a, &held, held.beat + 1);
    held = renewed(a, &renew);
    is_beat(b, 1, a, &held);
    peer_end(b);
    peer_end(a);
}

/* ---- the list of voters ---------------------------------------------------------------------- */

static void claim_lists_its_claimant_alone(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead_quorum(a);
    lists(&held, 1, &a->session, 1);
    const irx_id both[] = {a->session, b->session};
    irx_op renew = with_list(a, &held, 2, both, 2);
    held = renewed(a, &renew);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &held);
    held = renewed(b, &claim);
    lists(&held, 1, &b->session, 1);
    held = peer_read(a);
    lists(&held, 1, &b->session, 1);
    peer_end(b);
    peer_end(a);
}

static void list_is_written_only_where_it_changed(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead_quorum(a);
    const irx_id both[] = {a->session, b->session};
    irx_op renew = with_list(a, &held, 2, both, 2);
    renew.list_changed = false;
    held = renewed(a, &renew);
    lists(&held, 1, &a->session, 1);
    renew = with_list(a, &held, 2, both, 2);
    held = renewed(a, &renew);
    lists(&held, 2, both, 2);
    renew = peer_renew(a, &held, held.beat + 1);
    held = renewed(a, &renew);
    lists(&held, 2, both, 2);
    /* Refused, it writes nothing. */
    renew = with_list(a, &held, 3, both, 1);
    renew.beat = held.beat;
    assert_int_equal(peer_do(a, &renew).status, IRX_RESULT_STALE);
    held = peer_read(b);
    lists(&held, 2, both, 2);
    renew = with_list(a, &held, 3, both, 1);
    held = renewed(a, &renew);
    lists(&held, 3, both, 1);
    peer_end(b);
    peer_end(a);
}

static void list_has_room_for_all_its_voters(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead_quorum(a);
    irx_id voters[IRX_VOTERS_MAX] = {a->session};
    for (int i = 1; i < IRX_VOTERS_MAX; i++)
        voters[i] = irx__random_id();
    irx_op renew = with_list(a, &held, 2, voters, IRX_VOTERS_MAX);
    held = renewed(a, &renew);
    lists(&held, 2, voters, IRX_VOTERS_MAX);
    held = peer_read(b);
    lists(&held, 2, voters, IRX_VOTERS_MAX);
    peer_end(b);
    peer_end(a);
}

static void release_empties_the_list(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead_quorum(a);
    const irx_id both[] = {a->session, b->session};
    irx_op renew = with_list(a, &held, 2, both, 2);
    held = renewed(a, &renew);
    irx_op release = peer_release(a, &held);
    irx_record vacant = renewed(a, &release);
    assert_int_equal(vacant.voter_count, 0);
    vacant = peer_read(b);
    assert_int_equal(vacant.voter_count, 0);
    /* Of no voters nobody has the most votes; the others may claim as ever. */
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &vacant);
    claim.by_votes = true;
    claim.voter_count = 2;
    memcpy(claim.voters, both, sizeof both);
    assert_int_equal(peer_do(b, &claim).status, IRX_RESULT_CONFLICT);
    claim.by_votes = false;
    vacant = renewed(b, &claim);
    lists(&vacant, 1, &b->session, 1);
    peer_end(b);
    peer_end(a);
}

/* ---- votes ----------------------------------------------------------------------------------- */

enum { VOTERS = 4 };

/* A leader with a list of four, the last of which is `b`. */
typedef struct scene {
    peer_seat *a;
    peer_seat *b;
    irx_id voters[VOTERS];
    irx_record held;
} scene;

static scene set(contract *c)
{
    scene s = {.a = contract_joined(c, "billing", "a"), .b = contract_joined(c, "billing", "b")};
    s.held = peer_lead_quorum(s.a);
    s.voters[0] = s.a->session;
    s.voters[1] = irx__random_id();
    s.voters[2] = irx__random_id();
    s.voters[3] = s.b->session;
    irx_op renew = with_list(s.a, &s.held, 2, s.voters, VOTERS);
    s.held = renewed(s.a, &renew);
    return s;
}

static void strike_the_set(scene *s)
{
    peer_end(s->b);
    peer_end(s->a);
}

static irx_op claim_with(const scene *s, const irx_id *votes, uint32_t count)
{
    irx_op claim = peer_claim(s->b, IRX_OP_CLAIM, &s->held);
    claim.by_votes = true;
    claim.voter_count = count;
    if (count > 0)
        memcpy(claim.voters, votes, count * sizeof *votes);
    return claim;
}

static void is_refused(scene *s, const irx_op *claim)
{
    irx_result result = peer_do(s->b, claim);
    assert_int_equal(result.status, IRX_RESULT_CONFLICT);
    assert_record_equal(&result.record, &s->held);
    irx_record seen = peer_read(s->a);
    assert_record_equal(&seen, &s->held);
}

static void claim_by_votes_needs_more_than_half(contract *c)
{
    scene s = set(c);
    irx_op claim = claim_with(&s, s.voters + 3, 1);
    is_refused(&s, &claim);
    claim = claim_with(&s, s.voters + 2, 2);
    is_refused(&s, &claim);
    claim = claim_with(&s, s.voters + 1, 3);
    irx_record next = renewed(s.b, &claim);
    assert_id_equal(next.session, s.b->session);
    assert_int_equal(next.term, s.held.term + 1);
    lists(&next, 1, &s.b->session, 1);
    strike_the_set(&s);
}

/* Who is not in the record's list has no vote, and nobody has two. */
static void only_voters_of_the_record_count_and_once(contract *c)
{
    scene s = set(c);
    const irx_id strangers[] = {s.voters[3], irx__random_id(), irx__random_id(), irx__random_id()};
    irx_op claim = claim_with(&s, strangers, 4);
    is_refused(&s, &claim);
    const irx_id doubles[] = {s.voters[3], s.voters[2], s.voters[3], s.voters[2]};
    claim = claim_with(&s, doubles, 4);
    is_refused(&s, &claim);
    claim = claim_with(&s, NULL, 0);
    is_refused(&s, &claim);
    const irx_id enough[] = {irx__random_id(), s.voters[3], s.voters[3], s.voters[1], s.voters[2]};
    claim = claim_with(&s, enough, 5);
    renewed(s.b, &claim);
    strike_the_set(&s);
}

/* The list in the record counts, whatever it was when the votes were asked for. */
static void votes_count_against_the_list_of_the_moment(contract *c)
{
    scene s = set(c);
    irx_id more[VOTERS + 2];
    memcpy(more, s.voters, sizeof s.voters);
    more[VOTERS] = irx__random_id();
    more[VOTERS + 1] = irx__random_id();
    irx_op renew = with_list(s.a, &s.held, 3, more, VOTERS + 2);
    s.held = renewed(s.a, &renew);
    irx_op claim = claim_with(&s, s.voters + 1, 3);
    is_refused(&s, &claim);
    renew = with_list(s.a, &s.held, 4, more, 1);
    s.held = renewed(s.a, &renew);
    claim = claim_with(&s, s.voters + 1, 3);
    is_refused(&s, &claim);
    strike_the_set(&s);
}

/* Votes are no substitute for having read: another beat, term or session refuses the claim. */
static void voted_claim_still_expects_the_record(contract *c)
{
    scene s = set(c);
    irx_op claim = claim_with(&s, s.voters + 1, 3);
    irx_op renew = peer_renew(s.a, &s.held, s.held.beat + 1);
    s.held = renewed(s.a, &renew);
    is_refused(&s, &claim);
    claim = claim_with(&s, s.voters + 1, 3);
    claim.expected.term++;
    is_refused(&s, &claim);
    claim = claim_with(&s, s.voters + 1, 3);
    claim.expected.session = s.b->session;
    is_refused(&s, &claim);
    claim = claim_with(&s, s.voters + 1, 3);
    renewed(s.b, &claim);
    strike_the_set(&s);
}

static const contract_case CASES[] = {
    CASE(renewal_pushes_a_beat_to_everybody, ONLY_WITH_QUORUM),
    CASE(refused_renewal_pushes_nothing, ONLY_WITH_QUORUM),
    CASE(lease_has_neither_beats_nor_voters, EVERYWHERE),
    CASE(beat_names_the_present_presence, ONLY_WITH_QUORUM),
    CASE(claim_lists_its_claimant_alone, ONLY_WITH_QUORUM),
    CASE(list_is_written_only_where_it_changed, ONLY_WITH_QUORUM),
    CASE(list_has_room_for_all_its_voters, ONLY_WITH_QUORUM),
    CASE(release_empties_the_list, ONLY_WITH_QUORUM),
    CASE(claim_by_votes_needs_more_than_half, ONLY_WITH_QUORUM),
    CASE(only_voters_of_the_record_count_and_once, ONLY_WITH_QUORUM),
    CASE(votes_count_against_the_list_of_the_moment, ONLY_WITH_QUORUM),
    CASE(voted_claim_still_expects_the_record, ONLY_WITH_QUORUM),
};
const contract_topic CONTRACT_QUORUM = TOPIC(CASES);
