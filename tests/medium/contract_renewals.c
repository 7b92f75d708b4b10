/* RENEW and RELEASE: only the holder of exactly this term, and only forwards. */
#include "contract.h"
#include "runtime/error.h"

static void renew_writes_the_beat(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op renew = peer_renew(s, &held, held.beat + 3);
    irx_result result = peer_do(s, &renew);
    assert_int_equal(result.status, IRX_RESULT_OK);
    held.beat += 3;
    held.hold_ns += 1;
    assert_record_equal(&result.record, &held);
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, &held);
    peer_end(s);
}

/* Submits and expects STALE with nothing changed. */
static void is_stale(peer_seat *s, const irx_op *op, const irx_record *before)
{
    irx_result result = peer_do(s, op);
    assert_int_equal(result.status, IRX_RESULT_STALE);
    assert_record_equal(&result.record, before);
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, before);
}

/* A request that arrives twice, or late, must not turn time back. */
static void duplicate_or_late_beat_is_stale(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op renew = peer_renew(s, &held, held.beat + 5);
    irx_record renewed = peer_do(s, &renew).record;
    is_stale(s, &renew, &renewed);
    renew = peer_renew(s, &held, held.beat + 4);
    is_stale(s, &renew, &renewed);
    renew = peer_renew(s, &held, held.beat + 6);
    assert_int_equal(peer_do(s, &renew).status, IRX_RESULT_OK);
    peer_end(s);
}

static void renew_by_another_session_is_stale(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op renew = peer_renew(b, &held, held.beat + 1);
    is_stale(b, &renew, &held);
    peer_end(b);
    peer_end(a);
}

static void renew_of_another_term_is_stale(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op renew = peer_renew(s, &held, held.beat + 1);
    renew.term--;
    is_stale(s, &renew, &held);
    renew.term += 2;
    is_stale(s, &renew, &held);
    peer_end(s);
}

static void renew_of_another_incarnation_is_stale(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op renew = peer_renew(s, &held, held.beat + 1);
    renew.incarnation = irx__random_id();
    is_stale(s, &renew, &held);
    peer_end(s);
}

/* A lost record is never made again by the one who held it. */
static void renew_of_nothing_makes_nothing(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    peer_seat *elsewhere = contract_member(c, "reports", "a");
    irx_record held = peer_lead(elsewhere);
    irx_op renew = peer_renew(s, &held, held.beat + 1);
    assert_int_equal(peer_do(s, &renew).status, IRX_RESULT_ABSENT);
    irx_op release = peer_release(s, &held);
    assert_int_equal(peer_do(s, &release).status, IRX_RESULT_ABSENT);
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_end(elsewhere);
    peer_end(s);
}

static void release_leaves_a_vacant_record(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_id successor = irx__random_id();
    irx_op release = peer_release(s, &held);
    release.successor = successor;
    irx_result result = peer_do(s, &release);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_true(irx_id_none(result.record.session));
    assert_true(irx_id_none(result.record.process));
    assert_false(result.record.presence_seen);
    assert_id_equal(result.record.incarnation, held.incarnation);
    assert_int_equal(result.record.term, held.term);
    assert_int_equal(result.record.beat, held.beat);
    assert_id_equal(result.record.successor, successor);
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, &result.record);
    peer_end(s);
}

static void release_by_another_is_stale(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op release = peer_release(b, &held);
    is_stale(b, &release, &held);
    release = peer_release(a, &held);
    release.term++;
    is_stale(a, &release, &held);
    release = peer_release(a, &held);
    release.incarnation = irx__random_id();
    assert_int_equal(peer_do(a, &release).status, IRX_RESULT_STALE);
    peer_end(b);
    peer_end(a);
}

/* No late renewal revives what was released. */
static void renew_after_release_is_stale(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op release = peer_release(s, &held);
    irx_record vacant = peer_do(s, &release).record;
    irx_op renew = peer_renew(s, &held, held.beat + 9);
    is_stale(s, &renew, &vacant);
    is_stale(s, &release, &vacant);
    peer_end(s);
}

static void successor_takes_the_next_term(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op release = peer_release(a, &held);
    release.successor = b->session;
    irx_record vacant = peer_do(a, &release).record;
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &vacant);
    irx_result result = peer_do(b, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(result.record.term, held.term + 1);
    assert_id_equal(result.record.incarnation, held.incarnation);
    assert_true(irx_id_none(result.record.successor));
    irx_op renew = peer_renew(a, &held, held.beat + 9);
    is_stale(a, &renew, &result.record);
    peer_end(b);
    peer_end(a);
}

static const contract_case CASES[] = {
    CASE(renew_writes_the_beat, EVERYWHERE),
    CASE(duplicate_or_late_beat_is_stale, EVERYWHERE),
    CASE(renew_by_another_session_is_stale, EVERYWHERE),
    CASE(renew_of_another_term_is_stale, EVERYWHERE),
    CASE(renew_of_another_incarnation_is_stale, EVERYWHERE),
    CASE(renew_of_nothing_makes_nothing, EVERYWHERE),
    CASE(release_leaves_a_vacant_record, EVERYWHERE),
    CASE(release_by_another_is_stale, EVERYWHERE),
    CASE(renew_after_release_is_stale, EVERYWHERE),
    CASE(successor_takes_the_next_term, EVERYWHERE),
};
const contract_topic CONTRACT_RENEWALS = TOPIC(CASES);
