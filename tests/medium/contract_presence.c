/* Presence: what the store itself sees of a process's life, and what follows from its end. */
#include "contract.h"
#include "runtime/error.h"

static void claimant_is_seen(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    assert_true(held.presence_seen);
    assert_id_equal(held.process, peer_presence(s));
    peer_end(s);
}

/* The store believes nobody: it looks for the presence that the claimant names. */
static void unknown_presence_is_not_seen(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &held);
    claim.process = irx__random_id();
    held = peer_do(s, &claim).record;
    assert_id_equal(held.process, claim.process);
    assert_false(held.presence_seen);
    claim = peer_claim(s, IRX_OP_CLAIM, &held);
    claim.process = (irx_id){0, 0};
    held = peer_do(s, &claim).record;
    assert_true(irx_id_none(held.process));
    assert_false(held.presence_seen);
    peer_end(s);
}

/* A presence that was lost and drawn anew comes into the record with the next renewal. */
static void renew_brings_a_new_presence(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    peer_disconnect(s->peer, IRX_CHANNEL_PRESENCE);
    irx_op renew = peer_renew(s, &held, held.beat + 1);
    renew.process = irx__random_id();
    held = peer_do(s, &renew).record;
    assert_id_equal(held.process, renew.process);
    assert_false(held.presence_seen);
    assert_true(peer_up(s->peer, IRX_CHANNEL_PRESENCE));
    renew = peer_renew(s, &held, held.beat + 1);
    irx_result result = peer_do(s, &renew);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_id_equal(result.record.process, peer_presence(s));
    assert_true(result.record.presence_seen);
    peer_end(s);
}

static void join(peer_seat *s)
{
    irx_op op = peer_op(s, IRX_OP_JOIN);
    peer_do(s, &op);
}

static irx_result claim_if_gone(peer_seat *s, const irx_record *record)
{
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, record);
    return peer_do(s, &claim);
}

static void is_refused(peer_seat *s, const irx_record *record)
{
    irx_result result = claim_if_gone(s, record);
    assert_int_equal(result.status, IRX_RESULT_CONFLICT);
    assert_record_equal(&result.record, record);
}

static void present_holder_is_not_replaced(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    is_refused(b, &held);
    peer_end(b);
    peer_end(a);
}

/* Waits until the store has seen this process's end. */
static void await_gone(peer_seat *s, irx_id process)
{
    unsigned before = s->gones;
    peer_watch(s, process);
    assert_true(peer_wait(s->peer->loop, &s->gones, before + 1));
}

static void gone_holder_is_replaced_at_once(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    join(a);
    join(b);
    irx_record held = peer_lead(a);
    peer_end(a);
    await_gone(b, held.process);
    irx_result result = claim_if_gone(b, &held);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(result.record.term, held.term + 1);
    assert_id_equal(result.record.session, b->session);
    assert_id_equal(result.record.process, peer_presence(b));
    assert_true(result.record.presence_seen);
    /* Its row went with it: a dead row must not keep the next deputy from watching. */
    peer_read(b);
    assert_int_equal(b->seat.member_count, 1);
    assert_id_equal(b->seat.members[0].session, b->session);
    peer_end(b);
}

/* A renewal that was under way when its sender died lands after the end of its presence. */
static void late_renewal_does_not_hide_the_end(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op late = peer_renew(a, &held, held.beat + 1);
    late.process = held.process;
    peer_disconnect(a->peer, IRX_CHANNEL_PRESENCE);
    await_gone(b, held.process);
    irx_result result = peer_do(a, &late);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_true(result.record.presence_seen);
    held = peer_read(b);
    assert_true(held.presence_seen);
    assert_id_equal(held.process, late.process);
    assert_int_equal(claim_if_gone(b, &held).status, IRX_RESULT_OK);
    peer_end(b);
    peer_end(a);
}

/* The holder is gone, but the record is not the one that was seen. */
static void gone_holder_must_be_the_expected_one(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    peer_end(a);
    await_gone(b, held.process);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    claim.expected.beat++;
    assert_int_equal(peer_do(b, &claim).status, IRX_RESULT_CONFLICT);
    claim = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    claim.expected.session = irx__random_id();
    assert_int_equal(peer_do(b, &claim).status, IRX_RESULT_CONFLICT);
    irx_record seen = peer_read(b);
    assert_record_equal(&seen, &held);
    peer_end(b);
}

/* The process that ended led once; now a living one does. */
static void wrong_process_is_no_reason(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *d = contract_member(c, "billing", "d");
    irx_record old = peer_lead(a);
    irx_op release = peer_release(a, &old);
    peer_do(a, &release);
    irx_record held = peer_lead(b);
    peer_end(a);
    await_gone(d, old.process);
    is_refused(d, &held);
    peer_end(d);
    peer_end(b);
}

static void vacant_record_is_not_gone(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_op release = peer_release(s, &held);
    irx_record vacant = peer_do(s, &release).record;
    is_refused(s, &vacant);
    peer_end(s);
}

static void safe_record_is_never_taken_fast(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead_as(a, IRX_TAKEOVER_SAFE);
    peer_end(a);
    await_gone(b, held.process);
    is_refused(b, &held);
    peer_end(b);
}

static void unseen_presence_can_not_end(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    irx_op claim = peer_claim(a, IRX_OP_CLAIM, &held);
    claim.process = irx__random_id();
    held = peer_do(a, &claim).record;
    is_refused(b, &held);
    peer_end(b);
    peer_end(a);
}

