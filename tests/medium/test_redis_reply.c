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

/* Reads "one\r\n"-style bytes as an answer. */
static int read_bytes(const char *bytes, size_t length)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    redisReaderFeed(reader, bytes, length);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    int code = irx__redis_read_answer(reply, "interrex:{billing}", &answer, &error);
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

static int read_known(const char *name)
{
    char bytes[4096];
    size_t length = read_file(name, bytes);
    return read_bytes(bytes, length);
}

static void good_answers_are_read(void **state)
{
    (void)state;
    const irx_id h = {0x0123456789abcdef, 0x0123456789abcdef};
    const irx_id g = {0xfedcba9876543210, 0xfedcba9876543210};
    assert_int_equal(read_known("held"), 0);
    assert_true(answer.has_record && answer.record.presence_seen && !answer.has_members);
    assert_true(irx_id_equal(answer.record.session, g) && irx_id_equal(answer.epoch, g));
    assert_int_equal(answer.record.takeover, IRX_TAKEOVER_FAST);
    assert_int_equal(answer.record.hold_ns, 1507500000);
    assert_string_equal(answer.record.label, "host:1");
    assert_int_equal(read_known("vacant"), 0);
    assert_int_equal(answer.status, IRX_RESULT_CONFLICT);
    assert_true(irx_id_none(answer.record.session) && irx_id_equal(answer.record.successor, h));
    assert_int_equal(read_known("members"), 0);
    assert_int_equal(answer.member_count, 2);
    assert_int_equal(answer.join, 2);
    assert_string_equal(answer.members[1].label, "a label with blanks");
    assert_true(irx_id_none(answer.members[1].process) && !answer.members[1].candidate);
    free(answer.members);
    assert_int_equal(read_known("newer"), 0);
    assert_int_equal(answer.record.format, 2);
    assert_int_equal(read_known("absent"), 0);
    assert_true(answer.has_members && answer.member_count == 0);
    free(answer.members);
    assert_int_equal(read_known("same"), 0);
    assert_true(answer.same);
    assert_int_equal(read_known("renewed"), 0);
    assert_true(answer.renewed && answer.presence_seen);
}

static void what_no_script_answers_is_refused(void **state)
{
    static const char *const bad[] = {
        "+OK\r\n",
        ":2\r\n",
        ":-1\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*1\r\n$2\r\nOK\r\n",
        "*6\r\n$3\r\nYES\r\n$-1\r\n:0\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*6\r\n$8\r\nCONFLICT\r\n$-1\r\n:0\r\n$-1\r\n$-1\r\n$-1\r\n", /* with no record */
        "*6\r\n$2\r\nOK\r\n$-1\r\n:-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*6\r\n$2\r\nOK\r\n$-1\r\n:0\r\n*1\r\n$1\r\n1\r\n$-1\r\n$-1\r\n",
        "*6\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$25\r\n1234567890123456789012345\r\n$-1\r\n",
        "*6\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$1\r\n1\r\n*1\r\n$1\r\n1\r\n",
        "*6\r\n$2\r\nOK\r\n$-1\r\n:0\r\n$-1\r\n$1\r\n1\r\n+nothing\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_bytes(bad[i], strlen(bad[i])) != IRX_EPROTOCOL)
            fail_msg("%s", bad[i]);
    assert_int_equal(read_known("foreign"), IRX_EFOREIGN);
    assert_int_equal(answer.status, IRX_RESULT_FAILED);
    assert_int_equal(read_known("full"), IRX_EFULL);
    assert_int_equal(answer.status, IRX_RESULT_FAILED);
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
        cmocka_unit_test(what_no_script_answers_is_refused),
        cmocka_unit_test(only_known_errors_are_surely_not_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
