/* Two sessions at one row at once, on a real server: who waits must decide by what it finds when
 * its turn comes, and answer that. */
#include "cmocka_all.h"

#include "postgres_ledger.h"

#include <stdio.h>
#include <string.h>

#define HERE postgres_ledger_here

static const char NAME[] = "billing";

static postgres_session *other;

static int begin(void **state)
{
    postgres_ledger_begin(state);
    other = postgres_session_open(postgres_server_port(HERE.server), NULL);
    return 0;
}

static int end(void **state)
{
    postgres_session_close(other);
    return postgres_ledger_end(state);
}

/* Does `first` and keeps its transaction open, begins `second` in the other session, waits until
 * that waits, and commits. What the second one answers. */
static irx__pg_answer race(const irx_op *first, const irx_op *second)
{
    postgres_session_say(HERE.session, "BEGIN");
    status_of(HERE.session, first, NAME);
    send_op(other, second, NAME);
    postgres_session_await_lock(HERE.session, other);
    postgres_session_say(HERE.session, "COMMIT");
    return receive_op(other, NAME);
}

static irx_op claim_of(uint64_t n)
{
    irx_op read = op_of(IRX_OP_READ, n);
    irx__pg_answer answer = apply_op(HERE.session, &read, NAME);
    irx_op claim = op_of(IRX_OP_CLAIM, n);
    expect_of(&claim, &answer.record);
    claim.term = answer.record.term + 1;
    claim.beat = answer.record.beat + 1;
    claim.incarnation = answer.record.incarnation;
    irx__pg_free_answer(&answer);
    return claim;
}

/* Both of two claims of one record would otherwise succeed. */
static void the_second_of_two_claims_conflicts(void **state)
{
    (void)state;
    make_held(NAME, 1);
    irx_op first = claim_of(2);
    irx_op second = claim_of(3);
    irx__pg_answer answer = race(&first, &second);
    assert_int_equal(answer.status, IRX_RESULT_CONFLICT);
    assert_true(irx_id_equal(answer.record.session, actor(2)));
    assert_int_equal(answer.record.term, 2);
}

/* A claim that expects a beat which is just being surpassed would take a living leader's place. */
static void a_claim_behind_a_renewal_conflicts(void **state)
{
    (void)state;
    make_held(NAME, 1);
    irx_op claim = claim_of(2);
    irx_op renew = op_of(IRX_OP_RENEW, 1);
    renew.term = 1;
    renew.beat = 7;
    irx__pg_answer answer = race(&renew, &claim);
    assert_int_equal(answer.status, IRX_RESULT_CONFLICT);
    assert_int_equal(answer.record.beat, 7);
}

/* And one that is still right when its turn comes, after a change of something else, applies to the
 * row as it is then: the member row that came meanwhile stays. */
static void a_claim_behind_a_join_applies_to_both(void **state)
{
    (void)state;
    make_held(NAME, 1);
    irx_op join = op_of(IRX_OP_JOIN, 4);
    irx_op claim = claim_of(2);
    irx__pg_answer answer = race(&join, &claim);
    assert_int_equal(answer.status, IRX_RESULT_OK);
    irx_op read = op_of(IRX_OP_READ, 2);
    answer = apply_op(HERE.session, &read, NAME);
    assert_int_equal(answer.member_count, 1);
    assert_true(irx_id_equal(answer.record.session, actor(2)));
    irx__pg_free_answer(&answer);
}

/* Renewing over a claim that was there first would be leading in a term that is over. */
static void a_renewal_behind_a_claim_is_busy_and_then_stale(void **state)
{
    (void)state;
    make_held(NAME, 1);
    irx_op claim = claim_of(2);
    irx_op renew = op_of(IRX_OP_RENEW, 1);
    renew.term = 1;
    renew.beat = 7;
    postgres_session_say(HERE.session, "BEGIN");
    assert_int_equal(status_of(HERE.session, &claim, NAME), IRX_RESULT_OK);
    irx__pg_answer answer = apply_op(other, &renew, NAME); /* does not wait */
    assert_true(answer.busy && answer.status == IRX_RESULT_FAILED && !answer.has_record);
    send_statement(other, IRX_PG_RENEW_ONE, &renew, NAME);
    postgres_session_await_lock(HERE.session, other);
    postgres_session_say(HERE.session, "COMMIT");
    answer = receive_op(other, NAME);
    assert_int_equal(answer.status, IRX_RESULT_STALE);
    assert_true(irx_id_equal(answer.record.session, actor(2)));
}

