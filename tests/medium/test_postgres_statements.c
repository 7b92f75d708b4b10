/* Each operation's statement on a real server against the rules of the ledger as C has them: what
 * irx__ledger_apply and irx__table_join say is what PostgreSQL must answer. */
#include "cmocka_all.h"

#include "medium/ledger.h"
#include "medium/table.h"
#include "postgres_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HERE postgres_ledger_here

enum { ACTORS = 4, PRESENT = 2 }; /* of which the first two come and go */

static const char NAME[] = "billing \"a\\b\" {x}, 'y'";

/* ---- the model --------------------------------------------------------------------------------
 */

static irx__ledger ledger;
static irx__table table;
static uint32_t seed = 1;
static postgres_session *there[PRESENT];
static bool is_there[PRESENT];

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static bool is_present(irx_id process)
{
    for (uint64_t n = 1; n <= PRESENT; n++)
        if (irx_id_equal(process, actor(n)))
            return is_there[n - 1];
    return false;
}

static void come_or_go(void)
{
    uint32_t n = draw(PRESENT);
    if (is_there[n])
        postgres_session_say(there[n], "SELECT pg_advisory_unlock_all()");
    else
        become_present(there[n], actor(n + 1));
    is_there[n] = !is_there[n];
}

/* Any operation, near enough to the record for most to apply. */
static irx_op draw_op(void)
{
    static const irx_op_kind kinds[] = {
        IRX_OP_READ,  IRX_OP_CREATE,        IRX_OP_JOIN,    IRX_OP_JOIN,
        IRX_OP_LEAVE, IRX_OP_CLAIM,         IRX_OP_CLAIM,   IRX_OP_CLAIM,
        IRX_OP_RENEW, IRX_OP_CLAIM_IF_GONE, IRX_OP_RELEASE, IRX_OP_PUBLISH,
        IRX_OP_RENEW, IRX_OP_PUBLISH,       IRX_OP_STRIKE,  IRX_OP_CLAIM_IF_GONE};
    static const char value[] = "a \0 value";
    irx_op op = op_of(kinds[draw(sizeof kinds / sizeof kinds[0])], 1 + draw(ACTORS));
    expect_of(&op, &ledger.record);
    if (ledger.has_record && draw(4) > 0)
        op.session = irx_id_none(ledger.record.session) ? op.session : ledger.record.session;
    op.process = draw(5) == 0 ? actor(0) : op.session;
    op.takeover = draw(3) == 0 ? IRX_TAKEOVER_SAFE : IRX_TAKEOVER_FAST;
    bool claims = op.kind == IRX_OP_CLAIM || op.kind == IRX_OP_CLAIM_IF_GONE;
    op.incarnation = ledger.has_record ? ledger.record.incarnation : actor(7);
    op.term = ledger.record.term + (claims ? 1 : 0) + (draw(8) == 0);
    op.beat = ledger.record.beat + draw(3);
    op.leave = draw(2) == 0;
    op.join = draw(6) == 0 ? 1 + draw(9) : 0;
    op.successor = actor(draw(3));
    op.data = value;
    op.length = draw(sizeof value);
    if (draw(8) == 0)
        op.expected.beat++;
    if (draw(16) == 0)
        op.incarnation = actor(9);
    if (draw(24) == 0)
        op.epoch = actor(11);
    return op;
}

static void strike_by_model(void)
{
    for (size_t i = table.count; i-- > 0;)
        if (!irx_id_none(table.rows[i].process) && !is_present(table.rows[i].process))
            irx__table_remove(&table, table.rows[i].session);
}

/* What became of the member table; false where there was no room for the row. */
static bool apply_to_table(const irx_op *op, irx_status_kind status, irx_id former, uint64_t *join)
{
    bool changed;
    irx__joiner who = {.process = op->process};
    char label[32];
    snprintf(label, sizeof label, "host:%" PRIu64, op->session.lo & 0xff);
    who.label = label;
    if (status == IRX_RESULT_EPOCH)
        return true;
    if (op->kind == IRX_OP_JOIN)
        return irx__table_join(&table, op, &who, 3, join, &changed, NULL) == 0;
    if (op->kind == IRX_OP_LEAVE || (op->kind == IRX_OP_RELEASE && op->leave))
        irx__table_remove(&table, op->session);
    if (op->kind == IRX_OP_CLAIM_IF_GONE && status == IRX_RESULT_OK)
        irx__table_remove(&table, former);
    if (op->kind == IRX_OP_STRIKE)
        strike_by_model();
    return true;
}

static bool is_same_record(const irx_record *a, const irx_record *b)
{
    return a->format == b->format && a->protocol == b->protocol && a->takeover == b->takeover &&
           a->presence_seen == b->presence_seen && irx_id_equal(a->incarnation, b->incarnation) &&
           a->term == b->term && irx_id_equal(a->session, b->session) &&
           irx_id_equal(a->process, b->process) && a->beat == b->beat && a->hold_ns == b->hold_ns &&
           irx_id_equal(a->epoch, b->epoch) && irx_id_equal(a->successor, b->successor) &&
           strcmp(a->label, b->label) == 0 && a->value.term == b->value.term &&
           a->value.index == b->value.index;
}

