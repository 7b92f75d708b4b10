/* Reads the scripts' answers. Decides what is well-formed, nothing else. Whatever bytes a server
 * sends, this must not crash, read past an end, or accept a number or an identifier that is not
 * exactly one. */
#include "medium/redis_reply.h"

#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of FIELDS in redis/record.lua. */
enum field {
    FIELD_FORMAT,
    FIELD_INCARNATION,
    FIELD_TERM,
    FIELD_SESSION,
    FIELD_PROCESS,
    FIELD_LABEL,
    FIELD_BEAT,
    FIELD_HOLD,
    FIELD_PROTOCOL,
    FIELD_TAKEOVER,
    FIELD_PRESENCE_SEEN,
    FIELD_EPOCH,
    FIELD_SUCCESSOR,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
    "format", "incarnation", "term",     "session",       "process", "label",     "beat",
    "hold",   "protocol",    "takeover", "presence_seen", "epoch",   "successor",
};

/* Terms and beats stay under 2^53, so that Lua and JavaScript can hold them. */
#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static bool is_text(const redisReply *reply)
{
    return reply != NULL &&
           (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) &&
           reply->str != NULL;
}

static bool is_array(const redisReply *reply, size_t at_least)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < at_least) {
        return false;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i] == NULL) {
            return false;
        }
    }
    return true;
}

static bool text_is(const redisReply *reply, const char *text)
{
    return is_text(reply) && reply->len == strlen(text) &&
           memcmp(reply->str, text, reply->len) == 0;
}