/* Two who make the record at once must agree on one incarnation. */
static void the_second_of_two_creators_conflicts(void **state)
{
    (void)state;
    irx_op first = op_of(IRX_OP_CREATE, 1);
    irx_op second = op_of(IRX_OP_CREATE, 2);
    irx__pg_answer answer = race(&first, &second);
    assert_int_equal(answer.status, IRX_RESULT_CONFLICT);
    assert_true(irx_id_equal(answer.record.incarnation, actor(1)));
}

/* A join number that is given twice would make two deputies. */
static void two_first_members_get_two_numbers(void **state)
{
    (void)state;
    irx_op first = op_of(IRX_OP_JOIN, 1);
    irx_op second = op_of(IRX_OP_JOIN, 2);
    irx__pg_answer answer = race(&first, &second);
    assert_int_equal(answer.join, 2);
    assert_int_equal(answer.member_count, 2);
    assert_int_equal(answer.members[0].join, 1);
    irx__pg_free_answer(&answer);
}

/* The bound of the table holds against two who take the last place. */
static void the_last_place_is_given_once(void **state)
{
    (void)state;
    irx_op op = op_of(IRX_OP_JOIN, 1);
    status_of(HERE.session, &op, NAME);
    op = op_of(IRX_OP_JOIN, 2);
    status_of(HERE.session, &op, NAME);
    irx_op third = op_of(IRX_OP_JOIN, 3);
    irx_op fourth = op_of(IRX_OP_JOIN, 4);
    irx__pg_answer answer = race(&third, &fourth);
    assert_int_equal(answer.status, IRX_RESULT_FAILED);
    op = op_of(IRX_OP_READ, 1);
    answer = apply_op(HERE.session, &op, NAME);
    assert_int_equal(answer.member_count, 3);
    irx__pg_free_answer(&answer);
}

/* A member that came back under another process after a strike had looked, and before it had the
 * row, must stay. The look is held up by a policy of the row, which asks for a lock of ours. */
static void a_strike_spares_who_came_back(void **state)
{
    postgres_session *striker;
    (void)state;
    become_present(HERE.session, actor(9));
    irx_op join = op_of(IRX_OP_JOIN, 1);
    status_of(HERE.session, &join, NAME); /* under a process that is not there */
    postgres_session_say(
        HERE.session,
        "DROP ROLE IF EXISTS striker; CREATE ROLE striker LOGIN IN ROLE pg_monitor;"
        "GRANT ALL ON interrex_ledger TO striker;"
        "CREATE FUNCTION held_up(text) RETURNS boolean LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_lock_shared(42); PERFORM pg_advisory_unlock_shared(42);"
        " RETURN true; END';"
        "ALTER TABLE interrex_ledger ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY held_up ON interrex_ledger USING (held_up(name));"
        "SELECT pg_advisory_lock(42)");
    assert_string_equal(postgres_session_error(HERE.session), "");
    striker = postgres_session_open(postgres_server_port(HERE.server), "striker");
    postgres_session_say(striker, "SET lock_timeout = '20s'");
    irx_op strike = op_of(IRX_OP_STRIKE, 2);
    send_op(striker, &strike, NAME);
    postgres_session_await_lock(HERE.session, striker);
    join.process = actor(9);
    status_of(HERE.session, &join, NAME);
    postgres_session_say(HERE.session, "SELECT pg_advisory_unlock(42)");
    irx__pg_answer answer = receive_op(striker, NAME);
    assert_int_equal(answer.status, IRX_RESULT_OK);
    assert_int_equal(answer.member_count, 1);
    assert_true(irx_id_equal(answer.members[0].process, actor(9)));
    irx__pg_free_answer(&answer);
    postgres_session_close(striker);
    postgres_session_say(HERE.session,
                         "SELECT pg_advisory_unlock_all(); DROP POLICY held_up ON interrex_ledger;"
                         "ALTER TABLE interrex_ledger DISABLE ROW LEVEL SECURITY;"
                         "DROP FUNCTION held_up(text)");
    assert_string_equal(postgres_session_error(HERE.session), "");
}

/* Whoever waited for the table while another one took its place is answered by the new one, and
 * must be told so: its record would look lost to it, and what follows is the quarantine of an
 * epoch. */
static void a_statement_behind_a_change_of_tables_tells_the_new_epoch(void **state)
{
    static const irx_op_kind kinds[] = {IRX_OP_READ, IRX_OP_RENEW, IRX_OP_CREATE, IRX_OP_STRIKE};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const irx_id before = HERE.epoch;
        const irx_op op = op_of(kinds[i], 1);
        postgres_session_say(HERE.session,
                             "BEGIN; CREATE TABLE twin (LIKE interrex_ledger INCLUDING ALL);"
                             "DROP TABLE interrex_ledger;"
                             "ALTER TABLE twin RENAME TO interrex_ledger");
        send_op(other, &op, NAME);
        postgres_session_await_lock(HERE.session, other);
        postgres_session_say(HERE.session, "COMMIT");
        irx__pg_answer answer = receive_op(other, NAME);
        HERE.epoch = postgres_ledger_greet(HERE.session, &HERE.texts).epoch;
        assert_int_equal(answer.status, IRX_RESULT_EPOCH);
        assert_true(irx_id_equal(answer.epoch, HERE.epoch));
        assert_false(irx_id_equal(answer.epoch, before));
    }
}