static void compare_members(const irx__pg_answer *answer)
{
    assert_int_equal(answer->member_count, table.count);
    for (size_t i = 0; i < table.count; i++) {
        const irx_member *have = &answer->members[i];
        const irx_member *want = &table.rows[i];
        assert_true(irx_id_equal(have->session, want->session));
        assert_true(irx_id_equal(have->process, want->process));
        assert_int_equal(have->join, want->join);
        assert_string_equal(have->label, want->label);
    }
}

static void step(int round)
{
    irx_op op = draw_op();
    bool changed;
    uint64_t join = 0;
    char label[32];
    snprintf(label, sizeof label, "host:%" PRIu64, op.session.lo & 0xff);
    const irx_id former = ledger.record.session;
    const irx__ledger_facts facts = {
        .epoch = HERE.epoch,
        .label = label,
        .process = op.process,
        .sender_present = is_present(op.process),
        .holder_gone = !irx_id_none(ledger.record.process) && !is_present(ledger.record.process),
    };
    irx_status_kind status = irx__ledger_apply(&ledger, &op, &facts, &changed);
    if (!apply_to_table(&op, status, former, &join))
        status = IRX_RESULT_FAILED;
    irx__pg_answer answer = apply_op(HERE.session, &op, NAME);
    if (answer.status != status)
        fail_msg("round %d: operation %d is answered %d, not %d", round, op.kind, answer.status,
                 status);
    if (status != IRX_RESULT_FAILED) {
        assert_int_equal(answer.has_record, ledger.has_record);
        assert_true(irx_id_equal(answer.epoch, HERE.epoch));
        if (ledger.has_record && !is_same_record(&answer.record, &ledger.record))
            fail_msg("round %d: another record after operation %d", round, op.kind);
        assert_int_equal(answer.join, join);
        if (answer.has_members)
            compare_members(&answer);
    }
    irx__pg_free_answer(&answer);
}

static int make_present(void **state)
{
    for (uint64_t n = 1; n <= PRESENT; n++) {
        there[n - 1] = postgres_session_open(postgres_server_port(HERE.server), NULL);
        become_present(there[n - 1], actor(n));
        is_there[n - 1] = true;
    }
    return postgres_ledger_empty(state);
}

static int end_presence(void **state)
{
    (void)state;
    for (int i = 0; i < PRESENT; i++)
        postgres_session_close(there[i]);
    irx__table_free(&table);
    postgres_session_say(HERE.session, "RESET ALL");
    return 0;
}

/* A rule that the statements tell otherwise than the C ledger would show in one of its operations.
 */
static void statements_do_what_the_ledger_does(void **state)
{
    (void)state;
    for (int episode = 0; episode < 20; episode++) {
        postgres_ledger_empty(NULL);
        ledger = (irx__ledger){0};
        irx__table_free(&table);
        for (int round = 0; round < 60; round++) {
            if (draw(8) == 0)
                come_or_go();
            step(episode * 100 + round);
        }
    }
}

/* A backslash in a literal of ours would be another one's, and every member's number with it. */
static void so_they_do_where_backslashes_escape(void **state)
{
    postgres_session_say(HERE.session, "SET standard_conforming_strings = off");
    statements_do_what_the_ledger_does(state);
    assert_string_equal(postgres_session_say(HERE.session, "SHOW standard_conforming_strings"),
                        "off");
}

/* ---- what the model does not say ---------------------------------------------------------------
 */

/* A first term below the server's clock would let a plain integer fence go back after a wipe. */
static void a_first_term_is_at_least_the_clock(void **state)
{
    (void)state;
    irx_op op = op_of(IRX_OP_CREATE, 1);
    irx__pg_answer answer = apply_op(HERE.session, &op, NAME);
    op = op_of(IRX_OP_CLAIM, 1);
    expect_of(&op, &answer.record);
    op.first_term = true;
    op.term = 5;
    answer = apply_op(HERE.session, &op, NAME);
    assert_true(answer.record.term > UINT64_C(1600000000000));
    assert_true(answer.record.term < UINT64_C(1) << 53);
}

static int heard(postgres_session *listener, irx_op *op)
{
    char channel[IRX_PG_CHANNEL_MAX];
    irx__pg_election_channel(HERE.oid, NAME, channel);
    status_of(HERE.session, op, NAME);
    return postgres_session_heard(listener, channel);
}

/* Missing hints cost a poll's time; hints of renewals would cost everybody a read for each beat,
 * and the server a lock. */
