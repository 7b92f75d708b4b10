/* Operations and messages as statements on the connection for commands: one is under way at a time,
 * the others wait in line. Decides when the next one leaves and when an answer is late; it must
 * never send an operation twice, but for a renewal of many that found its row locked and so did
 * nothing: that one is asked again by itself, and waits for the row. What the answers say is
 * postgres_result.c's. */
#include "medium/base64.h"
#include "medium/postgres_question.h"
#include "medium/postgres_tasks.h"
#include "medium/postgres_text.h"
#include "runtime/clock.h"
#include "runtime/error.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The engine counts an operation as unknown by itself at its deadline, and then gives the
 * connection up. So that it comes first, we say so a little later. */
#define DEADLINE_GRACE_NS (10 * INT64_C(1000000))

/* ---- questions --------------------------------------------------------------------------------
 */

static void fail(irx_medium *medium, int code, const char *what)
{
    irx_error error;
    irx__error_set(&error, code, "%.160s: %.160s", medium->config.url->shown, what);
    irx__pg_fail(irx__pg_command(medium), &error);
}

static void ask_send(irx_medium *medium, const irx__pg_task *task)
{
    const irx__pg_statement statement = irx__pg_statement_of(medium, IRX_PG_SEND);
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)irx__pg_process_key(task->process));
    irx__pg_ask(irx__pg_command(medium), &statement, 3,
                (const char *const[]){task->channel, task->payload, task->everybody ? NULL : key});
}

/* Operations of a kind that has no statement for many. */
static void ask_together(irx_medium *medium, const irx__pg_question *questions, size_t count)
{
    irx__pg_connection *connection = irx__pg_command(medium);
    char name[IRX_PG_PREPARED_MAX];
    irx__pg_text text = {0};
    irx__pg_values values;
    bool good = true;

    irx__pg_prepared_name(connection, (unsigned)questions[0].op->kind, name);
    for (size_t i = 0; i < count && good; i++) {
        good = irx__pg_values_of(&values, &questions[i], 1, medium->config.max_members) == 0;
        for (int j = 0; good && j < values.count; j++) {
            const char *before = j > 0 ? ", " : " (";
            irx__pg_text_put(&text, j == 0 ? "EXECUTE " : "", j == 0 ? 8 : 0);
            irx__pg_text_put(&text, name, j == 0 ? strlen(name) : 0);
            irx__pg_text_put(&text, before, 2);
            if (values.list[j] == NULL) {
                irx__pg_text_put(&text, "NULL", 4);
            } else {
                irx__pg_text_put_literal(&text, values.list[j]);
            }
        }
        irx__pg_text_put(&text, "); ", 3);
        if (good) {
            irx__pg_values_free(&values);
        }
    }
    char *whole = irx__pg_text_end(&text);
    if (!good || whole == NULL) {
        fail(medium, IRX_ENOMEM, "out of memory for a statement");
    } else {
        irx__pg_say_many(connection, whole, (int)count);
    }
    free(whole);
}

static void ask_operations(irx_medium *medium)
{
    irx__pg_task *const *tasks = medium->asked;
    size_t count = medium->asked_count;
    irx__pg_question *questions = calloc(count, sizeof *questions);
    irx__pg_values values;

    if (questions == NULL) {
        fail(medium, IRX_ENOMEM, "out of memory for a statement");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const irx_seat *seat = tasks[i]->seat->seat;
        questions[i] = (irx__pg_question){
            .op = &tasks[i]->op,
            .name = seat->name,
            .label = seat->label,
            .channel = tasks[i]->seat->ear->channel,
            .meta = seat->meta,
            .meta_length = seat->meta_length,
            .members_version = tasks[i]->seat->members_version,
            .value_version = seat->value_version,
        };
    }
    if (count > 1 && !irx__pg_takes_many(tasks[0]->op.kind)) {
        ask_together(medium, questions, count);
    } else if (irx__pg_values_of(&values, questions, count, medium->config.max_members) != 0) {
        fail(medium, IRX_ENOMEM, "out of memory for a statement");
    } else {
        bool one = tasks[0]->op.kind == IRX_OP_RENEW && count == 1 && irx__pg_may_wait(medium);
        const irx__pg_statement statement =
            irx__pg_statement_of(medium, one ? IRX_PG_RENEW_ONE : (unsigned)tasks[0]->op.kind);
        irx__pg_ask(irx__pg_command(medium), &statement, values.count, values.list);
        irx__pg_values_free(&values);
    }
    free(questions);
}

