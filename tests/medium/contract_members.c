/* The member table: who is there, in the order of joining. */
#include "contract.h"
#include "runtime/error.h"

#include <string.h>

/* The row has what its member said; the JOIN that wrote it shows it, and so does another's READ. */
static void join_writes_a_row(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "host a:1");
    peer_seat *b = contract_member(c, "billing", "b");
    uint64_t number = contract_join(a);
    assert_int_equal(a->seat.member_count, 1);
    assert_true(a->seat.members_changed);
    irx_op observer = peer_op(b, IRX_OP_JOIN);
    observer.candidate = false;
    assert_int_equal(peer_do(b, &observer).status, IRX_RESULT_OK);
    const irx_member *row = contract_row(b, a->session);
    assert_non_null(row);
    assert_int_equal(row->join, number);
    assert_true(row->candidate);
    assert_string_equal(row->label, "host a:1");
    assert_id_equal(row->process, peer_presence(a));
    peer_say(a, IRX_OP_READ);
    assert_int_equal(a->seat.member_count, 2);
    assert_false(contract_row(a, b->session)->candidate);
    peer_end(b);
    peer_end(a);
}

static void join_numbers_grow(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *same = peer_sit(a->peer, "billing", "a2");
    uint64_t first = contract_join(a), second = contract_join(b), third = contract_join(same);
    assert_true(first < second);
    assert_true(second < third);
    /* Not handed out again, even when it is free. */
    assert_int_equal(peer_say(same, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    peer_seat *later = peer_sit(b->peer, "billing", "b2");
    assert_true(contract_join(later) > third);
    peer_free(later);
    peer_free(same);
    peer_end(b);
    peer_end(a);
}

/* A member joins again (after a reconnect, say): one row, the same number, the new presence. */
static void joining_again_keeps_the_number(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    uint64_t first = contract_join(a);
    contract_join(b);
    peer_disconnect(a->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_up(a->peer, IRX_CHANNEL_PRESENCE));
    assert_int_equal(contract_join(a), first);
    irx_op own = peer_op(a, IRX_OP_JOIN);
    own.join = first;
    own.candidate = false;
    assert_int_equal(peer_do(a, &own).join, first);
    assert_int_equal(a->seat.member_count, 2);
    const irx_member *row = contract_row(a, a->session);
    assert_id_equal(row->process, peer_presence(a));
    assert_false(row->candidate);
    assert_true(row->join < contract_row(a, b->session)->join);
    peer_end(b);
    peer_end(a);
}

/* One that was struck brings its number along, and nobody else gets it meanwhile. */
static void own_number_comes_back(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    uint64_t first = contract_join(a);
    assert_int_equal(peer_say(a, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    uint64_t second = contract_join(b);
    assert_true(second > first);
    irx_op own = peer_op(a, IRX_OP_JOIN);
    own.join = first;
    assert_int_equal(peer_do(a, &own).join, first);
    assert_int_equal(contract_row(a, a->session)->join, first);
    peer_end(b);
    peer_end(a);
}

static void table_is_in_the_order_of_joining(contract *c)
{
    peer_seat *seats[PEER_MEMBERS_MAX];
    for (int i = 0; i < PEER_MEMBERS_MAX; i++) {
        seats[i] = contract_member(c, "billing", "x");
        contract_join(seats[i]);
    }
    peer_say(seats[0], IRX_OP_READ);
    assert_int_equal(seats[0]->seat.member_count, PEER_MEMBERS_MAX);
    for (int i = 0; i < PEER_MEMBERS_MAX; i++)
        assert_id_equal(seats[0]->seat.members[i].session, seats[i]->session);
    for (int i = 0; i < PEER_MEMBERS_MAX; i++)
        peer_end(seats[i]);
}

/* A table that did not change is not handed over again. */
static void table_is_replaced_only_when_changed(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    contract_join(a);
    const irx_member *table = a->seat.members;
    a->seat.members_changed = false;
    peer_lead(a);
    peer_say(a, IRX_OP_READ);
    peer_say(a, IRX_OP_READ);
    assert_false(a->seat.members_changed);
    assert_ptr_equal(a->seat.members, table);
    contract_join(b);
    peer_say(a, IRX_OP_READ);
    assert_true(a->seat.members_changed);
    assert_int_equal(a->seat.member_count, 2);
    peer_end(b);
    peer_end(a);
}

static void leave_removes_the_row(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    contract_join(a);
    contract_join(b);
    assert_int_equal(peer_say(a, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    peer_say(b, IRX_OP_READ);
    assert_int_equal(b->seat.member_count, 1);
    assert_null(contract_row(b, a->session));
    /* Nothing to remove is fine. */
    assert_int_equal(peer_say(a, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    peer_end(b);
    peer_end(a);
}

static void release_may_leave_too(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    contract_join(a);
    contract_join(b);
    irx_record held = peer_lead(a);
    irx_op release = peer_release(a, &held);
    assert_int_equal(peer_do(a, &release).status, IRX_RESULT_OK);
    peer_say(b, IRX_OP_READ);
    assert_int_equal(b->seat.member_count, 2);
    held = peer_lead(a);
    release = peer_release(a, &held);
    release.leave = true;
    assert_int_equal(peer_do(a, &release).status, IRX_RESULT_OK);
    peer_say(b, IRX_OP_READ);
    assert_int_equal(b->seat.member_count, 1);
    assert_null(contract_row(b, a->session));
    peer_end(b);
    peer_end(a);
}

/* The last word of a member that does not lead any more removes its row all the same. */
static void stale_release_leaves_too(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    contract_join(a);
    contract_join(b);
    irx_record held = peer_lead(a);
    irx_op release = peer_release(a, &held);
    peer_do(a, &release);
    irx_record next = peer_lead(b);
    release.leave = true;
    irx_result result = peer_do(a, &release);
    assert_int_equal(result.status, IRX_RESULT_STALE);
    assert_record_equal(&result.record, &next);
    peer_say(b, IRX_OP_READ);
    assert_null(contract_row(b, a->session));
    peer_end(b);
    peer_end(a);
}

/* STRIKE removes those whose presence ended, and only those. */
static void strike_removes_who_is_gone(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *d = contract_member(c, "billing", "d");
    contract_join(a);
    contract_join(b);
    contract_join(d);
    irx_id gone = peer_presence(b), session = b->session;
    assert_int_equal(peer_say(a, IRX_OP_STRIKE).status, IRX_RESULT_OK);
    assert_int_equal(a->seat.member_count, 3);
    peer_end(b);
    peer_watch(a, gone);
    assert_true(peer_wait(c->loop, &a->gones, 1));
    irx_result result = peer_say(a, IRX_OP_STRIKE);
    assert_int_equal(result.status, IRX_RESULT_OK);
    assert_int_equal(a->seat.member_count, 2);
    assert_null(contract_row(a, session));
    assert_non_null(contract_row(a, a->session));
    assert_non_null(contract_row(a, d->session));
    peer_end(d);
    peer_end(a);
}

static void full_table_refuses(contract *c)
{
    peer_seat *seats[PEER_MEMBERS_MAX];
    for (int i = 0; i < PEER_MEMBERS_MAX; i++) {
        seats[i] = contract_member(c, "billing", "x");
        contract_join(seats[i]);
    }
    peer_seat *late = contract_member(c, "billing", "late");
    irx_result result = peer_say(late, IRX_OP_JOIN);
    assert_int_equal(result.status, IRX_RESULT_FAILED);
    assert_int_equal(result.error_code, IRX_EFULL);
    assert_int_equal(late->why.code, IRX_EFULL);
    assert_non_null(strstr(late->why.text, "max_members is 5"));
    /* Who is there may join again, and a place that becomes free is taken. */
    contract_join(seats[1]);
    assert_int_equal(peer_say(seats[0], IRX_OP_LEAVE).status, IRX_RESULT_OK);
    contract_join(late);
    peer_end(late);
    for (int i = 0; i < PEER_MEMBERS_MAX; i++)
        peer_end(seats[i]);
}

/* Who died before it had a presence, or had none to lose, would take its place for good. */
static void full_table_gives_up_who_has_no_process(contract *c)
{
    peer_seat *seats[PEER_MEMBERS_MAX];
    for (int i = 0; i < PEER_MEMBERS_MAX; i++) {
        seats[i] = contract_member(c, "billing", "x");
        irx_op join = peer_op(seats[i], IRX_OP_JOIN);
        if (i % 2 == 1)
            join.process = (irx_id){0, 0};
        assert_int_equal(peer_do(seats[i], &join).status, IRX_RESULT_OK);
    }
    peer_seat *late[3];
    for (int i = 0; i < 3; i++) {
        late[i] = contract_member(c, "billing", "late");
        assert_int_equal(peer_say(late[i], IRX_OP_JOIN).status,
                         i < 2 ? IRX_RESULT_OK : IRX_RESULT_FAILED);
    }
    peer_say(seats[0], IRX_OP_READ);
    assert_int_equal(seats[0]->seat.member_count, PEER_MEMBERS_MAX);
    for (int i = 0; i < PEER_MEMBERS_MAX; i++)
        assert_int_equal(contract_row(seats[0], seats[i]->session) != NULL, i % 2 == 0);
    for (int i = 0; i < 3; i++)
        peer_end(late[i]);
    for (int i = 0; i < PEER_MEMBERS_MAX; i++)
        peer_end(seats[i]);
}

static const contract_case CASES[] = {
    CASE(join_writes_a_row, EVERYWHERE),
    CASE(join_numbers_grow, EVERYWHERE),
    CASE(joining_again_keeps_the_number, EVERYWHERE),
    CASE(own_number_comes_back, EVERYWHERE),
    CASE(table_is_in_the_order_of_joining, EVERYWHERE),
    CASE(table_is_replaced_only_when_changed, EVERYWHERE),
    CASE(leave_removes_the_row, EVERYWHERE),
    CASE(release_may_leave_too, EVERYWHERE),
    CASE(stale_release_leaves_too, EVERYWHERE),
    CASE(strike_removes_who_is_gone, EVERYWHERE),
    CASE(full_table_refuses, EVERYWHERE),
    CASE(full_table_gives_up_who_has_no_process, NOT_IN_KERNEL),
};
const contract_topic CONTRACT_MEMBERS = TOPIC(CASES);