static void hints_tell_of_changes_and_never_of_beats(void **state)
{
    char channel[IRX_PG_CHANNEL_MAX];
    char text[96];
    postgres_session *listener = postgres_session_open(postgres_server_port(HERE.server), NULL);
    (void)state;
    irx__pg_election_channel(HERE.oid, NAME, channel);
    snprintf(text, sizeof text, "LISTEN \"%s\"", channel);
    postgres_session_say(listener, text);
    make_held(NAME, 1);
    assert_int_equal(postgres_session_heard(listener, channel), 1); /* the CLAIM */
    irx_op op = op_of(IRX_OP_JOIN, 3);
    assert_int_equal(heard(listener, &op), 1);
    assert_int_equal(heard(listener, &op), 0); /* says nothing new */
    op.candidate = false;
    assert_int_equal(heard(listener, &op), 1);
    op = op_of(IRX_OP_STRIKE, 1);
    assert_int_equal(heard(listener, &op), 1); /* 3 is not present */
    assert_int_equal(heard(listener, &op), 0);
    op = op_of(IRX_OP_READ, 1);
    assert_int_equal(heard(listener, &op), 0);
    op = op_of(IRX_OP_RENEW, 1);
    op.term = 1;
    op.beat = 2;
    assert_int_equal(heard(listener, &op), 0);
    op.kind = IRX_OP_PUBLISH;
    op.data = "value";
    op.length = 5;
    assert_int_equal(heard(listener, &op), 1);
    op.kind = IRX_OP_RELEASE;
    assert_int_equal(heard(listener, &op), 1);
    assert_int_equal(heard(listener, &op), 0);
    postgres_session_close(listener);
}

/* The key of a presence is made twice, in C and in SQL: apart, nobody would ever be seen. */
static void keys_agree(void **state)
{
    postgres_session *there = postgres_session_open(postgres_server_port(HERE.server), NULL);
    const char *gone = HERE.texts.text[IRX_PG_GONE];
    char digits[2][33];
    char list[80];
    const char *values[] = {list};
    (void)state;
    become_present(there, actor(1));
    irx_id_print(actor(1), digits[0]);
    irx_id_print(actor(2), digits[1]);
    snprintf(list, sizeof list, "{%s,%s}", digits[0], digits[1]);
    const irx__pg_rows *rows = postgres_session_ask(HERE.session, gone, 1, values);
    size_t length;
    assert_non_null(rows);
    assert_int_equal(rows->rows, 1);
    assert_string_equal(rows->cell(rows->source, 0, 0, &length), digits[1]);
    postgres_session_close(there);
}

/* A value of any bytes, and of the most there may be, comes back as it was, and only to those who
 * have an older one. */
static void values_come_back_whole(void **state)
{
    static unsigned char value[IRX_VALUE_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (unsigned char)(i * 7);
    make_held(NAME, 1);
    irx_op op = op_of(IRX_OP_PUBLISH, 1);
    op.term = 1;
    op.data = value;
    op.length = sizeof value;
    assert_int_equal(status_of(HERE.session, &op, NAME), IRX_RESULT_OK);
    op = op_of(IRX_OP_READ, 2);
    irx__pg_answer answer = apply_op(HERE.session, &op, NAME);
    assert_true(answer.has_value && answer.value_length == sizeof value);
    assert_memory_equal(answer.value, value, sizeof value);
    irx__pg_free_answer(&answer);
}

static void commits_are_on_disk(void **state)
{
    (void)state;
    make_held(NAME, 1);
    postgres_session_say(HERE.session, "SET synchronous_commit = off");
    postgres_session_say(HERE.session, "BEGIN");
    irx_op op = op_of(IRX_OP_RENEW, 1);
    op.term = 1;
    op.beat = 2;
    assert_int_equal(status_of(HERE.session, &op, NAME), IRX_RESULT_OK);
    assert_string_equal(postgres_session_say(HERE.session, "SHOW synchronous_commit"), "local");
    postgres_session_say(HERE.session, "ROLLBACK");
    postgres_session_say(HERE.session, "SET synchronous_commit = remote_apply");
    postgres_session_say(HERE.session, "BEGIN");
    status_of(HERE.session, &op, NAME);
    assert_string_equal(postgres_session_say(HERE.session, "SHOW synchronous_commit"),
                        "remote_apply");
    postgres_session_say(HERE.session, "ROLLBACK; RESET synchronous_commit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statements_do_what_the_ledger_does, make_present,
                                        end_presence),
        cmocka_unit_test_setup_teardown(so_they_do_where_backslashes_escape, make_present,
                                        end_presence),
        cmocka_unit_test_setup(a_first_term_is_at_least_the_clock, postgres_ledger_empty),
        cmocka_unit_test_setup(hints_tell_of_changes_and_never_of_beats, postgres_ledger_empty),
        cmocka_unit_test_setup(keys_agree, postgres_ledger_empty),
        cmocka_unit_test_setup(values_come_back_whole, postgres_ledger_empty),
        cmocka_unit_test_setup(commits_are_on_disk, postgres_ledger_empty),
    };
    return cmocka_run_group_tests(tests, postgres_ledger_begin, postgres_ledger_end);
}