/* Others are answered, so that the connection is good: this one's turn did not come. */
static bool is_outpaced(const irx_medium *medium, const irx__pg_task *task)
{
    return task->since != medium->answers;
}

/* When something that waits is told of. Outpaced it comes long before the engine, which would give
 * up a connection that works with all that waits for it: what does leave has more time than a
 * statement waits for a lock. An operation is given a heartbeat at least. */
static int64_t waits_until_ns(const irx_medium *medium, const irx__pg_task *task)
{
    if (task->is_send || task->seat == NULL) {
        return IRX_NEVER;
    }
    return is_outpaced(medium, task) ? task->op.deadline_ns - medium->config.heartbeat_ns * 3 / 4
                                     : task->op.deadline_ns + DEADLINE_GRACE_NS;
}

static int64_t asked_until_ns(const irx__pg_task *task)
{
    bool told = task == NULL || task->is_send || task->expired;
    return told ? IRX_NEVER : task->op.deadline_ns + DEADLINE_GRACE_NS;
}

/* The earliest deadline of all that waits or is under way. */
static void arm_deadline(irx_medium *medium)
{
    int64_t earliest_ns = IRX_NEVER;
    for (const irx__pg_task *task = medium->first; task != NULL; task = task->next) {
        int64_t until_ns = waits_until_ns(medium, task);
        earliest_ns = until_ns < earliest_ns ? until_ns : earliest_ns;
    }
    for (size_t i = 0; i < medium->asked_count; i++) {
        int64_t until_ns = asked_until_ns(medium->asked[i]);
        earliest_ns = until_ns < earliest_ns ? until_ns : earliest_ns;
    }
    ev_timer_stop(medium->config.loop, &medium->deadline);
    if (earliest_ns != IRX_NEVER) {
        int64_t left_ns = earliest_ns - irx__clock_boot_ns();
        ev_now_update(medium->config.loop);
        ev_timer_set(&medium->deadline, left_ns <= 0 ? 0.0 : (double)left_ns * 1e-9, 0.0);
        ev_timer_start(medium->config.loop, &medium->deadline);
    }
}

void irx__pg_pump(irx_medium *medium)
{
    irx__pg_connection *connection = irx__pg_command(medium);
    uint64_t serial = connection->serial;

    while (connection->serial == serial && connection->state == IRX_PG_READY && !connection->busy &&
           !connection->has_failed && irx__pg_gather(medium)) {
        irx__pg_task *first = medium->asked[0];
        if (first->refused) {
            medium->asked_count = 0; /* nothing is asked, so the next one may */
            irx__pg_tell_sent(medium, first, IRX_EFULL);
            free(first);
        } else if (first->is_send) {
            ask_send(medium, first);
        } else {
            ask_operations(medium);
        }
    }
    if (connection->serial == serial) {
        irx__pg_plan_ahead(medium);
        arm_deadline(medium);
    }
}

/* ---- deadlines --------------------------------------------------------------------------------
 */

/* *waits: it has not left. */
static irx__pg_task *find_expired(irx_medium *medium, int64_t now_ns, bool *waits)
{
    *waits = false;
    for (size_t i = 0; i < medium->asked_count; i++) {
        if (asked_until_ns(medium->asked[i]) <= now_ns) {
            return medium->asked[i];
        }
    }
    for (irx__pg_task *task = medium->first; task != NULL; task = task->next) {
        if (waits_until_ns(medium, task) <= now_ns) {
            *waits = true;
            return task;
        }
    }
    return NULL;
}

