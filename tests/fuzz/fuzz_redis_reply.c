/* Whatever bytes a server sends, reading them must not crash, leak or read past an end, and what is
 * taken for good must be good. */
#include "medium/redis_error.h"
#include "medium/redis_reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool good)
{
    if (!good)
        abort();
}

/* By join number, then by session. */
static bool in_order(const irx_member *a, const irx_member *b)
{
    if (a->join != b->join)
        return a->join < b->join;
    if (a->session.hi != b->session.hi)
        return a->session.hi < b->session.hi;
    return a->session.lo <= b->session.lo;
}

static void count(void *argument, irx_id process)
{
    (void)process;
    ++*(unsigned *)argument;
}

static void read_one(const redisReply *reply)
{
    irx__redis_answer answer;
    irx__redis_greeting greeting;
    irx_error error;
    bool refused = false;
    unsigned absent = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        must(irx__redis_explain(reply, "redis://host", &refused, &error) < 0);
        must(memchr(error.text, '\0', sizeof error.text) != NULL);
    }
    error.code = 0;
    int code = irx__redis_read_answer(reply, "interrex:{fuzz}", &answer, &error);
    must(code == 0 || (code == error.code && strlen(error.text) > 0));
    if (code == 0) {
        must(answer.status <= IRX_RESULT_EPOCH);
        must(!answer.has_record || answer.record.format >= 1);
        must(!answer.has_record || answer.record.term < UINT64_C(1) << 53);
        must(answer.member_count <= IRX_REDIS_MEMBERS_MAX);
        for (size_t i = 0; i < answer.member_count; i++) {
            must(memchr(answer.members[i].label, '\0', sizeof answer.members[i].label) != NULL);
            must(i == 0 || in_order(&answer.members[i - 1], &answer.members[i]));
        }
        free(answer.members);
    }
    if (irx__redis_read_greeting(reply, "interrex:store", &greeting, &error) == 0)
        must(memchr(greeting.policy, '\0', sizeof greeting.policy) != NULL);
    irx__redis_read_counts(reply, "interrex:presence:", count, &absent);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    must(reader != NULL);
    reader->maxelements = 2 << 16;
    redisReaderFeed(reader, (const char *)bytes, length);
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        read_one(reply);
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
    return 0;
}
