/* Hints: the others at an election learn at once that something may have changed. */
#include "contract.h"
#include "runtime/error.h"

/* Two others: one in a process of its own, one in the sender's. */
typedef struct scene {
    peer_seat *sender;
    peer_seat *far;
    peer_seat *near;
} scene;

static scene set(contract *c)
{
    scene s;
    s.sender = contract_member(c, "billing", "sender");
    s.far = contract_member(c, "billing", "far");
    s.near = peer_sit(s.sender->peer, "billing", "near");
    assert_int_equal(peer_say(s.sender, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(peer_say(s.far, IRX_OP_JOIN).status, IRX_RESULT_OK);
    assert_int_equal(peer_say(s.near, IRX_OP_JOIN).status, IRX_RESULT_OK);
    peer_run_ms(c->loop, 50);
    s.far->hints = s.near->hints = 0;
    return s;
}

static void both_are_told(contract *c, scene *s)
{
    assert_true(peer_wait(c->loop, &s->far->hints, 1));
    assert_true(peer_wait(c->loop, &s->near->hints, 1));
    peer_run_ms(c->loop, 50);
    s->far->hints = s->near->hints = 0;
}

static void strike_the_set(scene *s)
{
    peer_free(s->near);
    peer_end(s->far);
    peer_end(s->sender);
}

static void claim_hints(contract *c)
{
    scene s = set(c);
    peer_lead(s.sender);
    both_are_told(c, &s);
    strike_the_set(&s);
}

static void release_hints(contract *c)
{
    scene s = set(c);
    irx_record held = peer_lead(s.sender);
    both_are_told(c, &s);
    irx_op release = peer_release(s.sender, &held);
    assert_int_equal(peer_do(s.sender, &release).status, IRX_RESULT_OK);
    both_are_told(c, &s);
    strike_the_set(&s);
}

static void claim_if_gone_hints(contract *c)
{
    scene s = set(c);
    peer_seat *leader = contract_member(c, "billing", "leader");
    irx_record held = peer_lead(leader);
    both_are_told(c, &s);
    peer_end(leader);
    peer_watch(s.sender, held.process);
    assert_true(peer_wait(c->loop, &s.sender->gones, 1));
    peer_run_ms(c->loop, 50);
    s.far->hints = s.near->hints = 0;
    irx_op claim = peer_claim(s.sender, IRX_OP_CLAIM_IF_GONE, &held);
    assert_int_equal(peer_do(s.sender, &claim).status, IRX_RESULT_OK);
    both_are_told(c, &s);
    strike_the_set(&s);
}

static void leave_hints(contract *c)
{
    scene s = set(c);
    assert_int_equal(peer_say(s.sender, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    both_are_told(c, &s);
    strike_the_set(&s);
}

/* At the latest when somebody strikes the dead member; a store that sees the death itself may tell
 * at once. */
static void death_and_strike_hint(contract *c)
{
    scene s = set(c);
    peer_seat *dead = contract_member(c, "billing", "dead");
    assert_int_equal(peer_say(dead, IRX_OP_JOIN).status, IRX_RESULT_OK);
    peer_run_ms(c->loop, 50);
    s.far->hints = s.near->hints = 0;
    irx_id process = peer_presence(dead);
    peer_end(dead);
    peer_watch(s.sender, process);
    assert_true(peer_wait(c->loop, &s.sender->gones, 1));
    assert_int_equal(peer_say(s.sender, IRX_OP_STRIKE).status, IRX_RESULT_OK);
    assert_int_equal(s.sender->seat.member_count, 3);
    both_are_told(c, &s);
    strike_the_set(&s);
}

/* What nobody can see is no reason to look. */
static void refused_and_reading_operations_do_not_hint(contract *c)
{
    scene s = set(c);
    irx_record held = peer_lead(s.sender);
    both_are_told(c, &s);
    irx_op claim = peer_claim(s.sender, IRX_OP_CLAIM, &held);
    claim.expected.beat++;
    peer_do(s.sender, &claim);
    peer_say(s.sender, IRX_OP_READ);
    peer_say(s.sender, IRX_OP_STRIKE);
    irx_op release = peer_release(s.sender, &held);
    release.term++;
    assert_int_equal(peer_do(s.sender, &release).status, IRX_RESULT_STALE);
    peer_run_ms(c->loop, 100);
    assert_int_equal(s.far->hints, 0);
    strike_the_set(&s);
}

static void hints_stay_in_their_election(contract *c)
{
    scene s = set(c);
    peer_seat *elsewhere = peer_sit(s.far->peer, "reports", "elsewhere");
    peer_say(elsewhere, IRX_OP_READ);
    peer_run_ms(c->loop, 50);
    unsigned before = elsewhere->hints;
    peer_lead(s.sender);
    both_are_told(c, &s);
    assert_int_equal(elsewhere->hints, before);
    peer_free(elsewhere);
    strike_the_set(&s);
}

static const contract_case CASES[] = {
    CASE(claim_hints, EVERYWHERE),
    CASE(release_hints, EVERYWHERE),
    CASE(claim_if_gone_hints, EVERYWHERE),
    CASE(leave_hints, EVERYWHERE),
    CASE(death_and_strike_hint, EVERYWHERE),
    CASE(refused_and_reading_operations_do_not_hint, EVERYWHERE),
    CASE(hints_stay_in_their_election, EVERYWHERE),
};
const contract_topic CONTRACT_HINTS = TOPIC(CASES);