static void one_of_two_successors_wins(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *d = contract_member(c, "billing", "d");
    irx_record held = peer_lead(a);
    peer_end(a);
    await_gone(b, held.process);
    irx_op first = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    irx_op second = peer_claim(d, IRX_OP_CLAIM_IF_GONE, &held);
    peer_submit(b, &first);
    peer_submit(d, &second);
    assert_true(peer_wait(c->loop, &b->results, b->submitted));
    assert_true(peer_wait(c->loop, &d->results, d->submitted));
    assert_int_equal((b->log[b->results % PEER_LOG_MAX].status == IRX_RESULT_OK) +
                         (d->log[d->results % PEER_LOG_MAX].status == IRX_RESULT_OK),
                     1);
    peer_end(d);
    peer_end(b);
}

/* ---- watching -------------------------------------------------------------------------------- */

static void gone_is_told_once(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    peer_watch(b, held.process);
    peer_run_ms(c->loop, 100);
    assert_int_equal(b->gones, 0);
    peer_end(a);
    assert_true(peer_wait(c->loop, &b->gones, 1));
    assert_id_equal(b->gone, held.process);
    peer_run_ms(c->loop, 150);
    assert_int_equal(b->gones, 1);
    peer_end(b);
}

static void watching_a_dead_process_tells_too(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    peer_end(a);
    peer_run_ms(c->loop, 50);
    peer_watch(b, held.process);
    assert_int_equal(b->gones, 0);
    assert_true(peer_wait(c->loop, &b->gones, 1));
    assert_id_equal(b->gone, held.process);
    peer_end(b);
}

static void unwatched_process_goes_unnoticed(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    peer_watch(b, held.process);
    peer_run_ms(c->loop, 60);
    peer_unwatch(b);
    peer_end(a);
    peer_run_ms(c->loop, 150);
    assert_int_equal(b->gones, 0);
    peer_end(b);
}

static void second_watch_replaces_the_first(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *d = contract_member(c, "billing", "d");
    irx_id first = peer_lead(a).process;
    assert_int_equal(peer_say(b, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_id second = peer_presence(b);
    peer_watch(d, first);
    peer_run_ms(c->loop, 60);
    peer_watch(d, second);
    peer_run_ms(c->loop, 60);
    peer_end(a);
    peer_run_ms(c->loop, 150);
    assert_int_equal(d->gones, 0);
    peer_end(b);
    assert_true(peer_wait(c->loop, &d->gones, 1));
    assert_id_equal(d->gone, second);
    peer_end(d);
}

/* Two seats of one medium watch the same process: each is told. */
static void every_watcher_is_told(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *same = peer_sit(b->peer, "billing", "b2");
    irx_id process = peer_lead(a).process;
    peer_watch(b, process);
    peer_watch(same, process);
    peer_run_ms(c->loop, 60);
    peer_end(a);
    assert_true(peer_wait(c->loop, &b->gones, 1));
    assert_true(peer_wait(c->loop, &same->gones, 1));
    peer_free(same);
    peer_end(b);
}

/* Presence ends with its connection, though the process and its other connection live on. */
static void lost_presence_connection_is_gone(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    peer_watch(b, held.process);
    peer_disconnect(a->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_wait(c->loop, &b->gones, 1));
    assert_int_equal(claim_if_gone(b, &held).status, IRX_RESULT_OK);
    peer_end(b);
    peer_end(a);
}

/* Where the lock excludes, it belongs to the session: a connection that comes and goes must not
 * give up a leadership. */
static void lock_outlives_the_presence_connection(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    irx_record held = peer_lead(a);
    peer_watch(b, held.process);
    peer_disconnect(a->peer, IRX_CHANNEL_PRESENCE);
    peer_run_ms(c->loop, 150);
    assert_int_equal(b->gones, 0);
    is_refused(b, &held);
    peer_end(b);
    peer_end(a);
}

static const contract_case CASES[] = {
    CASE(claimant_is_seen, EVERYWHERE),
    CASE(unknown_presence_is_not_seen, NOT_IN_KERNEL),
    CASE(renew_brings_a_new_presence, NOT_IN_KERNEL),
    CASE(present_holder_is_not_replaced, EVERYWHERE),
    CASE(gone_holder_is_replaced_at_once, EVERYWHERE),
    CASE(late_renewal_does_not_hide_the_end, NOT_IN_KERNEL),
    CASE(gone_holder_must_be_the_expected_one, EVERYWHERE),
    CASE(wrong_process_is_no_reason, EVERYWHERE),
    CASE(vacant_record_is_not_gone, EVERYWHERE),
    CASE(safe_record_is_never_taken_fast, NOT_IN_KERNEL),
    CASE(unseen_presence_can_not_end, NOT_IN_KERNEL),
    CASE(one_of_two_successors_wins, EVERYWHERE),
    CASE(gone_is_told_once, EVERYWHERE),
    CASE(watching_a_dead_process_tells_too, EVERYWHERE),
    CASE(unwatched_process_goes_unnoticed, EVERYWHERE),
    CASE(second_watch_replaces_the_first, EVERYWHERE),
    CASE(every_watcher_is_told, EVERYWHERE),
    CASE(lost_presence_connection_is_gone, NOT_IN_KERNEL),
    CASE(lock_outlives_the_presence_connection, ONLY_IN_KERNEL),
};
const contract_topic CONTRACT_PRESENCE = TOPIC(CASES);
