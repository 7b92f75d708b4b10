/* What the statements answered, told to the seats that asked. Decides only what an answer says:
 * FAILED where surely nothing was applied, UNKNOWN where it may have been; and whether what was
 * learned in the greeting still holds. It must never tell a result twice, nor to a seat that has
 * left. */
#include "medium/postgres_answer.h"
#include "medium/postgres_tasks.h"
#include "medium/seat.h"
#include "runtime/clock.h"
#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- results ----------------------------------------------------------------------------------
 */

static void tell(irx_medium *medium, const irx__pg_task *task, irx_result *result,
                 const irx_error *why)
{
    result->id = task->op.id;
    result->generation = task->op.generation;
    result->error_code = why == NULL ? 0 : why->code;
    medium->config.sink.result(medium->config.sink.owner, task->seat->seat, result, why);
}

void irx__pg_tell_failure(irx_medium *medium, const irx__pg_task *task, irx_status_kind status,
                          const irx_error *why)
{
    irx_result result;
    memset(&result, 0, sizeof result);
    result.status = status;
    tell(medium, task, &result, why);
}

void irx__pg_tell_sent(irx_medium *medium, const irx__pg_task *task, int code)
{
    if (task->ticket != 0) {
        medium->config.sink.sent(medium->config.sink.owner, task->seat->seat, task->ticket, code);
    }
}

/* Is anything missing that this operation's answer must have? */
static int check(const irx_medium *medium, const irx__pg_task *task, const irx__pg_answer *answer,
                 irx_error *why)
{
    const irx_seat *seat = task->seat->seat;
    bool ours = answer->has_record && answer->record.format <= IRX_FORMAT;

    if (answer->status == IRX_RESULT_OK && !answer->has_record &&
        irx__op_needs_record(task->op.kind)) {
        return irx__error_set(why, IRX_EPROTOCOL,
                              "%.160s gave an answer that belongs to another operation",
                              medium->config.url->shown);
    }
    if (ours && !answer->has_value && irx__op_brings_value(task->op.kind, answer->status) &&
        irx__version_is_newer(answer->record.value, seat->value_version)) {
        return irx__error_set(why, IRX_EFOREIGN,
                              "table %.120s: the row of \"%.128s\" has a value_term, but no value",
                              medium->texts.ledger, seat->name);
    }
    return 0;
}

/* Keeps what was told, for the next question and for the runtime. */
static int keep(const irx__pg_task *task, irx__pg_answer *answer, irx_error *why)
{
    irx_seat *seat = task->seat->seat;
    if (task->op.kind == IRX_OP_PUBLISH && answer->status == IRX_RESULT_OK) {
        int code = irx__op_copy_value(&task->op, &answer->value, why);
        if (code != 0) {
            return code;
        }
        answer->value_length = task->op.length;
        answer->has_value = true;
    }
    if (answer->has_members) {
        irx__seat_take_members(seat, answer->members, answer->member_count, answer->metas);
        task->seat->members_version = answer->members_version;
    }
    if (answer->has_value) {
        irx__seat_take_value(seat, answer->record.value, answer->value, answer->value_length);
    }
    return 0;
}

static void tell_unreadable(irx_medium *medium, const irx__pg_task *task, irx_status_kind status,
                            const irx_error *why)
{
    bool applied =
        task->op.kind != IRX_OP_READ && (status == IRX_RESULT_OK || status == IRX_RESULT_UNKNOWN);
    irx__pg_tell_failure(medium, task, applied ? IRX_RESULT_UNKNOWN : IRX_RESULT_FAILED, why);
}