/* A fast take-over while the holder is there, or of one whose presence was never seen, would depose
 * the living. */
static void only_the_gone_are_taken_over(void **state)
{
    postgres_session *holder = postgres_session_open(postgres_server_port(HERE.server), NULL);
    (void)state;
    make_held(NAME, 1); /* its presence was not there */
    irx_op claim = claim_of(2);
    claim.kind = IRX_OP_CLAIM_IF_GONE;
    assert_int_equal(status_of(other, &claim, NAME), IRX_RESULT_CONFLICT);
    become_present(holder, actor(1));
    irx_op renew = op_of(IRX_OP_RENEW, 1);
    renew.term = 1;
    renew.beat = 7;
    irx__pg_answer answer = apply_op(HERE.session, &renew, NAME);
    assert_true(answer.record.presence_seen);
    claim.expected.beat = 7;
    assert_int_equal(status_of(other, &claim, NAME), IRX_RESULT_CONFLICT);
    postgres_session_say(holder, "SELECT pg_advisory_unlock_all()");
    assert_int_equal(status_of(other, &claim, NAME), IRX_RESULT_OK);
    postgres_session_close(holder);
}

/* Everybody's renewals of a thousand elections are one statement, each with its own answer. */
static void many_are_renewed_at_once(void **state)
{
    static const char *const names[] = {"a", "b \"\\", "gone", "a"};
    enum { COUNT = 4 };
    irx__pg_question questions[COUNT];
    irx_op ops[COUNT];
    irx__pg_values values;
    (void)state;
    make_held("a", 1);
    make_held("b \"\\", 2);
    for (int i = 0; i < COUNT; i++) {
        ops[i] = op_of(IRX_OP_RENEW, i == 1 ? 2 : i == 3 ? 3 : 1);
        ops[i].term = 1;
        ops[i].beat = 2 + (uint64_t)i;
        questions[i] = (irx__pg_question){.op = &ops[i], .name = names[i]};
    }
    assert_int_equal(irx__pg_values_of(&values, questions, COUNT, 3), 0);
    const irx__pg_rows *rows = postgres_session_ask(HERE.session, HERE.texts.text[IRX_OP_RENEW],
                                                    values.count, values.list);
    static const irx_status_kind wanted[] = {IRX_RESULT_OK, IRX_RESULT_OK, IRX_RESULT_ABSENT,
                                             IRX_RESULT_STALE};
    assert_non_null(rows);
    assert_int_equal(rows->rows, COUNT);
    for (int i = 0; i < COUNT; i++) {
        irx__pg_answer answer;
        assert_int_equal(irx__pg_read_answer(rows, i, COUNT, "t", names[i], &answer, NULL), 0);
        assert_int_equal(answer.index, i);
        assert_int_equal(answer.status, wanted[i]);
        if (i == 3) /* as it stands after the other's */
            assert_int_equal(answer.record.beat, 2);
    }
    irx__pg_values_free(&values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_second_of_two_claims_conflicts, postgres_ledger_empty),
        cmocka_unit_test_setup(a_claim_behind_a_renewal_conflicts, postgres_ledger_empty),
        cmocka_unit_test_setup(a_claim_behind_a_join_applies_to_both, postgres_ledger_empty),
        cmocka_unit_test_setup(a_renewal_behind_a_claim_is_busy_and_then_stale,
                               postgres_ledger_empty),
        cmocka_unit_test_setup(the_second_of_two_creators_conflicts, postgres_ledger_empty),
        cmocka_unit_test_setup(two_first_members_get_two_numbers, postgres_ledger_empty),
        cmocka_unit_test_setup(the_last_place_is_given_once, postgres_ledger_empty),
        cmocka_unit_test_setup(a_strike_spares_who_came_back, postgres_ledger_empty),
        cmocka_unit_test_setup(a_statement_behind_a_change_of_tables_tells_the_new_epoch,
                               postgres_ledger_empty),
        cmocka_unit_test_setup(only_the_gone_are_taken_over, postgres_ledger_empty),
        cmocka_unit_test_setup(many_are_renewed_at_once, postgres_ledger_empty),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
