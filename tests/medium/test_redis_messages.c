/* Messages, the published value and members' meta on Redis beyond what the contract asks of every
 * medium: on which channels, in which order, and who is sent the bytes. Against a real server. */
#include "cmocka_all.h"

#include "redis_rig.h"
#include "redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redis_server *server;
static rig *one;
static rig *two;
static rig_seat *a;
static rig_seat *b;

static const irx_id A = {1, 1};
static const irx_id B = {2, 2};

static int start_server(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    redis_server_stop(server);
    return 0;
}

static int open_both(void **state)
{
    (void)state;
    redis_server_say(server, "FLUSHALL");
    one = rig_open(redis_server_url(server), "interrex");
    two = rig_open(redis_server_url(server), "interrex");
    a = rig_attach(one, "billing", "host:1");
    b = rig_attach(two, "billing", "host:2");
    rig_up_both(one);
    rig_up_both(two);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    rig_detach(one, a);
    rig_detach(two, b);
    rig_close(one);
    rig_close(two);
    return 0;
}

static long long output_bytes(void)
{
    const char *text = strstr(redis_server_say(server, "INFO stats"), "total_net_output_bytes:");
    return atoll(text + strlen("total_net_output_bytes:"));
}

static void read_as(rig *r, rig_seat *seat, irx_id session)
{
    irx_op op = rig_op(r, IRX_OP_READ, session);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static void a_broadcast_reaches_every_seat_of_that_election(void **state)
{
    (void)state;
    rig_seat *second = rig_attach(two, "billing", "host:2b");
    rig_seat *other = rig_attach(two, "other", "host:2c");
    assert_true(rig_wait(two, &other->hints, 1));
    rig_say(one, a, 0, "hello");
    assert_true(rig_wait(one, &a->messages, 1)); /* its sender's own, too */
    assert_true(rig_wait(two, &b->messages, 1));
    assert_true(rig_wait(two, &second->messages, 1));
    assert_int_equal(b->heard[1].length, 5);
    assert_string_equal((const char *)second->heard[1].bytes, "hello");
    rig_run_ms(two, 20);
    assert_int_equal(other->messages, 0);
    assert_int_equal(two->messages, 0);
    assert_int_equal(a->sents, 0); /* nobody asked */
    rig_detach(two, second);
    rig_detach(two, other);
}

static void a_direct_message_reaches_that_process_alone(void **state)
{
    (void)state;
    rig_say_to(one, a, two->id[IRX_CHANNEL_PRESENCE], 5, "psst\0!", 6);
    assert_true(rig_wait(one, &a->sents, 1));
    assert_int_equal(a->sent[1].ticket, 5);
    assert_int_equal(a->sent[1].code, 0);
    assert_true(rig_wait(two, &two->messages, 1));
    assert_int_equal(two->heard[1].length, 6); /* bytes are bytes */
    assert_memory_equal(two->heard[1].bytes, "psst\0!", 6);
    rig_run_ms(two, 20);
    assert_int_equal(b->messages + a->messages + one->messages, 0);
}

static void nobody_there_is_no_member(void **state)
{
    (void)state;
    irx_id process = two->id[IRX_CHANNEL_PRESENCE];
    rig_say_to(one, a, rig_id(77), 1, "to nobody", 9);
    rig_say_to(one, a, process, 2, "to somebody", 11);
    assert_true(rig_wait(one, &a->sents, 2));
    assert_int_equal(a->sent[1].code, IRX_ENOMEMBER);
    assert_int_equal(a->sent[2].code, 0);
    rig_vanish(two, server);
    unsigned sents = a->sents;
    rig_say_to(one, a, process, 3, "to somebody", 11);
    assert_true(rig_wait(one, &a->sents, ++sents));
    assert_int_equal(a->sent[sents % RIG_LOG_MAX].code, IRX_ENOMEMBER);
    /* A member that is there without presence can not be reached at all. */
    irx__medium_redis.send(one->medium, &a->seat, B, (irx_id){0, 0}, 4, "x", 1);
    assert_true(rig_wait(one, &a->sents, ++sents));
    assert_int_equal(a->sent[sents % RIG_LOG_MAX].code, IRX_ENOMEMBER);
    /* Everybody is whoever is there, and if that is nobody. */
    rig_vanish(one, server);
    assert_string_equal(redis_server_say(server, "PUBSUB NUMSUB interrex:{billing}:changed"),
                        "interrex:{billing}:changed 0");
    rig_say(one, a, 6, "anybody?");
    assert_true(rig_wait(one, &a->sents, ++sents));
    assert_int_equal(a->sent[sents % RIG_LOG_MAX].code, 0);
}

/* Sends and operations leave in the order of the calls: what a reader sees in the store is never
 * older than what it was told before. */
static void sends_and_operations_keep_their_order(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    assert_true(rig_wait(two, &b->hints, 2));
    for (unsigned i = 1; i <= 20; i++) {
        char text[8];
        irx_op renew = rig_renew(one, &held, held.beat + i);
        snprintf(text, sizeof text, "%u", i);
        rig_submit(one, a, &renew);
        if (i % 2 == 0)
            rig_say(one, a, i, text);
        else
            rig_say_to(one, a, two->id[IRX_CHANNEL_PRESENCE], i, text, strlen(text));
    }
    assert_true(rig_wait(one, &a->sents, 20));
    for (unsigned i = 1; i <= 20; i++)
        assert_int_equal(a->sent[i].ticket, i);
    assert_true(rig_wait(two, &b->messages, 10));
    assert_true(rig_wait(two, &two->messages, 10));
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(atoi((const char *)b->heard[i].bytes), 2 * i);
        assert_int_equal(atoi((const char *)two->heard[i].bytes), 2 * i - 1);
    }
    read_as(two, b, B);
    assert_int_equal(b->result.record.beat, held.beat + 20);
}

