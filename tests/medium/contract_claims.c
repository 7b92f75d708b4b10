/* READ, CREATE, CLAIM: what a record is, and who may become its holder. */
#include "contract.h"
#include "runtime/clock.h"
#include "runtime/error.h"

/* An election that nobody created has no record, and READ says so without making one. */
static void read_of_nothing_is_absent(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    for (int i = 0; i < 2; i++) {
        irx_result result = peer_say(s, IRX_OP_READ);
        assert_int_equal(result.status, IRX_RESULT_ABSENT);
        assert_false(result.has_record);
        assert_id_equal(result.epoch, s->peer->id[IRX_CHANNEL_COMMAND]);
    }
    peer_end(s);
}

static irx_result create(peer_seat *s, irx_id incarnation)
{
    irx_op op = peer_op(s, IRX_OP_CREATE);
    op.incarnation = incarnation;
    return peer_do(s, &op);
}

static void create_makes_a_never_held_record(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_id incarnation = irx__random_id();
    irx_result result = create(s, incarnation);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_true(result.has_record);
    assert_int_equal(result.record.format, IRX_FORMAT);
    assert_int_equal(result.record.protocol, IRX_PROTOCOL_LEASE);
    assert_int_equal(result.record.takeover, IRX_TAKEOVER_FAST);
    assert_id_equal(result.record.incarnation, incarnation);
    assert_int_equal(result.record.term, 0);
    assert_true(irx_id_none(result.record.session));
    assert_true(irx_id_none(result.record.process));
    assert_false(result.record.presence_seen);
    assert_id_equal(result.record.epoch, s->peer->id[IRX_CHANNEL_COMMAND]);
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, &result.record);
    peer_end(s);
}

static void create_never_replaces_a_record(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record first = create(s, irx__random_id()).record;
    irx_result second = create(s, irx__random_id());
    assert_int_equal(second.status, IRX_RESULT_CONFLICT);
    assert_record_equal(&second.record, &first);
    irx_record held = peer_lead(s);
    irx_result third = create(s, irx__random_id());
    assert_int_equal(third.status, IRX_RESULT_CONFLICT);
    assert_record_equal(&third.record, &held);
    peer_end(s);
}

static void claim_of_nothing_is_absent(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    const irx_record none = {.incarnation = irx__random_id(), .takeover = IRX_TAKEOVER_FAST};
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &none);
    assert_int_equal(peer_do(s, &claim).status, IRX_RESULT_ABSENT);
    claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, &none);
    assert_int_equal(peer_do(s, &claim).status, IRX_RESULT_ABSENT);
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_end(s);
}

/* Every field of a claim is in the record, for everybody. */
static void claim_writes_the_holder(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "host:1");
    peer_seat *other = contract_member(c, "billing", "host:2");
    irx_record created = create(s, irx__random_id()).record;
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &created);
    claim.first_term = false;
    claim.term = 41;
    claim.beat = 7;
    claim.takeover = IRX_TAKEOVER_SAFE;
    irx_result result = peer_do(s, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(result.record.format, IRX_FORMAT);
    assert_int_equal(result.record.protocol, IRX_PROTOCOL_LEASE);
    assert_int_equal(result.record.takeover, IRX_TAKEOVER_SAFE);
    assert_id_equal(result.record.incarnation, created.incarnation);
    assert_int_equal(result.record.term, 41);
    assert_id_equal(result.record.session, s->session);
    assert_id_equal(result.record.process, peer_presence(s));
    assert_int_equal(result.record.beat, 7);
    assert_int_equal(result.record.hold_ns, claim.hold_ns);
    assert_id_equal(result.record.epoch, s->peer->id[IRX_CHANNEL_COMMAND]);
    assert_true(irx_id_none(result.record.successor));
    assert_string_equal(result.record.label, "host:1");
    irx_record seen = peer_read(other);
    assert_record_equal(&seen, &result.record);
    peer_end(other);
    peer_end(s);
}

static void first_term_is_the_unix_time(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    uint64_t before = (uint64_t)(irx__clock_wall_ns() / 1000000);
    irx_record held = peer_lead(s);
    uint64_t after = (uint64_t)(irx__clock_wall_ns() / 1000000);
    assert_in_range(held.term, before - 1, after + 1);
    peer_end(s);
}

static void first_term_is_above_the_highest_known(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    const uint64_t known = UINT64_C(1) << 52; /* far above the time, and exact in a double */
    irx_record created = create(s, irx__random_id()).record;
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &created);
    claim.term = known + 1;
    assert_int_equal(peer_do(s, &claim).record.term, known + 1);
    peer_end(s);
}

/* What is written over another leadership's record must not go through when one field of it is not
 * as expected. */
