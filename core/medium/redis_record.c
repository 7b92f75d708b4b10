/* Reads a record and a member table as redis/record.lua answers them. Decides
 * which of them is ours; it must never take one that lacks a field, or of which a field says what
 * it can not. */
#include "medium/redis_record.h"

#include "medium/redis_value.h"
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
    FIELD_VALUE_TERM,
    FIELD_VALUE_INDEX,
    FIELD_LIST,
    FIELD_VOTERS,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
    "format",    "incarnation", "term",        "session",  "process",       "label",
    "beat",      "hold",        "protocol",    "takeover", "presence_seen", "epoch",
    "successor", "value_term",  "value_index", "list",     "voters",
};

static bool read_label(const char *text, size_t length, char label[IRX_LABEL_MAX + 1])
{
    if (length > IRX_LABEL_MAX || memchr(text, '\0', length) != NULL) {
        return false;
    }
    memcpy(label, text, length);
    label[length] = '\0';
    return true;
}

/* Sessions, one after another, each once. */
static bool read_voters(const char *text, size_t length, irx_record *record)
{
    uint32_t count = 0;
    if (length % 32 != 0 || length / 32 > IRX_VOTERS_MAX) {
        return false;
    }
    for (size_t at = 0; at < length; at += 32) {
        irx_id *voter = &record->voters[count];
        if (!irx__redis_read_id(text + at, 32, false, voter) || irx_id_none(*voter)) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (irx_id_equal(record->voters[i], *voter)) {
                return false;
            }
        }
        count++;
    }
    record->voter_count = count;
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
        good = irx__redis_read_number(text, length, UINT32_MAX, &number) && number > 0;
        record->format = good ? (uint32_t)number : 0;
        return good;
    case FIELD_INCARNATION: return irx__redis_read_id(text, length, false, &record->incarnation);
    case FIELD_TERM:
        return irx__redis_read_number(text, length, IRX_REDIS_NUMBER_MAX, &record->term);
    case FIELD_SESSION: return irx__redis_read_id(text, length, true, &record->session);
    case FIELD_PROCESS: return irx__redis_read_id(text, length, true, &record->process);
    case FIELD_LABEL: return read_label(text, length, record->label);
    case FIELD_BEAT:
        return irx__redis_read_number(text, length, IRX_REDIS_NUMBER_MAX, &record->beat);
    case FIELD_HOLD:
        good = irx__redis_read_number(text, length, INT64_MAX, &number);
        record->hold_ns = (int64_t)number;
        return good;
    case FIELD_PROTOCOL:
        record->protocol =
            irx__redis_text_is(reply, "quorum") ? IRX_PROTOCOL_QUORUM : IRX_PROTOCOL_LEASE;
        return irx__redis_text_is(reply, "lease") || irx__redis_text_is(reply, "quorum");
    case FIELD_TAKEOVER:
        record->takeover =
            irx__redis_text_is(reply, "fast") ? IRX_TAKEOVER_FAST : IRX_TAKEOVER_SAFE;
        return irx__redis_text_is(reply, "fast") || irx__redis_text_is(reply, "safe");
    case FIELD_PRESENCE_SEEN:
        record->presence_seen = irx__redis_text_is(reply, "1");
        return irx__redis_text_is(reply, "0") || irx__redis_text_is(reply, "1");
    case FIELD_EPOCH: return irx__redis_read_id(text, length, false, &record->epoch);
    case FIELD_SUCCESSOR: return irx__redis_read_id(text, length, true, &record->successor);
    case FIELD_VALUE_TERM:
        return irx__redis_read_number(text, length, IRX_REDIS_NUMBER_MAX, &record->value.term);
    case FIELD_VALUE_INDEX: /* both, or neither */
        return irx__redis_read_number(text, length, IRX_REDIS_NUMBER_MAX, &record->value.index) &&
               (record->value.index == 0) == (record->value.term == 0);
    case FIELD_LIST:
        return irx__redis_read_number(text, length, IRX_REDIS_NUMBER_MAX, &record->list);
    case FIELD_VOTERS: return read_voters(text, length, record);
    case FIELD_COUNT: break;
    }
    return false;
}

int irx__redis_read_record(const redisReply *list, const char *key, irx_record *record,
                           irx_error *error)
{
    memset(record, 0, sizeof *record);
    if (!irx__redis_is_array(list, FIELD_COUNT)) {
        return irx__redis_senseless(error, "a record is no list of its fields");
    }
    for (int field = 0; field < FIELD_COUNT; field++) {
        const redisReply *found = list->element[field];
        bool good = irx__redis_is_text(found) && read_field((enum field)field, found, record);
        /* What a newer format changed is not ours to judge. */
        if (!good && record->format <= IRX_FORMAT) {
            return irx__redis_foreign(error, key, field_names[field], found);
        }
    }
    return 0;
}