/* Told: surely nothing was applied of what never left; the engine asks again a little later. */
static void tell_late(irx_medium *medium, const irx__pg_task *task, bool waits)
{
    const char *shown = medium->config.url->shown;
    irx_error why;
    if (waits && is_outpaced(medium, task)) {
        irx__error_set(&why, IRX_EUNAVAILABLE,
                       "%.160s: too much else was asked at the same time; this is asked again",
                       shown);
        irx__pg_tell_failure(medium, task, IRX_RESULT_FAILED, &why);
    } else {
        irx__error_set(&why, IRX_ETIMEOUT, "%.160s did not answer in time", shown);
        irx__pg_tell_failure(medium, task, IRX_RESULT_UNKNOWN, &why);
    }
}

/* What is told before it left must not leave after that: without a seat it never does. */
static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
    irx_medium *medium = watcher->data;
    uint64_t serial = irx__pg_command(medium)->serial;
    int64_t now_ns = irx__clock_boot_ns();
    irx__pg_task *task;
    bool waits;
    (void)loop;
    (void)events;

    irx__pg_enter(medium);
    while (irx__pg_command(medium)->serial == serial &&
           (task = find_expired(medium, now_ns, &waits)) != NULL) {
        irx__pg_task told = *task;
        task->expired = true;
        task->seat = NULL;
        if (told.seat != NULL) {
            tell_late(medium, &told, waits);
        }
    }
    if (irx__pg_command(medium)->serial == serial) {
        arm_deadline(medium);
    }
    irx__pg_leave(medium);
}

/* ---- what is asked ----------------------------------------------------------------------------
 */

static irx__pg_task *new_task(irx_medium *medium, irx_seat *seat, size_t payload_length)
{
    irx__pg_task *task = calloc(1, sizeof *task + payload_length + 1);
    if (task == NULL) {
        fail(medium, IRX_ENOMEM, "out of memory for an operation");
        return NULL;
    }
    task->seat = seat->data;
    return task;
}

void irx__pg_submit(irx_medium *medium, irx_seat *seat, const irx_op *op)
{
    irx__pg_task *task;
    if (irx__pg_command(medium)->state != IRX_PG_READY) {
        return; /* its end is told, or about to be */
    }
    task = new_task(medium, seat, 0);
    if (task != NULL) {
        task->op = *op;
        task->since = medium->answers;
        irx__pg_append_task(medium, task);
        irx__pg_later(medium);
    }
}

void irx__pg_send(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process, uint64_t ticket,
                  const void *bytes, size_t length)
{
    const irx__pg_seat *place = seat->data;
    irx__pg_task *task;

    assert(length > 0 && IRX_BASE64_LENGTH(length) <= IRX_PG_PAYLOAD_MAX);
    if (irx__pg_command(medium)->state != IRX_PG_READY) {
        return; /* its end is told, or about to be */
    }
    bool refused = medium->waiting_bytes + length > IRX_PG_TALK_MAX;
    task = new_task(medium, seat, refused ? 0 : IRX_BASE64_LENGTH(length));
    if (task == NULL) {
        return;
    }
    task->is_send = true;
    task->refused = refused;
    task->everybody = irx_id_none(to);
    task->process = process;
    task->ticket = ticket;
    if (task->everybody) {
        memcpy(task->channel, place->ear->channel, sizeof task->channel);
    } else {
        irx__pg_process_channel(process, task->channel);
    }
    if (!refused) {
        irx__base64_encode(bytes, length, task->payload);
    }
    irx__pg_append_task(medium, task);
    irx__pg_later(medium);
}

void irx__pg_operations_init(irx_medium *medium)
{
    medium->readings_max = IRX_PG_READINGS_MAX;
    ev_init(&medium->deadline, on_deadline);
    medium->deadline.data = medium;
}