static rig_seat *leaving;

static void leave_now(rig *r)
{
    if (leaving != NULL) {
        rig_seat *seat = leaving;
        leaving = NULL;
        rig_detach(r, seat);
    }
}

static void disconnect_now(rig *r)
{
    irx__medium_redis.disconnect(r->medium, IRX_CHANNEL_PRESENCE);
}

static void a_message_may_end_what_it_came_over(void **state)
{
    (void)state;
    /* Seats that are attached later are told first. */
    leaving = rig_attach(two, "billing", "host:2b");
    two->on_message = leave_now;
    rig_say(one, a, 0, "leave");
    assert_true(rig_wait(one, &a->messages, 1));
    assert_true(rig_wait(two, &b->messages, 1));
    rig_seat *second = rig_attach(two, "billing", "host:2b");
    assert_true(rig_wait(two, &second->hints, 1));
    unsigned told = b->messages;
    two->on_message = disconnect_now;
    rig_say(one, a, 0, "now");
    rig_say(one, a, 0, "and not after that");
    assert_true(rig_wait(one, &a->messages, 3));
    assert_true(rig_wait(two, &second->messages, 1));
    rig_run_ms(two, 30);
    assert_int_equal(second->messages, 1);
    assert_int_equal(b->messages, told);
    rig_detach(two, second);
}

