/* The published value: written by who holds the record, inherited by who holds it next, and handed
 * to everybody once per version. */
#include "contract.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

enum { QUIET_MS = 100 };

static irx_result publish(peer_seat *s, const irx_record *held, const char *text)
{
    irx_op op = peer_publish(s, held, text, strlen(text));
    return peer_do(s, &op);
}

static void is_version(irx_version version, uint64_t term, uint64_t index)
{
    assert_int_equal(version.term, term);
    assert_int_equal(version.index, index);
}

static void published(peer_seat *s, const irx_record *held, const char *text, uint64_t index)
{
    irx_result result = publish(s, held, text);
    assert_int_equal(result.status, IRX_RESULT_OK);
    is_version(result.record.value, held->term, index);
}

/* The seat has this, as something new, which it now knows. */
static void is_handed(peer_seat *s, const void *value, size_t length, irx_version version)
{
    assert_true(s->seat.value_changed);
    s->seat.value_changed = false;
    is_version(s->seat.value_version, version.term, version.index);
    assert_int_equal(s->seat.value_length, length);
    if (length > 0)
        assert_memory_equal(s->seat.value, value, length);
}

static void text_is_handed(peer_seat *s, const char *text, uint64_t term, uint64_t index)
{
    is_handed(s, text, strlen(text), (irx_version){term, index});
}

static irx_record release(peer_seat *s, const irx_record *held)
{
    irx_op op = peer_release(s, held);
    irx_result result = peer_do(s, &op);
    assert_int_equal(result.status, IRX_RESULT_OK);
    return result.record;
}

/* ---- who gets it ----------------------------------------------------------------------------- */

static void without_one_nothing_is_handed(contract *c)
{
    peer_seat *s = contract_joined(c, "billing", "a");
    is_version(peer_lead(s).value, 0, 0);
    is_version(peer_read(s).value, 0, 0);
    assert_false(s->seat.value_changed);
    is_version(s->seat.value_version, 0, 0);
    peer_end(s);
}

/* By whatever a member looks with. */
static void value_reaches_everybody(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *reader = contract_joined(c, "billing", "reader");
    peer_seat *striker = contract_joined(c, "billing", "striker");
    irx_record held = peer_lead(a);
    published(a, &held, "the value", 1);
    irx_record seen = peer_read(reader);
    is_version(seen.value, held.term, 1);
    text_is_handed(reader, "the value", held.term, 1);
    peer_say(striker, IRX_OP_STRIKE);
    text_is_handed(striker, "the value", held.term, 1);
    peer_seat *newcomer = contract_joined(c, "billing", "newcomer");
    text_is_handed(newcomer, "the value", held.term, 1);
    /* Who published it has it at the latest when it looks. */
    peer_say(a, IRX_OP_READ);
    is_version(a->seat.value_version, held.term, 1);
    assert_memory_equal(a->seat.value, "the value", 9);
    peer_end(newcomer);
    peer_end(striker);
    peer_end(reader);
    peer_end(a);
}

static void value_is_handed_once_per_version(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    published(a, &held, "same", 1);
    peer_say(b, IRX_OP_READ);
    text_is_handed(b, "same", held.term, 1);
    const void *handed = b->seat.value;
    peer_say(b, IRX_OP_READ);
    contract_join(b);
    peer_say(b, IRX_OP_STRIKE);
    assert_false(b->seat.value_changed);
    assert_ptr_equal(b->seat.value, handed);
    /* The same bytes published again are another version. */
    published(a, &held, "same", 2);
    peer_say(b, IRX_OP_READ);
    text_is_handed(b, "same", held.term, 2);
    peer_end(b);
    peer_end(a);
}

static void newest_value_is_handed(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    published(a, &held, "first, the longest of them", 1);
    peer_say(b, IRX_OP_READ);
    text_is_handed(b, "first, the longest of them", held.term, 1);
    published(a, &held, "second", 2);
    published(a, &held, "third", 3);
    peer_say(b, IRX_OP_READ);
    text_is_handed(b, "third", held.term, 3);
    peer_end(b);
    peer_end(a);
}

static void publish_hints(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *far = contract_joined(c, "billing", "far");
    peer_seat *near = peer_sit(a->peer, "billing", "near");
    contract_join(near);
    irx_record held = peer_lead(a);
    peer_run_ms(c->loop, QUIET_MS);
    far->hints = near->hints = 0;
    published(a, &held, "look", 1);
    assert_true(peer_wait(c->loop, &far->hints, 1));
    assert_true(peer_wait(c->loop, &near->hints, 1));
    peer_free(near);
    peer_end(far);
    peer_end(a);
}