static void tell_answer(irx_medium *medium, const irx__pg_task *task, irx__pg_answer *answer)
{
    irx_result result;
    irx_error why;
    int code = check(medium, task, answer, &why);

    if (code == 0) {
        code = keep(task, answer, &why);
    }
    if (code != 0) {
        irx_status_kind status = answer->status;
        irx__pg_free_answer(answer);
        tell_unreadable(medium, task, status, &why);
        return;
    }
    memset(&result, 0, sizeof result);
    result.status = answer->status;
    result.has_record = answer->has_record;
    result.record = answer->record;
    result.epoch = answer->epoch;
    result.join = answer->join;
    tell(medium, task, &result, NULL);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static void told_send(irx_medium *medium, const irx__pg_task *task, const irx__pg_outcome *outcome)
{
    const irx__pg_rows *rows = outcome->rows;
    size_t length = 0;
    const char *left;

    if (rows == NULL) {
        irx__pg_tell_sent(medium, task, outcome->why.code);
        return;
    }
    left = rows->rows == 1 && rows->columns >= 1 ? rows->cell(rows->source, 0, 0, &length) : NULL;
    irx__pg_tell_sent(medium, task,
                      left == NULL     ? IRX_EPROTOCOL
                      : left[0] == 't' ? 0
                                       : IRX_ENOMEMBER);
}

/* One row of an answer; the task that it answers is settled by it. *another: the store that answers
 * is not the one that was greeted. */
static void take_row(irx_medium *medium, const irx__pg_rows *rows, int row, bool *another)
{
    size_t count = medium->asked_count;
    irx__pg_answer answer;
    irx_error why;
    /* Rows are in the order of the questions; the answer says so itself, and is checked. */
    const irx__pg_task *expected = (size_t)row < count ? medium->asked[row] : NULL;
    const char *name = expected != NULL && expected->seat != NULL ? expected->seat->seat->name : "";
    int code = irx__pg_read_answer(rows, row, count, medium->texts.ledger, name, &answer, &why);
    if (expected != NULL && !irx__pg_takes_many(expected->op.kind)) {
        answer.index = (size_t)row; /* an answer of its own, to one question */
    }
    irx__pg_task *task = answer.index < count ? medium->asked[answer.index] : NULL;

    if (task == NULL || task->seat == NULL) {
        if (code == 0) {
            irx__pg_free_answer(&answer);
        }
        return;
    }
    if (code == 0 && answer.busy) {
        task->busy = true; /* put back when all rows have been taken */
        return;
    }
    medium->asked[answer.index] = NULL;
    *another = *another || (code == 0 && !irx_id_equal(answer.epoch, medium->epoch));
    if (code == IRX_EFULL) {
        irx__error_set(&why, code, "the member table of \"%.128s\" is full: max_members is %u",
                       task->seat->seat->name, (unsigned)medium->config.max_members);
    }
    if (code != 0) {
        tell_unreadable(medium, task, answer.status, &why);
    } else {
        tell_answer(medium, task, &answer);
    }
    free(task);
}

static irx_op_kind kind_asked(const irx_medium *medium)
{
    for (size_t i = 0; i < medium->asked_count; i++) {
        if (medium->asked[i] != NULL) {
            return medium->asked[i]->op.kind;
        }
    }
    return IRX_OP_READ;
}

/* Did what is under way wait for one row, and for nothing else as long? */
static bool waits_for_row(const irx_medium *medium)
{
    const irx__pg_task *task = medium->asked_count == 1 ? medium->asked[0] : NULL;
    return task != NULL && !task->is_send && (task->alone || task->op.kind == IRX_OP_RENEW);
}

/* A wait for a row keeps whatever else the process asks waiting. One that was in vain is therefore
 * followed by a while without any: what finds its row held then has failed, and is asked again by
 * its engine. Not so after a wait for the lock of all notifications, which renewals do not take. */
static void note_wait(irx_medium *medium, const irx__pg_outcome *outcome)
{
    if (strcmp(outcome->sqlstate, "55P03") == 0) {
        medium->waited = true;
        if (waits_for_row(medium)) {
            medium->no_wait_until_ns = irx__clock_boot_ns() + 3 * medium->config.heartbeat_ns;
        }
    }
}

bool irx__pg_may_wait(const irx_medium *medium)
{
    return irx__clock_boot_ns() >= medium->no_wait_until_ns;
}

static void tell_held(irx_medium *medium, const irx__pg_task *task)
{
    irx_error why;
    irx__error_set(&why, IRX_EUNAVAILABLE,
                   "%.120s: somebody's transaction holds the row of \"%.128s\" (see pg_locks)",
                   medium->config.url->shown, task->seat->seat->name);
    irx__pg_tell_failure(medium, task, IRX_RESULT_FAILED, &why);
}

/* Is a refusal that several met about one of them, as far as it says? A name that the database can
 * not write, a row that breaks a constraint, that somebody's trigger or policy refuses. What else
 * is refused is refused to all. */
static bool is_about_one(const irx__pg_outcome *outcome)
{
    static const char *const states[] = {"22", "23", "P0", "42501", NULL};
    for (const char *const *state = states; *state != NULL; state++) {
        if (strncmp(outcome->sqlstate, *state, strlen(*state)) == 0) {
            return true;
        }
    }
    return false;
}

/* What went together was refused, for one of them: how many of them may next go together. 0: it is
 * told. Those of one statement are halved, so that the one of a thousand is found in ten steps;
 * statements that were one transaction were few. */
static size_t company_next(const irx_medium *medium, const irx__pg_outcome *outcome)
{
    if (outcome->rows != NULL || !outcome->harmless || medium->asked_count < 2) {
        return 0;
    }
    if (!irx__pg_takes_many(kind_asked(medium))) {
        return 1;
    }
    return is_about_one(outcome) ? medium->asked_count / 2 : 0;
}

/* One without an answer, which somebody waits for: true if it is to be asked again. The busy ones
 * wait for their rows, each by itself. */
static bool goes_again(const irx_medium *medium, irx__pg_task *task, size_t company)
{
    bool again = company > 0 || (task->busy && irx__pg_may_wait(medium));
    if (again) {
        task->alone = task->alone || task->busy || !irx__pg_takes_many(task->op.kind);
        task->company = company;
        task->busy = false;
    }
    return again;
}

static void tell_rest(irx_medium *medium, const irx__pg_task *task, const irx__pg_outcome *outcome)
{
    irx_status_kind status = IRX_RESULT_UNKNOWN;
    irx_error why = outcome->why;

    if (task->busy) {
        tell_held(medium, task);
        return;
    }
    if (outcome->rows != NULL) {
        irx__error_set(&why, IRX_EPROTOCOL, "%.160s left a question without an answer",
                       medium->config.url->shown);
    }
    if (task->op.kind == IRX_OP_READ || (outcome->rows == NULL && outcome->harmless)) {
        status = IRX_RESULT_FAILED; /* a reading has nothing to apply */
    }
    irx__pg_tell_failure(medium, task, status, &why);
}

/* Those without an answer. */
static void settle_rest(irx_medium *medium, const irx__pg_outcome *outcome)
{
    uint64_t serial = irx__pg_command(medium)->serial;
    size_t company = company_next(medium, outcome);

    for (size_t i = medium->asked_count; i-- > 0;) { /* so that the first is put back last */
        irx__pg_task *task = medium->asked[i];
        medium->asked[i] = NULL;
        if (task != NULL && task->seat != NULL && goes_again(medium, task, company)) {
            irx__pg_put_back(medium, task);
            continue;
        }
        if (task != NULL && task->seat != NULL) {
            tell_rest(medium, task, outcome);
        }
        free(task);
        if (irx__pg_command(medium)->serial != serial) {
            return;
        }
    }
    medium->asked_count = 0;
}

/* The table was dropped, made anew or bent under us: what was learned in the greeting, the
 * channels' names too, is no longer so. */
static void greet_anew(irx_medium *medium, const irx_error *why)
{
    irx__pg_fail(irx__pg_command(medium), why);
    if (irx__pg_presence(medium)->state != IRX_PG_CLOSED) {
        irx__pg_fail(irx__pg_presence(medium), why);
    }
}

/* Is it the table itself that a statement was refused for? */
static bool lacks_table(const irx__pg_outcome *outcome)
{
    static const char *const states[] = {"42P01", "42703", "42804", "3F000", NULL};
    for (const char *const *state = states; *state != NULL && outcome->rows == NULL; state++) {
        if (strcmp(outcome->sqlstate, *state) == 0) {
            return true;
        }
    }
    return false;
}

void irx__pg_answered(irx_medium *medium, const irx__pg_outcome *outcome)
{
    uint64_t serial = irx__pg_command(medium)->serial;
    const irx__pg_rows *rows = outcome->rows;
    irx_error why = outcome->why;
    bool planned = medium->asked_count == 0; /* ahead: a refusal is told when it is asked */
    bool another = false;

    medium->answers++;
    note_wait(medium, outcome);
    if (medium->asked_count == 1 && medium->asked[0]->is_send) {
        irx__pg_task *task = medium->asked[0];
        medium->asked_count = 0;
        if (task->seat != NULL) {
            told_send(medium, task, outcome);
        }
        free(task);
    } else {
        for (int row = 0; rows != NULL && row < rows->rows; row++) {
            take_row(medium, rows, row, &another);
            if (irx__pg_command(medium)->serial != serial) {
                return;
            }
        }
        settle_rest(medium, outcome);
    }
    if (irx__pg_command(medium)->serial != serial) {
        return;
    }
    if (another) {
        irx__error_set(&why, IRX_EUNAVAILABLE, "%.120s: the table %.120s is not the same any more",
                       medium->config.url->shown, medium->texts.ledger);
    }
    if (another || (!planned && lacks_table(outcome))) {
        greet_anew(medium, &why);
    } else {
        irx__pg_later(medium); /* what the results made engines ask goes together */
    }
}
