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

static void check_record(const irx_record *record)
{
    must(record->format >= 1);
    must(record->term < UINT64_C(1) << 53 && record->beat < UINT64_C(1) << 53);
    must(record->list < UINT64_C(1) << 53);
    must(record->voter_count <= IRX_VOTERS_MAX);
    if (record->format > IRX_FORMAT)
        return;
    must((record->value.term == 0) == (record->value.index == 0));
    for (uint32_t i = 0; i < record->voter_count; i++) {
        must(!irx_id_none(record->voters[i]));
        for (uint32_t k = 0; k < i; k++)
            must(!irx_id_equal(record->voters[i], record->voters[k]));
    }
}

/* Looks at every byte that is said to be there. */
static unsigned sum(const char *bytes, size_t length)
{
    unsigned all = 0;
    for (size_t i = 0; i < length; i++)
        all += (unsigned char)bytes[i];
    return all;
}

static void check_answer(const irx__redis_answer *answer, irx_op_kind kind)
{
    bool reads = kind == IRX_OP_READ || kind == IRX_OP_STRIKE;
    size_t metas = 0;

    must(answer->status <= IRX_RESULT_EPOCH);
    must(answer->brief == IRX_REDIS_WHOLE || !answer->has_record);
    must(answer->brief != IRX_REDIS_RENEWED || kind == IRX_OP_RENEW);
    must(reads || (answer->brief != IRX_REDIS_SAME && answer->brief != IRX_REDIS_ADVANCED));
    must(answer->beat < UINT64_C(1) << 53);
    if (answer->has_record)
        check_record(&answer->record);
    must(answer->member_count <= IRX_REDIS_MEMBERS_MAX);
    for (size_t i = 0; i < answer->member_count; i++) {
        const irx_member *member = &answer->members[i];
        must(memchr(member->label, '\0', sizeof member->label) != NULL);
        must(i == 0 || in_order(&answer->members[i - 1], member));
        must(member->meta_length <= IRX_META_MAX);
        metas += member->meta_length;
        if (member->meta_length > 0)
            sum(answer->metas + member->meta_at, member->meta_length);
    }
    must((metas == 0) || answer->metas != NULL);
    must(!answer->has_value || (answer->has_record && answer->record.value.term > 0 &&
                                answer->value_length <= IRX_VALUE_MAX));
    if (answer->has_value)
        sum(answer->value, answer->value_length);
}

static void read_as(const redisReply *reply, irx_op_kind kind)
{
    irx__redis_answer answer;
    irx_error error = {0};
    int code = irx__redis_read_answer(reply, kind, "interrex:{fuzz}", &answer, &error);
    must(code == 0 || (code == error.code && strlen(error.text) > 0));
    if (code == 0)
        check_answer(&answer, kind);
    else
        must(!answer.has_members && !answer.has_value && answer.members == NULL &&
             answer.metas == NULL && answer.value == NULL);
    irx__redis_free_answer(&answer);
}

static void read_pushed(const redisReply *reply)
{
    irx__redis_push push;
    if (!irx__redis_read_push(reply, &push))
        return;
    must(!push.said || !push.subscribed);
    must((push.channel != NULL) == (push.said || push.subscribed));
    if (push.channel != NULL)
        sum(push.channel->str, push.channel->len);
    if (push.said)
        sum(push.bytes, push.length);
}

static void read_one(const redisReply *reply)
{
    irx__redis_greeting greeting;
    irx_error error;
    bool refused = false;
    unsigned gone = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        must(irx__redis_explain(reply, "redis://host", &refused, &error) < 0);
        must(memchr(error.text, '\0', sizeof error.text) != NULL);
    }
    read_as(reply, IRX_OP_READ);
    read_as(reply, IRX_OP_RENEW);
    read_as(reply, IRX_OP_PUBLISH);
    read_pushed(reply);
    if (irx__redis_read_greeting(reply, "interrex:store", &greeting, &error) == 0)
        must(memchr(greeting.policy, '\0', sizeof greeting.policy) != NULL);
    bool told = irx__redis_read_gone(reply, count, &gone);
    must(gone == (told ? reply->elements : 0));
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