static bool read_number(const char *text, size_t length, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    if (length == 0 || length > 19 || (length > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > max) {
        return false;
    }
    *number = value;
    return true;
}

/* Exactly 32 digits; with `optional` the empty text is none. */
static bool read_id(const char *text, size_t length, bool optional, irx_id *id)
{
    char digits[33];
    if (length == 0 && optional) {
        *id = (irx_id){0, 0};
        return true;
    }
    if (length != 32) {
        return false;
    }
    memcpy(digits, text, 32);
    digits[32] = '\0';
    return irx_id_parse(digits, id);
}

static bool read_label(const char *text, size_t length, char label[IRX_LABEL_MAX + 1])
{
    if (length > IRX_LABEL_MAX || memchr(text, '\0', length) != NULL) {
        return false;
    }
    memcpy(label, text, length);
    label[length] = '\0';
    return true;
}

static bool read_field(enum field field, const redisReply *reply, irx_record *record)
{
    const char *text = reply->str;
    size_t length = reply->len;
    uint64_t number = 0;
    bool good = false;

    switch (field) {
    case FIELD_FORMAT:
        good = read_number(text, length, UINT32_MAX, &number) && number > 0;
        record->format = good ? (uint32_t)number : 0;
        return good;
    case FIELD_INCARNATION: return read_id(text, length, false, &record->incarnation);
    case FIELD_TERM: return read_number(text, length, NUMBER_MAX, &record->term);
    case FIELD_SESSION: return read_id(text, length, true, &record->session);
    case FIELD_PROCESS: return read_id(text, length, true, &record->process);
    case FIELD_LABEL: return read_label(text, length, record->label);
    case FIELD_BEAT: return read_number(text, length, NUMBER_MAX, &record->beat);
    case FIELD_HOLD:
        good = read_number(text, length, INT64_MAX, &number);
        record->hold_ns = (int64_t)number;
        return good;
    case FIELD_PROTOCOL: record->protocol = IRX_PROTOCOL_LEASE; return text_is(reply, "lease");
    case FIELD_TAKEOVER:
        record->takeover = text_is(reply, "fast") ? IRX_TAKEOVER_FAST : IRX_TAKEOVER_SAFE;
        return text_is(reply, "fast") || text_is(reply, "safe");
    case FIELD_PRESENCE_SEEN:
        record->presence_seen = text_is(reply, "1");
        return text_is(reply, "0") || text_is(reply, "1");
    case FIELD_EPOCH: return read_id(text, length, false, &record->epoch);
    case FIELD_SUCCESSOR: return read_id(text, length, true, &record->successor);
    case FIELD_COUNT: break;
    }
    return false;
}

/* At most 40 printable characters of what was found, for an error's text. */
static void show(const redisReply *reply, char shown[48])
{
    size_t length = is_text(reply) ? reply->len : 0;
    size_t kept = length > 40 ? 40 : length;
    for (size_t i = 0; i < kept; i++) {
        char c = reply->str[i];
        shown[i] = '?';
        if (c >= ' ' && c <= '~') {
            shown[i] = c;
        }
    }
    memcpy(shown + kept, length > kept ? "..." : "", length > kept ? 4 : 1);
}

static int foreign(irx_error *error, const char *key, const char *field, const redisReply *found)
{
    char shown[48];
    if (!is_text(found)) {
        return irx__error_set(error, IRX_EFOREIGN,
                              "key \"%.180s\" is not a record of ours: it has no field \"%.40s\"; "
                              "use another namespace, or remove the key",
                              key, field);
    }
    show(found, shown);
    return irx__error_set(error, IRX_EFOREIGN,
                          "key \"%.180s\" is not a record of ours: its field \"%.40s\" is \"%s\"; "
                          "use another namespace, or remove the key",
                          key, field, shown);
}

static int senseless(irx_error *error, const char *what)
{
    return irx__error_set(error, IRX_EPROTOCOL, "the server's answer makes no sense: %s", what);
}

static int read_record(const redisReply *list, const char *key, irx_record *record,
                       irx_error *error)
{
    memset(record, 0, sizeof *record);
    if (!is_array(list, FIELD_COUNT)) {
        return senseless(error, "a record is no list of its fields");
    }
    for (int field = 0; field < FIELD_COUNT; field++) {
        const redisReply *found = list->element[field];
        bool good = is_text(found) && read_field((enum field)field, found, record);
        /* What a newer format changed is not ours to judge. */
        if (!good && record->format <= IRX_FORMAT) {
            return foreign(error, key, field_names[field], found);
        }
    }
    return 0;
}

/* "join process|- 0|1 label" */
static bool read_row(const redisReply *session, const redisReply *row, irx_member *member)
{
    const char *text = row->str;
    const char *end = row->str + row->len;
    const char *space = memchr(text, ' ', row->len);

    if (!read_id(session->str, session->len, false, &member->session) || space == NULL ||
        !read_number(text, (size_t)(space - text), NUMBER_MAX, &member->join)) {
        return false;
    }
    text = space + 1;
    if (end - text >= 2 && text[0] == '-' && text[1] == ' ') {
        member->process = (irx_id){0, 0};
        text += 2;
    } else if (end - text >= 33 && text[32] == ' ' && read_id(text, 32, false, &member->process)) {
        text += 33;
    } else {
        return false;
    }
    if (end - text < 2 || (text[0] != '0' && text[0] != '1') || text[1] != ' ') {
        return false;
    }
    member->candidate = text[0] == '1';
    text += 2;
    return read_label(text, (size_t)(end - text), member->label);
}

static int by_join(const void *left, const void *right)
{
    const irx_member *a = left;
    const irx_member *b = right;
    if (a->join != b->join) {
        return a->join < b->join ? -1 : 1;
    }
    if (a->session.hi != b->session.hi) {
        return a->session.hi < b->session.hi ? -1 : 1;
    }
    return a->session.lo < b->session.lo ? -1 : a->session.lo > b->session.lo;
}

static int read_members(const redisReply *list, const char *key, irx__redis_answer *answer,
                        irx_error *error)
{
    char members_key[256];
    size_t rows = list->elements / 2;
    irx_member *members;
    size_t count = 0;

    if (!is_array(list, 0) || list->elements % 2 != 0 || rows > IRX_REDIS_MEMBERS_MAX) {
        return senseless(error, "a member table is no list of at most 16384 rows");
    }
    members = calloc(rows > 0 ? rows : 1, sizeof *members);
    if (members == NULL) {
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a table of %zu members", rows);
    }
    snprintf(members_key, sizeof members_key, "%.240s:members", key);
    for (size_t i = 0; i < rows; i++) {
        const redisReply *session = list->element[2 * i];
        const redisReply *row = list->element[2 * i + 1];
        if (is_text(session) && session->len > 0 && session->str[0] == '#') {
            continue; /* a counter of the table's own */
        }
        if (!is_text(session) || !is_text(row) || !read_row(session, row, &members[count])) {
            char field[48];
            show(session, field);
            free(members);
            return foreign(error, members_key, field, row);
        }
        count++;
    }
    qsort(members, count, sizeof *members, by_join);
    answer->has_members = true;
    answer->members = members;
    answer->member_count = count;
    return 0;
}

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
        if (text_is(reply, words[i].word)) {
            *status = words[i].status;
            return true;
        }
    }
    return false;
}

/* {FOREIGN, key, why} and {FULL, key, most}: told before anything was written. */
static int read_refusal(const redisReply *reply, irx_error *error)
{
    char key[48];
    char why[48];
    if (!is_array(reply, 3) || !is_text(reply->element[1]) || !is_text(reply->element[2])) {
        return senseless(error, "it has no known status");
    }
    show(reply->element[1], key);
    show(reply->element[2], why);
    if (text_is(reply->element[0], "FOREIGN")) {
        return irx__error_set(
            error, IRX_EFOREIGN,
            "key \"%s\" is not ours: %s; use another namespace, or remove the key", key, why);
    }
    if (text_is(reply->element[0], "FULL")) {
        return irx__error_set(error, IRX_EFULL,
                              "the member table \"%s\" has its most rows (max_members is %s)", key,
                              why);
    }
    return senseless(error, "it has no known status");
}

