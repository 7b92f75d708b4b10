/* Reading what a Redis server answers: what is good is read as it is, what is not is refused with
 * its name. Pure: no server. That nothing does harm is tests/fuzz/fuzz_redis_reply.c's. */
#include "cmocka_all.h"

#include "medium/redis_error.h"
#include "medium/redis_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static irx__redis_answer answer;
static irx_error error;

/* Reads "one\r\n"-style bytes as an answer to this operation. */
static int read_bytes(irx_op_kind kind, const char *bytes, size_t length)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    redisReaderFeed(reader, bytes, length);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    int code = irx__redis_read_answer(reply, kind, "interrex:{billing}", &answer, &error);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return code;
}

static size_t read_file(const char *name, char bytes[4096])
{
    char path[512];
    snprintf(path, sizeof path, INTERREX_SOURCE_DIR "/tests/fuzz/corpus/redis_reply/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, 4096, file);
    fclose(file);
    return length;
}

static int read_known(irx_op_kind kind, const char *name)
{
    char bytes[4096];
    size_t length = read_file(name, bytes);
    return read_bytes(kind, bytes, length);
}

static void good_answers_are_read(void **state)
{
    (void)state;
    const irx_id h = {0x0123456789abcdef, 0x0123456789abcdef};
    const irx_id g = {0xfedcba9876543210, 0xfedcba9876543210};
    assert_int_equal(read_known(IRX_OP_READ, "held"), 0);
    assert_true(answer.has_record && answer.record.presence_seen && !answer.has_members);
    assert_true(irx_id_equal(answer.record.session, g) && irx_id_equal(answer.epoch, g));
    assert_int_equal(answer.record.takeover, IRX_TAKEOVER_FAST);
    assert_int_equal(answer.record.hold_ns, 1507500000);
    assert_string_equal(answer.record.label, "host:1");
    assert_int_equal(answer.record.protocol, IRX_PROTOCOL_LEASE);
    assert_int_equal(answer.record.voter_count, 0);
    assert_int_equal(read_known(IRX_OP_READ, "vacant"), 0);
    assert_int_equal(answer.status, IRX_RESULT_CONFLICT);
    assert_true(irx_id_none(answer.record.session) && irx_id_equal(answer.record.successor, h));
    assert_int_equal(read_known(IRX_OP_JOIN, "members"), 0);
    assert_int_equal(answer.member_count, 2);
    assert_int_equal(answer.join, 2);
    assert_string_equal(answer.members[1].label, "a label with blanks");
    assert_true(irx_id_none(answer.members[1].process) && !answer.members[1].candidate);
    assert_null(answer.metas);
    irx__redis_free_answer(&answer);
    assert_int_equal(read_known(IRX_OP_READ, "newer"), 0);
    assert_int_equal(answer.record.format, 2);
    assert_false(answer.has_value);
    assert_int_equal(read_known(IRX_OP_READ, "absent"), 0);
    assert_true(answer.has_members && answer.member_count == 0);
    irx__redis_free_answer(&answer);
}

static void voters_values_and_metas_are_read_as_they_are(void **state)
{
    (void)state;
    const irx_id h = {0x0123456789abcdef, 0x0123456789abcdef};
    const irx_id g = {0xfedcba9876543210, 0xfedcba9876543210};
    assert_int_equal(read_known(IRX_OP_READ, "quorum"), 0);
    assert_int_equal(answer.record.protocol, IRX_PROTOCOL_QUORUM);
    assert_int_equal(answer.record.list, 3);
    assert_int_equal(answer.record.voter_count, 2);
    assert_true(irx_id_equal(answer.record.voters[0], g));
    assert_true(irx_id_equal(answer.record.voters[1], h));
    assert_false(answer.has_value);
    assert_int_equal(read_known(IRX_OP_READ, "value"), 0);
    assert_true(answer.has_value);
    assert_int_equal(answer.record.value.term, 1795236403030);
    assert_int_equal(answer.record.value.index, 7);
    assert_int_equal(answer.value_length, 11);
    assert_memory_equal(answer.value, "a \0 value\r\n", 11);
    irx__redis_free_answer(&answer);
    assert_int_equal(read_known(IRX_OP_JOIN, "metas"), 0);
    assert_int_equal(answer.member_count, 3); /* in the order of joining, whatever the table's */
    assert_int_equal(answer.members[0].meta_length, 10);
    assert_memory_equal(answer.metas + answer.members[0].meta_at, "{\"zone\":1}", 10);
    assert_string_equal(answer.members[1].label, "second");
    assert_int_equal(answer.members[1].meta_length, 11);
    assert_memory_equal(answer.metas + answer.members[1].meta_at, "its\nlines \0", 11);
    assert_int_equal(answer.members[2].meta_length, 0);
    irx__redis_free_answer(&answer);
}

/* One word or number says something else for each operation, and nothing for most. */
static void short_answers_belong_to_their_operations(void **state)
{
    (void)state;
    assert_int_equal(read_known(IRX_OP_READ, "same"), 0);
    assert_int_equal(answer.brief, IRX_REDIS_SAME);
    assert_int_equal(read_known(IRX_OP_STRIKE, "advanced"), 0);
    assert_true(answer.brief == IRX_REDIS_ADVANCED && answer.beat == 43);
    assert_int_equal(read_known(IRX_OP_READ, "renewed"), 0);
    assert_true(answer.brief == IRX_REDIS_ADVANCED && answer.beat == 1);
    assert_int_equal(read_known(IRX_OP_RENEW, "renewed"), 0);
    assert_true(answer.brief == IRX_REDIS_RENEWED && answer.presence_seen);
    assert_int_equal(read_known(IRX_OP_RENEW, "not_present"), 0);
    assert_true(answer.brief == IRX_REDIS_RENEWED && !answer.presence_seen);
    assert_int_equal(read_known(IRX_OP_RENEW, "advanced"), IRX_EPROTOCOL);
    assert_int_equal(read_known(IRX_OP_RENEW, "same"), IRX_EPROTOCOL);
    for (int kind = 0; kind <= IRX_OP_PUBLISH; kind++)
        if (kind != IRX_OP_READ && kind != IRX_OP_STRIKE && kind != IRX_OP_RENEW) {
            assert_int_equal(read_known((irx_op_kind)kind, "same"), IRX_EPROTOCOL);
            assert_int_equal(read_known((irx_op_kind)kind, "renewed"), IRX_EPROTOCOL);
            assert_int_equal(answer.status, IRX_RESULT_UNKNOWN);
        }
}

static void what_no_script_answers_is_refused(void **state)
{
    static const char *const bad[] = {
        "+OK\r\n",
        ":-1\r\n",
        ":9007199254740992\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*1\r\n$2\r\nOK\r\n",
        "*7\r\n$3\r\nYES\r\n$-1\r\n:0\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*7\r\n$8\r\nCONFLICT\r\n$-1\r\n:0\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n", /* with no record */
        "*6\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*7\r\n$2\r\nOK\r\n$-1\r\n:-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*7\r\n$2\r\nOK\r\n$-1\r\n:0\r\n*1\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*7\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$25\r\n1234567890123456789012345\r\n$-1\r\n$-1\r\n",
        "*7\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$1\r\n1\r\n*1\r\n$1\r\n1\r\n$-1\r\n",
        "*7\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$1\r\n1\r\n+nothing\r\n$-1\r\n",
        "*7\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$1\r\n1\r\n*0\r\n$5\r\nvalue\r\n", /* of what? */
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_bytes(IRX_OP_READ, bad[i], strlen(bad[i])) != IRX_EPROTOCOL)
            fail_msg("%s", bad[i]);
    assert_int_equal(read_known(IRX_OP_READ, "foreign"), IRX_EFOREIGN);
    assert_int_equal(answer.status, IRX_RESULT_FAILED);
    assert_int_equal(read_known(IRX_OP_READ, "full"), IRX_EFULL);
    assert_int_equal(answer.status, IRX_RESULT_FAILED);
}

/* ---- answers that are made here ---------------------------------------------------------------
 */

static char made[300000];
static size_t made_length;

static void make(const char *bytes, size_t length)
{
    assert_true(made_length + length <= sizeof made);
    memcpy(made + made_length, bytes, length);
    made_length += length;
}

static void make_text(const char *text, size_t length)
{
    char head[16];
    make(head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", length));
    make(text, length);
    make("\r\n", 2);
}

static const char G[] = "fedcba9876543210fedcba9876543210";

enum { FIELDS = 17, VALUE_TERM = 13, VALUE_INDEX, LIST, VOTERS };

/* A good record, but for this field. */
static void make_record(int field, const char *text)
{
    const char *fields[FIELDS] = {"1",          G,        "5",    G,   G, "host:1", "42",
                                  "1507500000", "quorum", "fast", "1", G, "",       "5",
                                  "2",          "1",      G};
    if (field >= 0)
        fields[field] = text;
    made_length = 0;
    make("*7\r\n+OK\r\n$-1\r\n:0\r\n*17\r\n", strlen("*7\r\n+OK\r\n$-1\r\n:0\r\n*17\r\n"));
    for (int i = 0; i < FIELDS; i++)
        make_text(fields[i], strlen(fields[i]));
}

static int read_record_with(int field, const char *text)
{
    make_record(field, text);
    make("$-1\r\n$-1\r\n$-1\r\n", strlen("$-1\r\n$-1\r\n$-1\r\n"));
    return read_bytes(IRX_OP_READ, made, made_length);
}

static void a_field_that_says_what_it_can_not_is_foreign(void **state)
{
    char many[(IRX_VOTERS_MAX + 1) * 32 + 1];
    (void)state;
    assert_int_equal(read_record_with(-1, ""), 0);
    assert_int_equal(read_record_with(VALUE_TERM, "9007199254740992"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(VALUE_TERM, "0"), IRX_EFOREIGN); /* with an index */
    assert_int_equal(read_record_with(VALUE_INDEX, "0"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(VALUE_INDEX, "-1"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(LIST, "one"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(LIST, "9007199254740992"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(VOTERS, "fedc"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(VOTERS, "zedcba9876543210fedcba9876543210"), IRX_EFOREIGN);
    assert_int_equal(read_record_with(VOTERS, "00000000000000000000000000000000"), IRX_EFOREIGN);
    snprintf(many, sizeof many, "%s%s", G, G); /* one of them twice */
    assert_int_equal(read_record_with(VOTERS, many), IRX_EFOREIGN);
    for (int i = 0; i <= IRX_VOTERS_MAX; i++)
        snprintf(many + (size_t)i * 32, 33, "%032d", i + 1);
    assert_int_equal(read_record_with(VOTERS, many), IRX_EFOREIGN);
    many[IRX_VOTERS_MAX * 32] = '\0'; /* as many as there may be */
    assert_int_equal(read_record_with(VOTERS, many), 0);
    assert_int_equal(answer.record.voter_count, IRX_VOTERS_MAX);
    assert_int_equal(answer.record.voters[IRX_VOTERS_MAX - 1].lo, 0x32);
}

static int read_value_of(int field, const char *text, size_t length)
{
    static char value[IRX_VALUE_MAX + 1];
    make_record(field, text);
    make("$-1\r\n$-1\r\n", strlen("$-1\r\n$-1\r\n"));
    make_text(value, length);
    int code = read_bytes(IRX_OP_READ, made, made_length);
    bool whole = code == 0 && answer.has_value && answer.value_length == length;
    irx__redis_free_answer(&answer);
    return code == 0 && !whole ? 1 : code;
}

static void a_value_has_a_version_and_a_bound(void **state)
{
    (void)state;
    assert_int_equal(read_value_of(-1, "", 0), 0);
    assert_int_equal(read_value_of(-1, "", IRX_VALUE_MAX), 0);
    assert_int_equal(read_value_of(-1, "", IRX_VALUE_MAX + 1), IRX_EFOREIGN);
    made_length = 0;
    char bytes[4096]; /* one of a record that has none */
    size_t length = read_file("held", bytes);
    memcpy(bytes + length - 5, "+hm\r\n", 5);
    assert_int_equal(read_bytes(IRX_OP_READ, bytes, length), IRX_EFOREIGN);
}

/* A table of this one row. */
static int read_row_of(const char *row, size_t length)
{
    make_record(-1, "");
    make("+1\r\n*2\r\n", strlen("+1\r\n*2\r\n"));
    make_text(G, 32);
    make_text(row, length);
    make("$-1\r\n", 5);
    int code = read_bytes(IRX_OP_READ, made, made_length);
    irx__redis_free_answer(&answer);
    return code;
}

static void a_row_is_one_line_and_a_bounded_meta(void **state)
{
    char row[IRX_META_MAX + 64] = "1 - 1 label\n";
    size_t head = strlen(row);
    (void)state;
    assert_int_equal(read_row_of("1 - 1 label", 11), 0);
    assert_int_equal(read_row_of("1 - 1 \nmeta", 11), 0);
    assert_int_equal(read_row_of("1 - 1\nlabel", 11), IRX_EFOREIGN);
    assert_int_equal(read_row_of("1 - 1 label\n", 12), IRX_EFOREIGN); /* no meta: no line's end */
    assert_int_equal(read_row_of("1 - 1 la\0bel", 12), IRX_EFOREIGN);
    assert_int_equal(read_row_of(row, head + IRX_META_MAX), 0); /* zero bytes: any will do */
    assert_int_equal(read_row_of(row, head + IRX_META_MAX + 1), IRX_EFOREIGN);
}

/* ---- the watch --------------------------------------------------------------------------------
 */

static void count(void *argument, irx_id process)
{
    assert_false(irx_id_none(process));
    ++*(unsigned *)argument;
}

static bool read_gone(const char *bytes, unsigned *gone)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    redisReaderFeed(reader, bytes, strlen(bytes));
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    *gone = 0;
    bool good = irx__redis_read_gone(reply, count, gone);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return good;
}

/* Nobody is taken for gone by half an answer. */
static void the_gone_are_named_each_exactly(void **state)
{
    unsigned gone;
    (void)state;
    assert_true(read_gone("*0\r\n", &gone));
    assert_int_equal(gone, 0);
    assert_true(read_gone("*1\r\n+fedcba9876543210fedcba9876543210\r\n", &gone));
    assert_int_equal(gone, 1);
    assert_false(read_gone("*2\r\n+fedcba9876543210fedcba9876543210\r\n+fedc\r\n", &gone));
    assert_false(read_gone("*2\r\n+fedcba9876543210fedcba9876543210\r\n:1\r\n", &gone));
    assert_false(read_gone("$-1\r\n", &gone));
    assert_int_equal(gone, 0);
}

/* ---- pushes -----------------------------------------------------------------------------------
 */

static bool read_push(const char *bytes, irx__redis_push *push)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    redisReaderFeed(reader, bytes, strlen(bytes));
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    bool good = irx__redis_read_push(reply, push);
    freeReplyObject(reply); /* the push points into it: its texts are not looked at */
    redisReaderFree(reader);
    return good;
}

static void pushes_are_messages_confirmations_or_nonsense(void **state)
{
    static const char *const bad[] = {
        ":1\r\n",
        "+message\r\n",
        "*0\r\n",
        "*2\r\n+message\r\n+channel\r\n",
        "*4\r\n+message\r\n+channel\r\n+bytes\r\n+more\r\n",
        "*3\r\n+message\r\n+channel\r\n:1\r\n",
        "*3\r\n+message\r\n+channel\r\n$-1\r\n",
        "*3\r\n+message\r\n:1\r\n+bytes\r\n",
        "*3\r\n+subscribe\r\n*-1\r\n:1\r\n",
        "*3\r\n:1\r\n+channel\r\n+bytes\r\n",
    };
    irx__redis_push push;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_push(bad[i], &push))
            fail_msg("%s", bad[i]);
    assert_true(read_push("*3\r\n+message\r\n+channel\r\n+bytes\r\n", &push));
    assert_true(push.said && !push.subscribed && push.length == 5);
    assert_true(read_push("*3\r\n+message\r\n+channel\r\n$0\r\n\r\n", &push));
    assert_true(push.said && push.length == 0);
    assert_true(read_push("*3\r\n+subscribe\r\n+channel\r\n:1\r\n", &push));
    assert_true(push.subscribed && !push.said);
    assert_true(read_push("*3\r\n+unsubscribe\r\n$-1\r\n:0\r\n", &push));
    assert_true(!push.subscribed && !push.said);
}

/* An error that is not in the table may have been applied. */
static void only_known_errors_are_surely_not_applied(void **state)
{
    static const struct {
        const char *text;
        int code;
        bool refused;
    } errors[] = {
        {"-NOAUTH Authentication required.\r\n", IRX_EAUTH, true},
        {"-OOM command not allowed\r\n", IRX_EFULL, true},
        {"-BUSY Redis is busy running a script\r\n", IRX_EUNAVAILABLE, true},
        {"-ERR Error running script: killed\r\n", IRX_EPROTOCOL, false},
        {"-\r\n", IRX_EPROTOCOL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        redisReader *reader = redisReaderCreate();
        void *reply = NULL;
        bool refused = !errors[i].refused;
        redisReaderFeed(reader, errors[i].text, strlen(errors[i].text));
        assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
        assert_int_equal(irx__redis_explain(reply, "redis://host", &refused, &error),
                         errors[i].code);
        assert_int_equal(refused, errors[i].refused);
        freeReplyObject(reply);
        redisReaderFree(reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers_are_read),
        cmocka_unit_test(voters_values_and_metas_are_read_as_they_are),
        cmocka_unit_test(short_answers_belong_to_their_operations),
        cmocka_unit_test(what_no_script_answers_is_refused),
        cmocka_unit_test(a_field_that_says_what_it_can_not_is_foreign),
        cmocka_unit_test(a_value_has_a_version_and_a_bound),
        cmocka_unit_test(a_row_is_one_line_and_a_bounded_meta),
        cmocka_unit_test(the_gone_are_named_each_exactly),
        cmocka_unit_test(pushes_are_messages_confirmations_or_nonsense),
        cmocka_unit_test(only_known_errors_are_surely_not_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