/* Whatever somebody publishes on our channels: bounded, and otherwise for the runtime to judge. */
static void what_others_say_is_handed_up_unless_it_is_too_long(void **state)
{
    (void)state;
    const size_t most = IRX_MESSAGE_HEADER_MAX + IRX_MESSAGE_MAX;
    char *long_text = malloc(most + 1);
    char presence[96];
    char digits[33];
    memset(long_text, 'x', most + 1);
    irx_id_print(two->id[IRX_CHANNEL_PRESENCE], digits);
    snprintf(presence, sizeof presence, "interrex:presence:%s", digits);
    redis_server_say(server, "PUBLISH interrex:{billing}:changed %b", long_text, most + 1);
    redis_server_say(server, "PUBLISH %s %b", presence, long_text, most + 1);
    redis_server_say(server, "PUBLISH %s %s", presence, "");
    redis_server_say(server, "PUBLISH interrex:{billing}:changed %b", long_text, most);
    redis_server_say(server, "PUBLISH %s nonsense", presence);
    assert_true(rig_wait(two, &b->messages, 1));
    assert_true(rig_wait(two, &two->messages, 1));
    assert_int_equal(b->messages, 1);
    assert_int_equal(b->heard[1].length, most);
    assert_int_equal(two->messages, 1);
    assert_string_equal((const char *)two->heard[1].bytes, "nonsense");
    assert_true(two->up[IRX_CHANNEL_PRESENCE]);
    free(long_text);
}

/* A server that takes nothing: what waits is bounded, and the connection is not given up for it. */
static void too_much_talk_is_refused_and_costs_no_connection(void **state)
{
    (void)state;
    char *text = malloc(IRX_MESSAGE_MAX);
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    unsigned results = a->results;
    memset(text, 'x', IRX_MESSAGE_MAX);
    for (unsigned i = 1; i <= 200; i++)
        rig_say_to(one, a, rig_id(77), i, text, IRX_MESSAGE_MAX);
    irx_op publish = rig_renew(one, &held, 0);
    publish.kind = IRX_OP_PUBLISH;
    publish.data = text;
    publish.length = IRX_VALUE_MAX;
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    rig_submit(one, a, &renew);
    rig_submit(one, a, &publish);
    assert_true(rig_wait(one, &a->results, results + 2));
    assert_int_equal(a->result.status, IRX_RESULT_FAILED); /* surely not applied */
    assert_int_equal(a->result.error_code, IRX_EFULL);
    assert_int_equal(a->sents, 200);
    assert_int_equal(a->sent[200 % RIG_LOG_MAX].code, IRX_EFULL);
    assert_int_equal(a->sent[200 % RIG_LOG_MAX].ticket, 200);
    read_as(one, a, A);
    assert_int_equal(a->result.record.beat, held.beat + 1);
    assert_int_equal(a->result.record.value.term, 0);
    assert_int_equal(one->downs[IRX_CHANNEL_COMMAND], 0);
    rig_say_to(one, a, rig_id(77), 201, text, IRX_MESSAGE_MAX); /* there is room again */
    assert_true(rig_wait(one, &a->sents, 201));
    assert_int_equal(a->sent[201 % RIG_LOG_MAX].code, IRX_ENOMEMBER);
    free(text);
}

/* ---- the published value ----------------------------------------------------------------------
 */

static irx_op publish_of(const irx_record *held, const char *value)
{
    irx_op op = rig_renew(one, held, 0);
    op.kind = IRX_OP_PUBLISH;
    op.data = value;
    op.length = strlen(value);
    return op;
}

static void assert_value(const rig_seat *seat, uint64_t term, uint64_t index, const char *value)
{
    assert_int_equal(seat->seat.value_version.term, term);
    assert_int_equal(seat->seat.value_version.index, index);
    assert_int_equal(seat->seat.value_length, strlen(value));
    assert_memory_equal(seat->seat.value, value, strlen(value));
}

static void a_published_value_is_hinted_and_brought_once(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    read_as(two, b, B);
    assert_true(rig_wait(two, &b->hints, 2));
    unsigned hints = b->hints;
    irx_op publish = publish_of(&held, "first");
    assert_int_equal(rig_do(one, a, &publish)->status, IRX_RESULT_OK);
    assert_int_equal(a->result.record.value.index, 1);
    assert_value(a, held.term, 1, "first"); /* whoever published has it */
    assert_true(a->seat.value_changed);
    assert_true(rig_wait(two, &b->hints, hints + 1));
    read_as(two, b, B); /* of which the beat is the same */
    assert_value(b, held.term, 1, "first");
    assert_true(b->seat.value_changed);
    b->seat.value_changed = false;
    read_as(two, b, B);
    assert_false(b->seat.value_changed);
    publish = publish_of(&held, "");
    assert_int_equal(rig_do(one, a, &publish)->status, IRX_RESULT_OK);
    read_as(two, b, B);
    assert_value(b, held.term, 2, "");
    assert_int_equal(b->result.record.value.index, 2);
    assert_string_equal(redis_server_say(server, "HGET interrex:{billing} beat"), "1");
}

