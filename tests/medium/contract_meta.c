/* What members say of themselves: opaque bytes in the member table, as new as the table is. */
#include "contract.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

enum { QUIET_MS = 100 };

/* The bytes stay the caller's. */
static void say(peer_seat *s, const void *meta, size_t length, bool push)
{
    s->seat.meta = meta;
    s->seat.meta_length = length;
    irx_op join = peer_op(s, IRX_OP_JOIN);
    join.push = push;
    assert_int_equal(peer_do(s, &join).status, IRX_RESULT_OK);
}

static void says(const peer_seat *reader, irx_id session, const void *meta, size_t length)
{
    const irx_member *row = contract_row(reader, session);
    assert_non_null(row);
    assert_int_equal(row->meta_length, length);
    if (length > 0)
        assert_memory_equal(reader->seat.metas + row->meta_at, meta, length);
}

static void meta_is_seen_by_others(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    say(a, "{\"zone\":1}", 10, false);
    says(a, a->session, "{\"zone\":1}", 10);
    peer_say(b, IRX_OP_READ);
    says(b, a->session, "{\"zone\":1}", 10);
    /* Who says nothing has none. */
    contract_join(b);
    peer_say(a, IRX_OP_READ);
    says(a, b->session, NULL, 0);
    says(a, a->session, "{\"zone\":1}", 10);
    peer_end(b);
    peer_end(a);
}

/* Any bytes: zeros, line ends, what a format may use as its own marks. */
static void meta_may_be_any_bytes_up_to_the_limit(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    static unsigned char largest[IRX_META_MAX];
    static const char marks[] = "\0\n\r\n %20%%\\x00 row - #version\n\n\0";
    for (size_t i = 0; i < sizeof largest; i++)
        largest[i] = (unsigned char)(i + i / 256);
    say(a, largest, sizeof largest, false);
    say(b, marks, sizeof marks, false);
    says(b, a->session, largest, sizeof largest);
    says(b, b->session, marks, sizeof marks);
    /* As many as there may be, all of the largest. */
    peer_seat *more[PEER_MEMBERS_MAX - 2];
    for (int i = 0; i < PEER_MEMBERS_MAX - 2; i++) {
        more[i] = contract_member(c, "billing", "x");
        say(more[i], largest, sizeof largest, false);
    }
    peer_say(a, IRX_OP_READ);
    assert_int_equal(a->seat.member_count, PEER_MEMBERS_MAX);
    says(a, b->session, marks, sizeof marks);
    for (int i = 0; i < PEER_MEMBERS_MAX - 2; i++) {
        says(a, more[i]->session, largest, sizeof largest);
        peer_end(more[i]);
    }
    peer_end(b);
    peer_end(a);
}

/* What one says stays its own when rows before it change or go. */
static void metas_stay_with_their_rows(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    peer_seat *d = contract_member(c, "billing", "d");
    say(a, "of a", 4, false);
    say(b, "of b, longer", 12, false);
    say(d, "d", 1, false);
    say(a, "of a, who has more to say", 25, false);
    peer_say(d, IRX_OP_READ);
    says(d, a->session, "of a, who has more to say", 25);
    says(d, b->session, "of b, longer", 12);
    says(d, d->session, "d", 1);
    assert_int_equal(peer_say(a, IRX_OP_LEAVE).status, IRX_RESULT_OK);
    peer_say(d, IRX_OP_READ);
    assert_int_equal(d->seat.member_count, 2);
    says(d, b->session, "of b, longer", 12);
    says(d, d->session, "d", 1);
    say(b, NULL, 0, false);
    peer_say(d, IRX_OP_READ);
    says(d, b->session, NULL, 0);
    says(d, d->session, "d", 1);
    peer_end(d);
    peer_end(b);
    peer_end(a);
}

/* A row of which nothing but the meta is new is a new table; what is said again is none. */
static void new_meta_changes_the_table(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_member(c, "billing", "b");
    say(a, "one", 3, false);
    uint64_t number = contract_join(b);
    peer_say(b, IRX_OP_READ);
    b->seat.members_changed = false;
    say(a, "two", 3, false);
    peer_say(b, IRX_OP_READ);
    assert_true(b->seat.members_changed);
    says(b, a->session, "two", 3);
    assert_true(contract_row(b, a->session)->join < number);
    b->seat.members_changed = false;
    const irx_member *table = b->seat.members;
    say(a, "two", 3, true);
    peer_say(b, IRX_OP_READ);
    assert_false(b->seat.members_changed);
    assert_ptr_equal(b->seat.members, table);
    peer_end(b);
    peer_end(a);
}

static void pushed_meta_hints(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *far = contract_joined(c, "billing", "far");
    peer_seat *near = peer_sit(a->peer, "billing", "near");
    contract_join(near);
    peer_run_ms(c->loop, QUIET_MS);
    far->hints = near->hints = 0;
    say(a, "news", 4, true);
    assert_true(peer_wait(c->loop, &far->hints, 1));
    assert_true(peer_wait(c->loop, &near->hints, 1));
    peer_run_ms(c->loop, QUIET_MS);
    far->hints = near->hints = 0;
    /* What is known already is no reason to look. */
    say(a, "news", 4, true);
    peer_run_ms(c->loop, QUIET_MS);
    assert_int_equal(far->hints, 0);
    assert_int_equal(near->hints, 0);
    peer_free(near);
    peer_end(far);
    peer_end(a);
}

/* Other operations of the same member leave it alone. */
static void meta_outlives_other_operations(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    say(a, "stays", 5, false);
    irx_record held = peer_lead(a);
    irx_op renew = peer_renew(a, &held, held.beat + 1);
    peer_do(a, &renew);
    peer_say(a, IRX_OP_STRIKE);
    irx_op release = peer_release(a, &held);
    assert_int_equal(peer_do(a, &release).status, IRX_RESULT_OK);
    peer_say(b, IRX_OP_READ);
    says(b, a->session, "stays", 5);
    peer_end(b);
    peer_end(a);
}

static const contract_case CASES[] = {
    CASE(meta_is_seen_by_others, EVERYWHERE),
    CASE(meta_may_be_any_bytes_up_to_the_limit, EVERYWHERE),
    CASE(metas_stay_with_their_rows, EVERYWHERE),
    CASE(new_meta_changes_the_table, EVERYWHERE),
    CASE(pushed_meta_hints, EVERYWHERE),
    CASE(meta_outlives_other_operations, EVERYWHERE),
};
const contract_topic CONTRACT_META = TOPIC(CASES);