static void refuse_claim(contract *c, void (*spoil)(irx_op *op))
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &held);
    spoil(&claim);
    irx_result result = peer_do(s, &claim);
    assert_int_equal(result.status, IRX_RESULT_CONFLICT);
    assert_record_equal(&result.record, &held);
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, &held);
    claim = peer_claim(s, IRX_OP_CLAIM, &held);
    assert_int_equal(peer_do(s, &claim).status, IRX_RESULT_OK);
    peer_end(s);
}

static void spoil_incarnation(irx_op *op)
{
    op->expected.incarnation.lo ^= 1;
}

static void spoil_term(irx_op *op)
{
    op->expected.term--;
}

static void spoil_session(irx_op *op)
{
    op->expected.session.hi ^= 1;
}

static void spoil_beat(irx_op *op)
{
    op->expected.beat++;
}

static void expect_vacant(irx_op *op)
{
    op->expected.session = (irx_id){0, 0};
}

static void claim_expects_the_incarnation(contract *c)
{
    refuse_claim(c, spoil_incarnation);
}

static void claim_expects_the_term(contract *c)
{
    refuse_claim(c, spoil_term);
}

static void claim_expects_the_session(contract *c)
{
    refuse_claim(c, spoil_session);
}

static void claim_expects_the_beat(contract *c)
{
    refuse_claim(c, spoil_beat);
}

static void claim_expects_vacancy_where_it_says_so(contract *c)
{
    refuse_claim(c, expect_vacant);
}

/* Of two who expect the same vacant record one wins, whatever the order of arrival. */
static void one_of_two_claims_wins(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record created = create(a, irx__random_id()).record;
    irx_op first = peer_claim(a, IRX_OP_CLAIM, &created);
    irx_op second = peer_claim(b, IRX_OP_CLAIM, &created);
    peer_submit(a, &first);
    peer_submit(b, &second);
    assert_true(peer_wait(c->loop, &a->results, a->submitted));
    assert_true(peer_wait(c->loop, &b->results, b->submitted));
    int wins = (a->log[a->results % PEER_LOG_MAX].status == IRX_RESULT_OK) +
               (b->log[b->results % PEER_LOG_MAX].status == IRX_RESULT_OK);
    assert_int_equal(wins, 1);
    irx_record held = peer_read(a);
    assert_true(irx_id_equal(held.session, a->session) || irx_id_equal(held.session, b->session));
    peer_end(b);
    peer_end(a);
}

/* The lease rule: a holder that was silent for its hold may be replaced by name. */
static void claim_replaces_exactly_the_expected_holder(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &held);
    irx_result result = peer_do(b, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(result.record.term, held.term + 1);
    assert_id_equal(result.record.session, b->session);
    peer_end(b);
    peer_end(a);
}

/* Where the kernel excludes, a holder is replaced only once its lock was seen free. */
static void claim_never_replaces_another_holder(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &held);
    irx_result result = peer_do(b, &claim);
    assert_int_equal(result.status, IRX_RESULT_CONFLICT);
    assert_record_equal(&result.record, &held);
    peer_end(b);
    peer_end(a);
}

/* A holder that stepped down may claim anew at once; the term grows all the same. */
static void holder_claims_anew(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &held);
    irx_result result = peer_do(s, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(result.record.term, held.term + 1);
    assert_int_equal(result.record.beat, held.beat + 1);
    peer_end(s);
}

static const contract_case CASES[] = {
    CASE(read_of_nothing_is_absent, EVERYWHERE),
    CASE(create_makes_a_never_held_record, EVERYWHERE),
    CASE(create_never_replaces_a_record, EVERYWHERE),
    CASE(claim_of_nothing_is_absent, EVERYWHERE),
    CASE(claim_writes_the_holder, EVERYWHERE),
    CASE(first_term_is_the_unix_time, EVERYWHERE),
    CASE(first_term_is_above_the_highest_known, EVERYWHERE),
    CASE(claim_expects_the_incarnation, EVERYWHERE),
    CASE(claim_expects_the_term, EVERYWHERE),
    CASE(claim_expects_the_session, EVERYWHERE),
    CASE(claim_expects_the_beat, EVERYWHERE),
    CASE(claim_expects_vacancy_where_it_says_so, EVERYWHERE),
    CASE(one_of_two_claims_wins, EVERYWHERE),
    CASE(claim_replaces_exactly_the_expected_holder, NOT_IN_KERNEL),
    CASE(claim_never_replaces_another_holder, ONLY_IN_KERNEL),
    CASE(holder_claims_anew, EVERYWHERE),
};
const contract_topic CONTRACT_CLAIMS = TOPIC(CASES);