/* 64 KiB travel to the store, to whoever lacks them, and nowhere else. */
static void the_bytes_go_only_to_who_lacks_them(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    read_as(two, b, B);
    char *value = malloc(IRX_VALUE_MAX + 1);
    memset(value, 'v', IRX_VALUE_MAX);
    value[IRX_VALUE_MAX] = '\0';
    long long start = output_bytes();
    irx_op publish = publish_of(&held, value);
    rig_do(one, a, &publish);
    assert_in_range(output_bytes() - start, 1, 16000); /* the INFOs' own among them */
    start = output_bytes();
    read_as(two, b, B);
    assert_in_range(output_bytes() - start, IRX_VALUE_MAX, IRX_VALUE_MAX + 16000);
    assert_value(b, held.term, 1, value);
    start = output_bytes();
    irx_op renew = rig_renew(one, &held, held.beat + 1);
    rig_do(one, a, &renew);
    read_as(two, b, B);
    irx_op join = rig_op(two, IRX_OP_JOIN, B);
    rig_do(two, b, &join);
    irx_op strike = rig_op(two, IRX_OP_STRIKE, B);
    rig_do(two, b, &strike);
    assert_in_range(output_bytes() - start, 1, 16000);
    free(value);
}

static void a_newcomer_is_given_the_value_with_its_row(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op publish = publish_of(&held, "settings");
    rig_do(one, a, &publish);
    irx_op join = rig_op(two, IRX_OP_JOIN, B);
    assert_int_equal(rig_do(two, b, &join)->status, IRX_RESULT_OK);
    assert_value(b, held.term, 1, "settings");
    rig_seat *late = rig_attach(two, "billing", "host:2b");
    irx_op strike = rig_op(two, IRX_OP_STRIKE, B);
    rig_do(two, late, &strike);
    assert_value(late, held.term, 1, "settings");
    rig_detach(two, late);
}

static void a_value_is_inherited_and_its_versions_begin_anew_in_a_term(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    read_as(two, b, B);
    irx_op publish = publish_of(&held, "old");
    rig_do(one, a, &publish);
    rig_do(one, a, &publish);
    assert_int_equal(a->result.record.value.index, 2);
    irx_op release = rig_renew(one, &held, 0);
    release.kind = IRX_OP_RELEASE;
    rig_do(one, a, &release);
    irx_op claim = rig_claim(two, IRX_OP_CLAIM, B, &a->result.record);
    assert_int_equal(rig_do(two, b, &claim)->status, IRX_RESULT_OK);
    assert_int_equal(b->result.record.value.index, 2);
    read_as(two, b, B); /* the claim told of the version, not of the bytes */
    assert_value(b, held.term, 2, "old");
    publish = rig_renew(two, &b->result.record, 0);
    publish.kind = IRX_OP_PUBLISH;
    publish.data = "new";
    publish.length = 3;
    assert_int_equal(rig_do(two, b, &publish)->status, IRX_RESULT_OK);
    assert_value(b, held.term + 1, 1, "new");
    read_as(one, a, A);
    assert_value(a, held.term + 1, 1, "new");
}

