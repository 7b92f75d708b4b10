/* Reads the rows that the statements answer. Decides what is well-formed, nothing else. Whatever
 * cells come, this must not crash, read past an end, or accept a number or an identifier that is
 * not exactly one. */
#include "medium/postgres_answer.h"

#include "medium/postgres_members.h"
#include "medium/postgres_value.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

/* The columns of every operation's answer, in their order. */
enum column {
    COLUMN_INDEX,
    COLUMN_STATUS,
    COLUMN_PRESENT, /* the store's epoch */
    COLUMN_JOIN,
    COLUMN_FORMAT,
    COLUMN_INCARNATION, /* NULL: there is no record */
    COLUMN_TERM,
    COLUMN_SESSION,
    COLUMN_PROCESS,
    COLUMN_LABEL,
    COLUMN_BEAT,
    COLUMN_HOLD,
    COLUMN_PROTOCOL,
    COLUMN_TAKEOVER,
    COLUMN_PRESENCE_SEEN,
    COLUMN_EPOCH,
    COLUMN_SUCCESSOR,
    COLUMN_VALUE_TERM,
    COLUMN_VALUE_INDEX,
    COLUMN_MEMBERS_VERSION,
    COLUMN_MEMBERS,
    COLUMN_VALUE,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_FORMAT] = "format",
    [COLUMN_INCARNATION] = "incarnation",
    [COLUMN_TERM] = "term",
    [COLUMN_SESSION] = "session",
    [COLUMN_PROCESS] = "process",
    [COLUMN_LABEL] = "label",
    [COLUMN_BEAT] = "beat",
    [COLUMN_HOLD] = "hold_ns",
    [COLUMN_PROTOCOL] = "protocol",
    [COLUMN_TAKEOVER] = "takeover",
    [COLUMN_EPOCH] = "epoch",
    [COLUMN_PRESENCE_SEEN] = "presence_seen",
    [COLUMN_SUCCESSOR] = "successor",
    [COLUMN_VALUE_TERM] = "value_term",
    [COLUMN_VALUE_INDEX] = "value_index",
};

/* The columns of the greeting, in their order. */
enum greeting_column {
    GREETING_EPOCH,
    GREETING_LEDGER,
    GREETING_STANDBY,
    GREETING_DURABLE,
    GREETING_BACKEND,
    GREETING_MISSING,
    GREETING_REMEDY,
    GREETING_COUNT
};

static irx__pg_cell cell_of(const irx__pg_rows *rows, int row, int column)
{
    irx__pg_cell cell = {0};
    cell.bytes = rows->cell(rows->source, row, column, &cell.length);
    if (cell.bytes == NULL)
        cell.length = 0;
    return cell;
}

/* Also FULL and BUSY, which are not results of the ledger. */
static bool read_status(irx__pg_cell word, irx__pg_answer *answer)
{
    static const struct {
        const char *word;
        irx_status_kind status;
    } words[] = {
        {"OK", IRX_RESULT_OK},       {"CONFLICT", IRX_RESULT_CONFLICT},
        {"STALE", IRX_RESULT_STALE}, {"ABSENT", IRX_RESULT_ABSENT},
        {"EPOCH", IRX_RESULT_EPOCH}, {"FULL", IRX_RESULT_FAILED},
        {"BUSY", IRX_RESULT_FAILED},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (irx__pg_cell_is(word, words[i].word)) {
            answer->status = words[i].status;
            answer->busy = irx__pg_cell_is(word, "BUSY");
            return true;
        }
    }
    return false;
}

