/* Reads the scripts' answers. Decides what is well-formed, nothing else. Whatever bytes a server
 * sends, this must not crash, read past an end, or accept a number or an identifier that is not
 * exactly one. */
#include "medium/redis_reply.h"

#include "medium/redis_record.h"
#include "medium/redis_value.h"
#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_status(const redisReply *reply, irx_status_kind *status)
{
    static const struct {
        const char *word;
        irx_status_kind status;
    } words[] = {
        {"OK", IRX_RESULT_OK},       {"CONFLICT", IRX_RESULT_CONFLICT},
        {"STALE", IRX_RESULT_STALE}, {"ABSENT", IRX_RESULT_ABSENT},
        {"EPOCH", IRX_RESULT_EPOCH},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (irx__redis_text_is(reply, words[i].word)) {
            *status = words[i].status;
            return true;
        }
    }
    return false;
}

/* {FOREIGN, key, why} and {FULL, key, most}: told before anything was written. */
static int read_refusal(const redisReply *reply, irx_error *error)
{
    char key[IRX_REDIS_SHOWN_MAX];
    char why[IRX_REDIS_SHOWN_MAX];
    if (!irx__redis_is_array(reply, 3) || !irx__redis_is_text(reply->element[1]) ||
        !irx__redis_is_text(reply->element[2])) {
        return irx__redis_senseless(error, "it has no known status");
    }
    irx__redis_show(reply->element[1], key);
    irx__redis_show(reply->element[2], why);
    if (irx__redis_text_is(reply->element[0], "FOREIGN")) {
        return irx__error_set(
            error, IRX_EFOREIGN,
            "key \"%s\" is not ours: %s; use another namespace, or remove the key", key, why);
    }
    if (irx__redis_text_is(reply->element[0], "FULL")) {
        return irx__error_set(error, IRX_EFULL,
                              "the member table \"%s\" has its most rows (max_members is %s)", key,
                              why);
    }
    return irx__redis_senseless(error, "it has no known status");
}

/* The word SAME, or an integer: the beat, or whether the presence was seen. */
static int read_brief(const redisReply *reply, irx_op_kind kind, irx__redis_answer *answer,
                      irx_error *error)
{
    bool reads = kind == IRX_OP_READ || kind == IRX_OP_STRIKE;
    bool number = reply->type == REDIS_REPLY_INTEGER;

    if (!number && reads) {
        answer->brief = IRX_REDIS_SAME;
    } else if (number && reads && reply->integer >= 0 &&
               (uint64_t)reply->integer <= IRX_REDIS_NUMBER_MAX) {
        answer->brief = IRX_REDIS_ADVANCED;
        answer->beat = (uint64_t)reply->integer;
    } else if (number && kind == IRX_OP_RENEW && (reply->integer == 0 || reply->integer == 1)) {
        answer->brief = IRX_REDIS_RENEWED;
        answer->presence_seen = reply->integer == 1;
    } else {
        return irx__redis_senseless(error, "it belongs to another operation");
    }
    answer->status = IRX_RESULT_OK;
    return 0;
}

/* The published value, of which only a record of ours can speak. */
static int read_value(const redisReply *reply, const char *key, irx__redis_answer *answer,
                      irx_error *error)
{
    if (!irx__redis_is_text(reply) || !answer->has_record) {
        return irx__redis_senseless(error, "a value is no text, or of no record");
    }
    if (answer->record.format > IRX_FORMAT) {
        return 0;
    }
    if (reply->len > IRX_VALUE_MAX || answer->record.value.term == 0) {
        return irx__redis_foreign(error, key, "value", reply);
    }
    answer->value = malloc(reply->len > 0 ? reply->len : 1);
    if (answer->value == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a value of %zu bytes",
                              reply->len);
    }
    memcpy(answer->value, reply->str, reply->len);
    answer->value_length = reply->len;
    answer->has_value = true;
    return 0;
}

void irx__redis_free_answer(irx__redis_answer *answer)
{
    free(answer->members);
    free(answer->metas);
    free(answer->value);
    answer->members = NULL;
    answer->member_count = 0;
    answer->metas = NULL;
    answer->value = NULL;
    answer->has_members = answer->has_value = false;
}

