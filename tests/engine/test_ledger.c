/* What a store decides for itself under protocol quorum, and about published values: the rules that
 * core/medium/ledger.c states for every store. */
#include "cmocka_all.h"
#include "driver.h"
#include "medium/ledger.h"

#include <string.h>

static irx__ledger ledger;
static bool present; /* the process of who asks */

static irx_status_kind apply(const irx_op *op)
{
    const irx__ledger_facts facts = {
        .epoch = id_of(1), .label = "me", .process = op->process, .sender_present = present};
    bool changed;
    irx_status_kind status = irx__ledger_apply(&ledger, op, &facts, &changed);
    assert_int_equal(changed, status == IRX_RESULT_OK);
    return status;
}

static irx_op op_of(irx_op_kind kind, irx_id session)
{
    const irx_record *r = &ledger.record;
    irx_op op = {
        .kind = kind,
        .epoch = id_of(1),
        .session = session,
        .protocol = IRX_PROTOCOL_QUORUM,
        .takeover = IRX_TAKEOVER_SAFE,
        .incarnation = id_of(9),
        .term = r->term,
        .beat = r->beat + 1,
        .hold_ns = 1507500000,
    };
    op.expected.incarnation = r->incarnation;
    op.expected.term = r->term;
    op.expected.session = r->session;
    op.expected.beat = r->beat;
    return op;
}

static irx_op claim_by(irx_id session)
{
    irx_op op = op_of(IRX_OP_CLAIM, session);
    op.term++;
    return op;
}

/* Term 1 is held by member 20; its voters are members 20 to 23. */
static int setup(void **state)
{
    (void)state;
    ledger = (irx__ledger){0};
    present = false;
    irx_op op = op_of(IRX_OP_CREATE, id_of(20));
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    op = claim_by(id_of(20));
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    op = op_of(IRX_OP_RENEW, id_of(20));
    op.list_changed = true;
    op.list = 2;
    for (uint64_t voter = 20; voter < 24; voter++)
        op.voters[op.voter_count++] = id_of(voter);
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    return 0;
}

static irx_status_kind claim_with_votes(const uint64_t *voters, uint32_t count)
{
    irx_op op = claim_by(id_of(21));
    op.by_votes = true;
    for (uint32_t i = 0; i < count; i++)
        op.voters[op.voter_count++] = id_of(voters[i]);
    return apply(&op);
}

static void a_claim_by_votes_needs_more_than_half_of_the_recorded_list(void **state)
{
    (void)state;
    const uint64_t half[] = {21, 22};
    const uint64_t repeated[] = {21, 22, 22, 21};
    const uint64_t strangers[] = {21, 22, 90, 91, 92};
    const uint64_t majority[] = {21, 23, 22};
    assert_int_equal(claim_with_votes(half, 2), IRX_RESULT_CONFLICT);
    assert_int_equal(claim_with_votes(repeated, 4), IRX_RESULT_CONFLICT);
    assert_int_equal(claim_with_votes(strangers, 5), IRX_RESULT_CONFLICT);
    assert_int_equal(ledger.record.term, 1);
    assert_int_equal(claim_with_votes(majority, 3), IRX_RESULT_OK);
    assert_int_equal(ledger.record.term, 2);
}

static void a_claim_lists_the_claimant_alone(void **state)
{
    (void)state;
    irx_op op = claim_by(id_of(22));
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(ledger.record.list, 1);
    assert_int_equal(ledger.record.voter_count, 1);
    assert_true(irx_id_equal(ledger.record.voters[0], id_of(22)));
}

static void a_renewal_writes_a_list_only_where_it_says_so(void **state)
{
    (void)state;
    irx_op op = op_of(IRX_OP_RENEW, id_of(20));
    op.list = 3;
    op.voter_count = 1;
    op.voters[0] = id_of(20);
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(ledger.record.list, 2);
    assert_int_equal(ledger.record.voter_count, 4);
    op = op_of(IRX_OP_RENEW, id_of(20));
    op.list_changed = true;
    op.list = 3;
    op.voter_count = 1;
    op.voters[0] = id_of(20);
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(ledger.record.list, 3);
    assert_int_equal(ledger.record.voter_count, 1);
}

static void a_release_leaves_no_voters(void **state)
{
    (void)state;
    irx_op op = op_of(IRX_OP_RELEASE, id_of(20));
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(ledger.record.voter_count, 0);
}

static void versions_grow_within_a_term_and_with_it(void **state)
{
    (void)state;
    irx_op op = op_of(IRX_OP_PUBLISH, id_of(20));
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(ledger.record.value.term, 1);
    assert_int_equal(ledger.record.value.index, 2);
    irx_op claim = claim_by(id_of(21));
    assert_int_equal(apply(&claim), IRX_RESULT_OK);
    assert_int_equal(ledger.record.value.index, 2); /* inherited */
    assert_int_equal(apply(&op), IRX_RESULT_STALE);
    op = op_of(IRX_OP_PUBLISH, id_of(21));
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_int_equal(ledger.record.value.term, 2);
    assert_int_equal(ledger.record.value.index, 1);
}

/* A renewal may land after the death of who sent it, and must not hide that death. */
static void a_presence_once_seen_stays_so_under_the_same_process(void **state)
{
    (void)state;
    irx_op op = op_of(IRX_OP_RENEW, id_of(20));
    op.process = id_of(50);
    present = true;
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_true(ledger.record.presence_seen);
    present = false;
    op.beat++;
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_true(ledger.record.presence_seen);
    op.beat++;
    op.process = id_of(51); /* which it has not seen */
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    assert_false(ledger.record.presence_seen);
    present = true;
    op.beat++;
    assert_int_equal(apply(&op), IRX_RESULT_OK);
    present = false;
    irx_op claim = claim_by(id_of(21)); /* of another leadership in the same process */
    claim.process = id_of(51);
    assert_int_equal(apply(&claim), IRX_RESULT_OK);
    assert_false(ledger.record.presence_seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
        T(a_claim_by_votes_needs_more_than_half_of_the_recorded_list),
        T(a_claim_lists_the_claimant_alone),
        T(a_renewal_writes_a_list_only_where_it_says_so),
        T(a_release_leaves_no_voters),
        T(a_presence_once_seen_stays_so_under_the_same_process),
        T(versions_grow_within_a_term_and_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
