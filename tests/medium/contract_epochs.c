/* A store that is another one than before says so, and obeys nobody who has not noticed. */
#include "contract.h"
#include "runtime/error.h"

static const irx_op_kind WRITING[] = {IRX_OP_JOIN,    IRX_OP_LEAVE,         IRX_OP_STRIKE,
                                      IRX_OP_CLAIM,   IRX_OP_CLAIM_IF_GONE, IRX_OP_RENEW,
                                      IRX_OP_RELEASE, IRX_OP_CREATE,        IRX_OP_PUBLISH};

/* Whatever writes is refused under another epoch, changes nothing, and learns the right one. */
static void another_epoch_changes_nothing(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
    irx_record held = peer_lead(s);
    for (size_t i = 0; i < sizeof WRITING / sizeof *WRITING; i++) {
        irx_op op = peer_claim(s, WRITING[i], &held);
        if (WRITING[i] == IRX_OP_RENEW || WRITING[i] == IRX_OP_RELEASE ||
            WRITING[i] == IRX_OP_PUBLISH)
            op.term = held.term;
        op.leave = WRITING[i] == IRX_OP_RELEASE;
        op.epoch = irx__random_id();
        irx_result result = peer_do(s, &op);
        assert_int_equal(result.status, IRX_RESULT_EPOCH);
        assert_id_equal(result.epoch, s->peer->id[IRX_CHANNEL_COMMAND]);
        irx_record seen = peer_read(s);
        assert_record_equal(&seen, &held);
        /* Where the kernel excludes, whoever wants to release is not waited for, whatever the
         * answer. */
        if (WRITING[i] == IRX_OP_RELEASE && c->kind->class->kernel)
            assert_int_equal(peer_say(s, IRX_OP_JOIN).status, IRX_RESULT_OK);
        assert_int_equal(s->seat.member_count, 1);
    }
    peer_end(s);
}

static void epoch_is_the_same_for_all(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "reports", "b");
    assert_id_equal(a->peer->id[IRX_CHANNEL_COMMAND], b->peer->id[IRX_CHANNEL_COMMAND]);
    peer_end(b);
    peer_end(a);
}

static void reconnect(peer_seat *s)
{
    peer_disconnect(s->peer, IRX_CHANNEL_COMMAND);
    peer_disconnect(s->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_up(s->peer, IRX_CHANNEL_PRESENCE));
    assert_true(peer_up(s->peer, IRX_CHANNEL_COMMAND));
}

/* The store is back and empty: another epoch, no record, and no obedience to the old epoch. */
static void empty_store_has_another_epoch(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    irx_id before = s->peer->id[IRX_CHANNEL_COMMAND];
    c->kind->come_back(c->store, s->peer, false);
    reconnect(s);
    assert_false(irx_id_equal(before, s->peer->id[IRX_CHANNEL_COMMAND]));
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    irx_op renew = peer_renew(s, &held, held.beat + 1);
    renew.epoch = before;
    assert_int_equal(peer_do(s, &renew).status, IRX_RESULT_EPOCH);
    irx_op create = peer_op(s, IRX_OP_CREATE);
    create.incarnation = held.incarnation;
    create.epoch = before;
    assert_int_equal(peer_do(s, &create).status, IRX_RESULT_EPOCH);
    assert_int_equal(peer_say(s, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    peer_end(s);
}

/* The store is back with what it knew: the record says under which epoch it was made, and its next
 * holder makes a new incarnation, whose first term is above the old one. */
static void record_keeps_its_epoch(contract *c)
{
    peer_seat *s = contract_member(c, "billing", "a");
    irx_record held = peer_lead(s);
    c->kind->come_back(c->store, s->peer, true);
    reconnect(s);
    irx_record seen = peer_read(s);
    assert_record_equal(&seen, &held);
    assert_false(irx_id_equal(seen.epoch, s->peer->id[IRX_CHANNEL_COMMAND]));
    irx_op claim = peer_claim(s, IRX_OP_CLAIM, &seen);
    claim.incarnation = irx__random_id();
    claim.first_term = true;
    irx_result result = peer_do(s, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_id_equal(result.record.incarnation, claim.incarnation);
    assert_id_equal(result.record.epoch, s->peer->id[IRX_CHANNEL_COMMAND]);
    assert_true(result.record.term > held.term);
    peer_end(s);
}

static const contract_case CASES[] = {
    CASE(another_epoch_changes_nothing, EVERYWHERE),
    CASE(epoch_is_the_same_for_all, EVERYWHERE),
    CASE(empty_store_has_another_epoch, EVERYWHERE),
    CASE(record_keeps_its_epoch, EVERYWHERE),
};
const contract_topic CONTRACT_EPOCHS = TOPIC(CASES);