/* "join process|- 0|1 label", and after a line's end the meta where there is one. */
static bool read_row(const redisReply *session, const redisReply *row, irx_member *member,
                     const char **meta)
{
    const char *text = row->str;
    const char *end = row->str + row->len;
    const char *space = memchr(text, ' ', row->len);
    const char *line_end;

    if (!irx__redis_read_id(session->str, session->len, false, &member->session) || space == NULL ||
        !irx__redis_read_number(text, (size_t)(space - text), IRX_REDIS_NUMBER_MAX,
                                &member->join)) {
        return false;
    }
    text = space + 1;
    if (end - text >= 2 && text[0] == '-' && text[1] == ' ') {
        member->process = (irx_id){0, 0};
        text += 2;
    } else if (end - text >= 33 && text[32] == ' ' &&
               irx__redis_read_id(text, 32, false, &member->process)) {
        text += 33;
    } else {
        return false;
    }
    if (end - text < 2 || (text[0] != '0' && text[0] != '1') || text[1] != ' ') {
        return false;
    }
    member->candidate = text[0] == '1';
    text += 2;
    line_end = memchr(text, '\n', (size_t)(end - text));
    *meta = line_end != NULL ? line_end + 1 : end;
    if (end - *meta > IRX_META_MAX || (line_end != NULL && *meta == end)) {
        return false;
    }
    member->meta_length = (uint32_t)(end - *meta);
    return read_label(text, (size_t)((line_end != NULL ? line_end : end) - text), member->label);
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

/* All that the metas can be long together; the rows are not yet known to be any. */
static size_t metas_room(const redisReply *list)
{
    size_t room = 0;
    for (size_t i = 1; i < list->elements; i += 2) {
        const redisReply *row = list->element[i];
        const char *line_end = irx__redis_is_text(row) ? memchr(row->str, '\n', row->len) : NULL;
        room += line_end != NULL ? (size_t)(row->str + row->len - line_end) - 1 : 0;
    }
    return room;
}

/* Reads the rows that are there into `members` and `metas`, which have room for them; how many, or
 * the error's code. */
static int read_rows(const redisReply *list, const char *key, irx__redis_answer *answer,
                     irx_error *error)
{
    size_t used = 0;
    for (size_t i = 0; i < list->elements; i += 2) {
        const redisReply *session = list->element[i];
        const redisReply *row = list->element[i + 1];
        irx_member *member = &answer->members[answer->member_count];
        const char *meta = NULL;
        if (irx__redis_is_text(session) && session->len > 0 && session->str[0] == '#') {
            continue; /* a counter of the table's own */
        }
        if (!irx__redis_is_text(session) || !irx__redis_is_text(row) ||
            !read_row(session, row, member, &meta)) {
            char members_key[256];
            char field[IRX_REDIS_SHOWN_MAX];
            irx__redis_show(session, field);
            snprintf(members_key, sizeof members_key, "%.240s:members", key);
            return irx__redis_foreign(error, members_key, field, row);
        }
        if (member->meta_length > 0) {
            member->meta_at = used;
            memcpy(answer->metas + used, meta, member->meta_length);
            used += member->meta_length;
        }
        answer->member_count++;
    }
    return 0;
}

int irx__redis_read_members(const redisReply *list, const char *key, irx__redis_answer *answer,
                            irx_error *error)
{
    size_t rows = list->elements / 2;
    size_t room;
    int code;

    if (!irx__redis_is_array(list, 0) || list->elements % 2 != 0 || rows > IRX_REDIS_MEMBERS_MAX) {
        return irx__redis_senseless(error, "a member table is no list of at most 16384 rows");
    }
    room = metas_room(list);
    answer->members = calloc(rows > 0 ? rows : 1, sizeof *answer->members);
    answer->metas = room > 0 ? malloc(room) : NULL;
    if (answer->members == NULL || (room > 0 && answer->metas == NULL)) {
        code = irx__error_set(error, IRX_ENOMEM, "out of memory for a table of %zu members", rows);
    } else {
        code = read_rows(list, key, answer, error);
    }
    if (code != 0) {
        irx__redis_free_answer(answer);
        return code;
    }
    qsort(answer->members, answer->member_count, sizeof *answer->members, by_join);
    answer->has_members = true;
    return 0;
}