static bool read_column(enum column column, irx__pg_cell cell, irx_record *record)
{
    uint64_t number = 0;
    bool good = false;

    switch (column) {
    case COLUMN_FORMAT:
        good = irx__pg_read_number(cell, UINT32_MAX, &number) && number > 0;
        record->format = good ? (uint32_t)number : 0;
        return good;
    case COLUMN_INCARNATION: return irx__pg_read_id(cell, false, &record->incarnation);
    case COLUMN_TERM: return irx__pg_read_number(cell, IRX_PG_NUMBER_MAX, &record->term);
    case COLUMN_SESSION: return irx__pg_read_id(cell, true, &record->session);
    case COLUMN_PROCESS: return irx__pg_read_id(cell, true, &record->process);
    case COLUMN_LABEL: return irx__pg_read_label(cell, record->label);
    case COLUMN_BEAT: return irx__pg_read_number(cell, IRX_PG_NUMBER_MAX, &record->beat);
    case COLUMN_HOLD:
        good = irx__pg_read_number(cell, INT64_MAX, &number);
        record->hold_ns = (int64_t)number;
        return good;
    case COLUMN_PROTOCOL:
        good = irx__pg_cell_is(cell, "quorum");
        record->protocol = good ? IRX_PROTOCOL_QUORUM : IRX_PROTOCOL_LEASE;
        return good || irx__pg_cell_is(cell, "lease");
    case COLUMN_TAKEOVER:
        good = irx__pg_cell_is(cell, "fast");
        record->takeover = good ? IRX_TAKEOVER_FAST : IRX_TAKEOVER_SAFE;
        return good || irx__pg_cell_is(cell, "safe");
    case COLUMN_PRESENCE_SEEN: return irx__pg_read_flag(cell, &record->presence_seen);
    case COLUMN_EPOCH: return irx__pg_read_id(cell, false, &record->epoch);
    case COLUMN_SUCCESSOR: return irx__pg_read_id(cell, true, &record->successor);
    case COLUMN_VALUE_TERM:
        return irx__pg_read_number(cell, IRX_PG_NUMBER_MAX, &record->value.term);
    case COLUMN_VALUE_INDEX: /* both, or neither */
        return irx__pg_read_number(cell, IRX_PG_NUMBER_MAX, &record->value.index) &&
               (record->value.index == 0) == (record->value.term == 0);
    default: return false;
    }
}

static int read_record(const irx__pg_rows *rows, int row, const char *ledger, const char *name,
                       irx_record *record, irx_error *error)
{
    for (int column = COLUMN_FORMAT; column <= COLUMN_VALUE_INDEX; column++) {
        irx__pg_cell cell = cell_of(rows, row, column);
        bool good = read_column((enum column)column, cell, record);
        /* What a newer format changed is not ours to judge. */
        if (!good && record->format <= IRX_FORMAT)
            return irx__pg_foreign(error, ledger, name, column_names[column], cell);
    }
    return 0;
}

/* The published value, of which only a record of ours can speak. */
static int read_value(irx__pg_cell cell, const char *ledger, const char *name,
                      irx__pg_answer *answer, irx_error *error)
{
    if (!answer->has_record)
        return irx__pg_senseless(error, "a value is of no record");
    if (cell.length / 2 > IRX_VALUE_MAX || answer->record.value.term == 0)
        return irx__pg_foreign(error, ledger, name, "value", cell);
    answer->value = malloc(cell.length > 0 ? cell.length / 2 + 1 : 1);
    if (answer->value == NULL)
        return irx__error_set(error, IRX_ENOMEM, "out of memory for a value of %zu bytes",
                              cell.length / 2);
    if (!irx__pg_read_hex(cell, answer->value))
        return irx__pg_foreign(error, ledger, name, "value", cell);
    answer->value_length = cell.length / 2;
    answer->has_value = true;
    return 0;
}

void irx__pg_free_answer(irx__pg_answer *answer)
{
    free(answer->members);
    free(answer->metas);
    free(answer->value);
    answer->members = NULL;
    answer->member_count = 0;
    answer->metas = NULL;
    answer->value = NULL;
    answer->value_length = 0;
    answer->has_members = answer->has_value = false;
}

/* What comes before the record. */
static int read_head(const irx__pg_rows *rows, int row, size_t count, const char *ledger,
                     const char *name, irx__pg_answer *answer, irx_error *error)
{
    uint64_t index = 0;
    irx__pg_cell status;
    if (rows->columns != COLUMN_COUNT || row < 0 || row >= rows->rows)
        return irx__pg_senseless(error, "it has other columns");
    if (count == 0 || !irx__pg_read_number(cell_of(rows, row, COLUMN_INDEX), count - 1, &index))
        return irx__pg_senseless(error, "it answers what was not asked");
    answer->index = (size_t)index;
    status = cell_of(rows, row, COLUMN_STATUS);
    if (!read_status(status, answer))
        return irx__pg_senseless(error, "it has no known status");
    if (irx__pg_cell_is(status, "FULL"))
        return irx__error_set(error, IRX_EFULL, "the member table of \"%.100s\" in %.132s is full",
                              name, ledger);
    if (!irx__pg_read_id(cell_of(rows, row, COLUMN_PRESENT), false, &answer->epoch))
        return irx__pg_senseless(error, "it tells no epoch");
    if (!irx__pg_read_number(cell_of(rows, row, COLUMN_JOIN), IRX_PG_NUMBER_MAX, &answer->join))
        return irx__pg_senseless(error, "a join number is no number");
    return 0;
}