int irx__redis_read_answer(const redisReply *reply, irx_op_kind kind, const char *key,
                           irx__redis_answer *answer, irx_error *error)
{
    const redisReply *part;
    int code;

    memset(answer, 0, sizeof *answer);
    answer->status = IRX_RESULT_UNKNOWN;
    if (irx__redis_text_is(reply, "SAME") ||
        (reply != NULL && reply->type == REDIS_REPLY_INTEGER)) {
        return read_brief(reply, kind, answer, error);
    }
    if (!irx__redis_is_array(reply, 1)) {
        return irx__redis_senseless(error, "it is neither a list nor a known word");
    }
    if (!read_status(reply->element[0], &answer->status)) {
        code = read_refusal(reply, error);
        if (code == IRX_EFOREIGN || code == IRX_EFULL) {
            answer->status = IRX_RESULT_FAILED;
        }
        return code;
    }
    if (!irx__redis_is_array(reply, 7)) {
        return irx__redis_senseless(error, "a part of it is missing");
    }
    part = reply->element[1];
    if (part->type != REDIS_REPLY_NIL &&
        (!irx__redis_is_text(part) ||
         !irx__redis_read_id(part->str, part->len, false, &answer->epoch))) {
        return irx__redis_foreign(error, key, "epoch", part);
    }
    part = reply->element[2];
    if (part->type != REDIS_REPLY_INTEGER || part->integer < 0 ||
        (uint64_t)part->integer > IRX_REDIS_NUMBER_MAX) {
        return irx__redis_senseless(error, "a join number is no number");
    }
    answer->join = (uint64_t)part->integer;
    part = reply->element[3];
    if (part->type != REDIS_REPLY_NIL) {
        code = irx__redis_read_record(part, key, &answer->record, error);
        if (code != 0) {
            return code;
        }
        answer->has_record = true;
    }
    if (!answer->has_record &&
        (answer->status == IRX_RESULT_CONFLICT || answer->status == IRX_RESULT_STALE)) {
        return irx__redis_senseless(error, "it has no record");
    }
    part = reply->element[4];
    if (part->type != REDIS_REPLY_NIL) {
        if (!irx__redis_is_text(part) || part->len == 0 || part->len >= sizeof answer->version ||
            memchr(part->str, '\0', part->len) != NULL) {
            return irx__redis_senseless(error, "a members version is too long");
        }
        memcpy(answer->version, part->str, part->len);
    }
    part = reply->element[5];
    code = part->type == REDIS_REPLY_NIL ? 0 : irx__redis_read_members(part, key, answer, error);
    part = reply->element[6];
    if (code == 0 && part->type != REDIS_REPLY_NIL) {
        code = read_value(part, key, answer, error);
    }
    if (code != 0) {
        irx__redis_free_answer(answer);
    }
    return code;
}

int irx__redis_read_greeting(const redisReply *reply, const char *key,
                             irx__redis_greeting *greeting, irx_error *error)
{
    char shown[IRX_REDIS_SHOWN_MAX];
    const redisReply *const *part;

    memset(greeting, 0, sizeof *greeting);
    if (irx__redis_is_array(reply, 3) && !irx__redis_is_array(reply, 5)) {
        return read_refusal(reply, error);
    }
    if (!irx__redis_is_array(reply, 5)) {
        return irx__redis_senseless(error, "the greeting is no list");
    }
    part = (const redisReply *const *)reply->element;
    for (size_t i = 0; i < 5; i++) {
        if (!irx__redis_is_text(part[i])) {
            return irx__redis_senseless(error, "a part of the greeting is no text");
        }
    }
    if (!irx__redis_read_id(part[0]->str, part[0]->len, false, &greeting->epoch)) {
        return irx__redis_foreign(error, key, "epoch", part[0]);
    }
    irx__redis_show(part[1], shown);
    if (sscanf(shown, "%3u.%3u", &greeting->major, &greeting->minor) != 2) {
        greeting->major = greeting->minor = 0;
    }
    irx__redis_show(part[3], shown);
    snprintf(greeting->policy, sizeof greeting->policy, "%.31s", shown);
    greeting->evicts = !irx__redis_text_is(part[2], "0") && strncmp(shown, "allkeys-", 8) == 0;
    greeting->cluster = irx__redis_text_is(part[4], "1");
    return 0;
}

bool irx__redis_read_gone(const redisReply *reply, void (*gone)(void *argument, irx_id process),
                          void *argument)
{
    irx_id process;
    if (!irx__redis_is_array(reply, 0)) {
        return false;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *name = reply->element[i];
        if (!irx__redis_is_text(name) ||
            !irx__redis_read_id(name->str, name->len, false, &process)) {
            return false;
        }
    }
    for (size_t i = 0; i < reply->elements; i++) {
        irx__redis_read_id(reply->element[i]->str, reply->element[i]->len, false, &process);
        gone(argument, process);
    }
    return true;
}

/* {message, channel, bytes} and {subscribe, channel, count}; other kinds tell of what we did not
 * ask. */
bool irx__redis_read_push(const redisReply *reply, irx__redis_push *push)
{
    memset(push, 0, sizeof *push);
    if (!irx__redis_is_array(reply, 3) || reply->elements != 3 ||
        !irx__redis_is_text(reply->element[0])) {
        return false;
    }
    bool message = irx__redis_text_is(reply->element[0], "message");
    bool subscribe = irx__redis_text_is(reply->element[0], "subscribe");
    if (!message && !subscribe) {
        return true;
    }
    if (!irx__redis_is_text(reply->element[1]) ||
        (message && !irx__redis_is_text(reply->element[2]))) {
        return false;
    }
    push->channel = reply->element[1];
    push->subscribed = subscribe;
    push->said = message;
    if (message) {
        push->bytes = reply->element[2]->str;
        push->length = reply->element[2]->len;
    }
    return true;
}