int irx__redis_read_answer(const redisReply *reply, const char *key, irx__redis_answer *answer,
                           irx_error *error)
{
    const redisReply *part;
    int code;

    memset(answer, 0, sizeof *answer);
    answer->status = IRX_RESULT_UNKNOWN;
    if (text_is(reply, "SAME")) {
        answer->status = IRX_RESULT_OK;
        answer->same = true;
        return 0;
    }
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER) {
        if (reply->integer != 0 && reply->integer != 1) {
            return senseless(error, "presence_seen is neither 0 nor 1");
        }
        answer->status = IRX_RESULT_OK;
        answer->renewed = true;
        answer->presence_seen = reply->integer == 1;
        return 0;
    }
    if (!is_array(reply, 1)) {
        return senseless(error, "it is neither a list nor a known word");
    }
    if (!read_status(reply->element[0], &answer->status)) {
        code = read_refusal(reply, error);
        if (code == IRX_EFOREIGN || code == IRX_EFULL) {
            answer->status = IRX_RESULT_FAILED;
        }
        return code;
    }
    if (!is_array(reply, 6)) {
        return senseless(error, "a part of it is missing");
    }
    part = reply->element[1];
    if (part->type != REDIS_REPLY_NIL &&
        (!is_text(part) || !read_id(part->str, part->len, false, &answer->epoch))) {
        return foreign(error, key, "epoch", part);
    }
    part = reply->element[2];
    if (part->type != REDIS_REPLY_INTEGER || part->integer < 0 ||
        (uint64_t)part->integer > NUMBER_MAX) {
        return senseless(error, "a join number is no number");
    }
    answer->join = (uint64_t)part->integer;
    part = reply->element[3];
    if (part->type != REDIS_REPLY_NIL) {
        code = read_record(part, key, &answer->record, error);
        if (code != 0) {
            return code;
        }
        answer->has_record = true;
    }
    if (!answer->has_record &&
        (answer->status == IRX_RESULT_CONFLICT || answer->status == IRX_RESULT_STALE)) {
        return senseless(error, "it has no record");
    }
    part = reply->element[4];
    if (part->type != REDIS_REPLY_NIL) {
        if (!is_text(part) || part->len == 0 || part->len >= sizeof answer->version ||
            memchr(part->str, '\0', part->len) != NULL) {
            return senseless(error, "a members version is too long");
        }
        memcpy(answer->version, part->str, part->len);
    }
    part = reply->element[5];
    return part->type == REDIS_REPLY_NIL ? 0 : read_members(part, key, answer, error);
}

int irx__redis_read_greeting(const redisReply *reply, const char *key,
                             irx__redis_greeting *greeting, irx_error *error)
{
    char shown[48];
    const redisReply *const *part;

    memset(greeting, 0, sizeof *greeting);
    if (is_array(reply, 3) && !is_array(reply, 5)) {
        return read_refusal(reply, error);
    }
    if (!is_array(reply, 5)) {
        return senseless(error, "the greeting is no list");
    }
    part = (const redisReply *const *)reply->element;
    for (size_t i = 0; i < 5; i++) {
        if (!is_text(part[i])) {
            return senseless(error, "a part of the greeting is no text");
        }
    }
    if (!read_id(part[0]->str, part[0]->len, false, &greeting->epoch)) {
        return foreign(error, key, "epoch", part[0]);
    }
    show(part[1], shown);
    if (sscanf(shown, "%3u.%3u", &greeting->major, &greeting->minor) != 2) {
        greeting->major = greeting->minor = 0;
    }
    show(part[3], shown);
    snprintf(greeting->policy, sizeof greeting->policy, "%.31s", shown);
    greeting->evicts = !text_is(part[2], "0") && strncmp(shown, "allkeys-", 8) == 0;
    greeting->cluster = text_is(part[4], "1");
    return 0;
}

bool irx__redis_read_counts(const redisReply *reply, const char *prefix,
                            void (*absent)(void *argument, irx_id process), void *argument)
{
    size_t skip = strlen(prefix);
    if (!is_array(reply, 0) || reply->elements % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < reply->elements; i += 2) {
        const redisReply *channel = reply->element[i];
        const redisReply *count = reply->element[i + 1];
        irx_id process;
        if (!is_text(channel) || channel->len != skip + 32 ||
            memcmp(channel->str, prefix, skip) != 0 ||
            !read_id(channel->str + skip, 32, false, &process) ||
            count->type != REDIS_REPLY_INTEGER) {
            return false;
        }
        if (count->integer == 0) {
            absent(argument, process);
        }
    }
    return true;
}