/* Each part of who may. A stale publisher is brought what is there. */
static void only_the_holder_publishes(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op publish = publish_of(&held, "mine");
    rig_do(one, a, &publish);
    for (int i = 0; i < 3; i++) {
        irx_op other = rig_renew(two, &held, 0);
        other.kind = IRX_OP_PUBLISH;
        other.data = "theirs";
        other.length = 6;
        other.session = i == 0 ? B : A;
        other.term = i == 1 ? held.term - 1 : held.term;
        other.incarnation = i == 2 ? rig_id(9) : held.incarnation;
        assert_int_equal(rig_do(two, b, &other)->status, IRX_RESULT_STALE);
        assert_value(b, held.term, 1, "mine");
        assert_int_equal(b->result.record.value.index, 1);
    }
    irx_op release = rig_renew(one, &held, 0);
    release.kind = IRX_OP_RELEASE;
    rig_do(one, a, &release);
    assert_int_equal(rig_do(one, a, &publish)->status, IRX_RESULT_STALE);
    publish.session = (irx_id){0, 0}; /* as the vacant record's */
    assert_int_equal(rig_do(one, a, &publish)->status, IRX_RESULT_STALE);
    redis_server_say(server, "DEL interrex:{billing}");
    assert_int_equal(rig_do(one, a, &publish)->status, IRX_RESULT_ABSENT);
    assert_string_equal(redis_server_say(server, "EXISTS interrex:{billing}"), "0");
}

/* The bytes may be freed once the result is told, and not before: several are under way. */
static void publications_keep_their_order(void **state)
{
    (void)state;
    static char values[20][8];
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    unsigned results = a->results;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(values[i], sizeof values[i], "%u", i + 1);
        irx_op publish = publish_of(&held, values[i]);
        rig_submit(one, a, &publish);
        irx_op read = rig_op(one, IRX_OP_READ, A);
        rig_submit(one, a, &read);
    }
    assert_true(rig_wait(one, &a->results, results + 40));
    assert_value(a, held.term, 20, "20");
    read_as(two, b, B);
    assert_value(b, held.term, 20, "20");
}

static unsigned values_told;

static void count_values(rig *r)
{
    (void)r;
    values_told += b->seat.value_changed;
    b->seat.value_changed = false;
}

static void readings_under_way_together_bring_a_value_once(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op publish = publish_of(&held, "value");
    rig_do(one, a, &publish);
    values_told = 0;
    two->on_result = count_values;
    for (int i = 0; i < 3; i++) {
        irx_op read = rig_op(two, IRX_OP_READ, B);
        rig_submit(two, b, &read);
    }
    assert_true(rig_wait(two, &b->results, 3));
    assert_int_equal(values_told, 1);
    assert_value(b, held.term, 1, "value");
}

/* A store that lost it must not take it from who has it. */
static void an_older_value_is_not_taken(void **state)
{
    (void)state;
    irx_record held = rig_take(one, a, A, IRX_TAKEOVER_FAST)->record;
    irx_op publish = publish_of(&held, "one");
    rig_do(one, a, &publish);
    rig_do(one, a, &publish);
    read_as(two, b, B);
    redis_server_say(server, "HSET interrex:{billing} value older value_index 1");
    b->seat.value_changed = false;
    read_as(two, b, B);
    assert_value(b, held.term, 2, "one");
    assert_false(b->seat.value_changed);
    assert_int_equal(b->result.record.value.index, 1);
}

/* ---- meta -------------------------------------------------------------------------------------
 */

static void assert_meta(const irx_seat *seat, size_t row, const char *meta)
{
    assert_true(row < seat->member_count);
    assert_int_equal(seat->members[row].meta_length, strlen(meta));
    if (meta[0] != '\0')
        assert_memory_equal(seat->metas + seat->members[row].meta_at, meta, strlen(meta));
}