/* The member table and the published value, where they are told. What a newer format changed of
 * them is not ours to judge. */
static int read_rest(const irx__pg_rows *rows, int row, const char *ledger, const char *name,
                     irx__pg_answer *answer, irx_error *error)
{
    irx__pg_cell version = cell_of(rows, row, COLUMN_MEMBERS_VERSION);
    irx__pg_cell members = cell_of(rows, row, COLUMN_MEMBERS);
    irx__pg_cell value = cell_of(rows, row, COLUMN_VALUE);
    int code = 0;
    if (answer->has_record && answer->record.format > IRX_FORMAT)
        return 0;
    if (version.bytes != NULL && !irx__pg_read_number(version, INT64_MAX, &answer->members_version))
        return irx__pg_foreign(error, ledger, name, "members_version", version);
    if (members.bytes != NULL)
        code = irx__pg_read_members(members, ledger, name, answer, error);
    if (code == 0 && value.bytes != NULL)
        code = read_value(value, ledger, name, answer, error);
    return code;
}

int irx__pg_read_answer(const irx__pg_rows *rows, int row, size_t count, const char *ledger,
                        const char *name, irx__pg_answer *answer, irx_error *error)
{
    int code;
    *answer = (irx__pg_answer){.status = IRX_RESULT_UNKNOWN};
    code = read_head(rows, row, count, ledger, name, answer, error);
    if (code != 0)
        return code;
    if (cell_of(rows, row, COLUMN_INCARNATION).bytes != NULL) {
        code = read_record(rows, row, ledger, name, &answer->record, error);
        if (code != 0)
            return code;
        answer->has_record = true;
    } else if (answer->status == IRX_RESULT_CONFLICT || answer->status == IRX_RESULT_STALE) {
        return irx__pg_senseless(error, "it has no record");
    }
    code = read_rest(rows, row, ledger, name, answer, error);
    if (code != 0)
        irx__pg_free_answer(answer);
    return code;
}

/* As much of a text as there is room for. */
static void copy_text(irx__pg_cell cell, char *text, size_t room)
{
    size_t length = cell.length < room ? cell.length : room - 1;
    if (length > 0)
        memcpy(text, cell.bytes, length);
    text[length] = '\0';
}

int irx__pg_read_greeting(const irx__pg_rows *rows, irx__pg_greeting *greeting, irx_error *error)
{
    irx__pg_cell part[GREETING_COUNT];
    uint64_t ledger = 0;
    uint64_t backend = 0;

    *greeting = (irx__pg_greeting){0};
    if (rows->rows != 1 || rows->columns != GREETING_COUNT)
        return irx__pg_senseless(error, "the greeting has other columns");
    for (int i = 0; i < GREETING_COUNT; i++)
        part[i] = cell_of(rows, 0, i);
    if ((part[GREETING_EPOCH].bytes != NULL &&
         !irx__pg_read_id(part[GREETING_EPOCH], false, &greeting->epoch)) ||
        (part[GREETING_LEDGER].bytes != NULL &&
         !irx__pg_read_number(part[GREETING_LEDGER], UINT32_MAX, &ledger)) ||
        !irx__pg_read_flag(part[GREETING_STANDBY], &greeting->standby) ||
        !irx__pg_read_flag(part[GREETING_DURABLE], &greeting->durable) ||
        !irx__pg_read_number(part[GREETING_BACKEND], INT32_MAX, &backend) ||
        part[GREETING_REMEDY].bytes == NULL)
        return irx__pg_senseless(error, "a part of the greeting is not what it should be");
    if ((ledger != 0 && !greeting->standby) == irx_id_none(greeting->epoch))
        return irx__pg_senseless(error, "the greeting tells no epoch, or one of no table");
    greeting->ledger_oid = (uint32_t)ledger;
    greeting->backend = (int)backend;
    copy_text(part[GREETING_MISSING], greeting->missing, sizeof greeting->missing);
    copy_text(part[GREETING_REMEDY], greeting->remedy, sizeof greeting->remedy);
    return 0;
}