static void values_stay_in_their_election(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = peer_sit(a->peer, "reports", "b");
    contract_join(b);
    irx_record held = peer_lead(a), other = peer_lead(b);
    published(a, &held, "of billing", 1);
    is_version(peer_read(b).value, 0, 0);
    assert_false(b->seat.value_changed);
    published(b, &other, "of reports", 1);
    peer_say(a, IRX_OP_READ);
    is_version(a->seat.value_version, held.term, 1);
    assert_memory_equal(a->seat.value, "of billing", 10);
    peer_free(b);
    peer_end(a);
}

/* ---- any bytes ------------------------------------------------------------------------------- */

static void largest_value_is_kept_whole(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    unsigned char *value = malloc(IRX_VALUE_MAX);
    assert_non_null(value);
    for (size_t i = 0; i < IRX_VALUE_MAX; i++)
        value[i] = (unsigned char)(i + i / 256);
    irx_op op = peer_publish(a, &held, value, IRX_VALUE_MAX);
    assert_int_equal(peer_do(a, &op).status, IRX_RESULT_OK);
    peer_say(b, IRX_OP_READ);
    is_handed(b, value, IRX_VALUE_MAX, (irx_version){held.term, 1});
    free(value);
    peer_end(b);
    peer_end(a);
}

/* No bytes at all are a value, with a version, and take the place of the one before. */
static void empty_value_is_a_value(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    for (uint64_t index = 1; index <= 3; index += 2) {
        irx_op op = peer_publish(a, &held, NULL, 0);
        irx_result result = peer_do(a, &op);
        assert_int_equal(result.status, IRX_RESULT_OK);
        is_version(result.record.value, held.term, index);
        peer_say(b, IRX_OP_READ);
        is_handed(b, NULL, 0, (irx_version){held.term, index});
        published(a, &held, "full", index + 1);
        peer_say(b, IRX_OP_READ);
        text_is_handed(b, "full", held.term, index + 1);
    }
    peer_end(b);
    peer_end(a);
}

/* ---- who may, and what lasts ----------------------------------------------------------------- */

/* Refused with STALE; neither record nor value is touched. */
static void is_refused(peer_seat *s, const irx_op *op, peer_seat *reader)
{
    irx_record before = peer_read(reader);
    reader->seat.value_changed = false;
    irx_result result = peer_do(s, op);
    assert_int_equal(result.status, IRX_RESULT_STALE);
    assert_record_equal(&result.record, &before);
    irx_record after = peer_read(reader);
    assert_record_equal(&after, &before);
    assert_false(reader->seat.value_changed);
    peer_seat *fresh = peer_sit(reader->peer, reader->seat.name, "fresh");
    peer_say(fresh, IRX_OP_READ);
    is_handed(fresh, reader->seat.value, reader->seat.value_length, before.value);
    peer_free(fresh);
}

static void only_the_holder_may_publish(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    published(a, &held, "right", 1);
    irx_op op = peer_publish(b, &held, "wrong", 5);
    is_refused(b, &op, b);
    op = peer_publish(a, &held, "wrong", 5);
    op.term++;
    is_refused(a, &op, b);
    op = peer_publish(a, &held, "wrong", 5);
    op.incarnation = irx__random_id();
    is_refused(a, &op, b);
    irx_record vacant = release(a, &held);
    op = peer_publish(a, &held, "wrong", 5);
    is_refused(a, &op, b);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &vacant);
    assert_int_equal(peer_do(b, &claim).status, IRX_RESULT_OK);
    is_refused(a, &op, b);
    peer_end(b);
    peer_end(a);
}

static void nothing_is_published_without_a_record(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    irx_record none = {.incarnation = {1, 2}, .term = 1};
    assert_int_equal(publish(a, &none, "early").status, IRX_RESULT_ABSENT);
    irx_record held = peer_lead(a);
    is_version(held.value, 0, 0);
    irx_op op = peer_publish(a, &held, "of another epoch", 16);
    op.epoch = irx__random_id();
    assert_int_equal(peer_do(a, &op).status, IRX_RESULT_EPOCH);
    is_version(peer_read(a).value, 0, 0);
    assert_false(a->seat.value_changed);
    peer_end(a);
}

static void value_outlives_its_term(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    published(a, &held, "draft", 1);
    published(a, &held, "inherited", 2);
    irx_op renew = peer_renew(a, &held, held.beat + 1);
    is_version(peer_do(a, &renew).record.value, held.term, 2);
    irx_record vacant = release(a, &held);
    is_version(vacant.value, held.term, 2);
    irx_op claim = peer_claim(b, IRX_OP_CLAIM, &vacant);
    irx_record next = peer_do(b, &claim).record;
    is_version(next.value, held.term, 2);
    peer_say(b, IRX_OP_READ);
    text_is_handed(b, "inherited", held.term, 2);
    /* In a new term it is counted from one, and the value is newer for all that. */
    published(b, &next, "its own", 1);
    a->seat.value_changed = false;
    peer_say(a, IRX_OP_READ);
    text_is_handed(a, "its own", next.term, 1);
    peer_end(b);
    peer_end(a);
}