static void rows_carry_meta_and_labels_stay_labels(void **state)
{
    (void)state;
    char large[IRX_META_MAX + 1];
    memset(large, 'm', IRX_META_MAX);
    large[IRX_META_MAX] = '\0';
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    a->seat.meta = "{\"zone\":\n1}";
    a->seat.meta_length = strlen(a->seat.meta);
    rig_do(one, a, &join);
    join = rig_op(two, IRX_OP_JOIN, B);
    rig_do(two, b, &join); /* which says nothing of itself */
    join.session = rig_id(3);
    b->seat.meta = large;
    b->seat.meta_length = IRX_META_MAX;
    rig_do(two, b, &join);
    join.session = rig_id(4);
    b->seat.meta = "a\0b";
    b->seat.meta_length = 3;
    rig_do(two, b, &join);
    irx_op read = rig_op(one, IRX_OP_READ, A);
    rig_do(one, a, &read);
    const irx_seat *seat = &a->seat;
    assert_int_equal(seat->member_count, 4);
    assert_meta(seat, 0, "{\"zone\":\n1}");
    assert_string_equal(seat->members[0].label, "host:1");
    assert_meta(seat, 1, "");
    assert_meta(seat, 2, large);
    assert_int_equal(seat->members[3].meta_length, 3);
    assert_memory_equal(seat->metas + seat->members[3].meta_at, "a\0b", 3);
    b->seat.meta = NULL;
    b->seat.meta_length = 0;
}

static void a_row_that_changed_is_told_where_that_is_asked_for(void **state)
{
    (void)state;
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    rig_do(one, a, &join);
    rig_run_ms(two, 30);
    assert_int_equal(b->hints, 1); /* the subscription's */
    a->seat.meta = "new";
    a->seat.meta_length = 3;
    rig_do(one, a, &join);
    rig_run_ms(two, 30);
    assert_int_equal(b->hints, 1);
    join.push = true;
    rig_do(one, a, &join); /* nothing new */
    rig_run_ms(two, 30);
    assert_int_equal(b->hints, 1);
    a->seat.meta = "newer";
    a->seat.meta_length = 5;
    rig_do(one, a, &join);
    assert_true(rig_wait(two, &b->hints, 2));
    irx_op read = rig_op(two, IRX_OP_READ, B);
    rig_do(two, b, &read);
    assert_meta(&b->seat, 0, "newer");
    a->seat.meta = NULL;
    a->seat.meta_length = 0;
    rig_do(one, a, &join);
    rig_do(two, b, &read);
    assert_meta(&b->seat, 0, "");
}

/* Rows with meta are struck and left behind like any other. */
static void a_row_with_meta_is_struck(void **state)
{
    (void)state;
    irx_op join = rig_op(one, IRX_OP_JOIN, A);
    a->seat.meta = "1 0000 1 not a row";
    a->seat.meta_length = strlen(a->seat.meta);
    rig_do(one, a, &join);
    rig_vanish(one, server);
    irx_op strike = rig_op(two, IRX_OP_STRIKE, B);
    rig_do(two, b, &strike);
    assert_int_equal(b->result.status, IRX_RESULT_OK);
    assert_int_equal(b->seat.member_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_broadcast_reaches_every_seat_of_that_election),
        TEST(a_direct_message_reaches_that_process_alone),
        TEST(nobody_there_is_no_member),
        TEST(sends_and_operations_keep_their_order),
        TEST(a_message_may_end_what_it_came_over),
        TEST(what_others_say_is_handed_up_unless_it_is_too_long),
        TEST(too_much_talk_is_refused_and_costs_no_connection),
        TEST(a_published_value_is_hinted_and_brought_once),
        TEST(the_bytes_go_only_to_who_lacks_them),
        TEST(a_newcomer_is_given_the_value_with_its_row),
        TEST(a_value_is_inherited_and_its_versions_begin_anew_in_a_term),
        TEST(only_the_holder_publishes),
        TEST(publications_keep_their_order),
        TEST(readings_under_way_together_bring_a_value_once),
        TEST(an_older_value_is_not_taken),
        TEST(rows_carry_meta_and_labels_stay_labels),
        TEST(a_row_that_changed_is_told_where_that_is_asked_for),
        TEST(a_row_with_meta_is_struck),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