static void value_outlives_who_published_it(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    peer_seat *b = contract_joined(c, "billing", "b");
    irx_record held = peer_lead(a);
    published(a, &held, "a legacy", 1);
    peer_end(a);
    peer_watch(b, held.process);
    assert_true(peer_wait(c->loop, &b->gones, 1));
    irx_op claim = peer_claim(b, IRX_OP_CLAIM_IF_GONE, &held);
    irx_result result = peer_do(b, &claim);
    assert_int_equal(result.status, IRX_RESULT_OK);
    is_version(result.record.value, held.term, 1);
    peer_say(b, IRX_OP_READ);
    text_is_handed(b, "a legacy", held.term, 1);
    peer_end(b);
}

static void reconnect(peer_seat *s)
{
    peer_disconnect(s->peer, IRX_CHANNEL_COMMAND);
    peer_disconnect(s->peer, IRX_CHANNEL_PRESENCE);
    assert_true(peer_up(s->peer, IRX_CHANNEL_PRESENCE));
    assert_true(peer_up(s->peer, IRX_CHANNEL_COMMAND));
}

/* What a store keeps, it keeps together. */
static void value_comes_back_with_its_record(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    irx_record held = peer_lead(a);
    published(a, &held, "kept", 1);
    c->kind->come_back(c->store, a->peer, true);
    reconnect(a);
    peer_seat *late = peer_sit(a->peer, "billing", "late");
    is_version(peer_read(late).value, held.term, 1);
    text_is_handed(late, "kept", held.term, 1);
    peer_free(late);
    peer_end(a);
}

/* And what it lost is no value of the next record's. */
static void value_is_lost_with_its_record(contract *c)
{
    peer_seat *a = contract_joined(c, "billing", "a");
    irx_record held = peer_lead(a);
    published(a, &held, "lost", 1);
    c->kind->come_back(c->store, a->peer, false);
    reconnect(a);
    peer_seat *late = peer_sit(a->peer, "billing", "late");
    held = peer_lead(late);
    is_version(held.value, 0, 0);
    peer_say(late, IRX_OP_READ);
    assert_false(late->seat.value_changed);
    published(late, &held, "another", 1);
    a->seat.value_changed = false;
    peer_say(a, IRX_OP_READ);
    text_is_handed(a, "another", held.term, 1);
    peer_free(late);
    peer_end(a);
}

/* Asked for in one go: each gets its own version, the last one stays. */
static void values_are_published_in_their_order(contract *c)
{
    static const char *const texts[] = {"one", "two", "three", "four"};
    peer_seat *a = contract_joined(c, "billing", "a");
    irx_record held = peer_lead(a);
    unsigned before = a->results;
    for (int i = 0; i < 4; i++) {
        irx_op op = peer_publish(a, &held, texts[i], strlen(texts[i]));
        peer_submit(a, &op);
    }
    assert_true(peer_wait(c->loop, &a->results, a->submitted));
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(a->log[(before + i) % PEER_LOG_MAX].status, IRX_RESULT_OK);
        is_version(a->log[(before + i) % PEER_LOG_MAX].record.value, held.term, i);
    }
    peer_seat *b = contract_joined(c, "billing", "b");
    text_is_handed(b, "four", held.term, 4);
    peer_end(b);
    peer_end(a);
}

static const contract_case CASES[] = {
    CASE(without_one_nothing_is_handed, EVERYWHERE),
    CASE(value_reaches_everybody, EVERYWHERE),
    CASE(value_is_handed_once_per_version, EVERYWHERE),
    CASE(newest_value_is_handed, EVERYWHERE),
    CASE(publish_hints, EVERYWHERE),
    CASE(values_stay_in_their_election, EVERYWHERE),
    CASE(largest_value_is_kept_whole, EVERYWHERE),
    CASE(empty_value_is_a_value, EVERYWHERE),
    CASE(only_the_holder_may_publish, EVERYWHERE),
    CASE(nothing_is_published_without_a_record, EVERYWHERE),
    CASE(value_outlives_its_term, EVERYWHERE),
    CASE(value_outlives_who_published_it, EVERYWHERE),
    CASE(value_comes_back_with_its_record, EVERYWHERE),
    CASE(value_is_lost_with_its_record, EVERYWHERE),
    CASE(values_are_published_in_their_order, EVERYWHERE),
};
const contract_topic CONTRACT_VALUE = TOPIC(CASES);
