/* The line of operations and messages before the connection for commands, which carries one
 * statement at a time. Decides what goes first, and what goes together: READs, RENEWs, or STRIKEs,
 * of different seats that came while the last statement was under way leave in one, so that a
 * thousand elections cost few round trips. It must never let anything of a seat overtake something
 * else of it. */
#include "medium/postgres_tasks.h"

#include "runtime/error.h"

#include <stdlib.h>
#include <string.h>

/* Most operations may bring a value and a member table each; how many go together is in
 * medium->readings_max, and renewals would wait behind the others' answer. Others than READ and
 * STRIKE are a statement each, and go together as one transaction: a commit on disk for each would
 * take a thousand elections longer than an operation may last. */
enum { RENEWALS_MAX = 1000, TOGETHER_MAX = 50 };

void irx__pg_append_task(irx_medium *medium, irx__pg_task *task)
{
    task->next = NULL;
    if (medium->last != NULL) {
        medium->last->next = task;
    } else {
        medium->first = task;
    }
    medium->last = task;
    if (task->is_send) {
        medium->waiting_bytes += strlen(task->payload);
    }
}

void irx__pg_put_back(irx_medium *medium, irx__pg_task *task)
{
    task->next = medium->first;
    medium->first = task;
    if (medium->last == NULL) {
        medium->last = task;
    }
}

/* Takes out what follows `previous` (null: the first). */
static irx__pg_task *take_out(irx_medium *medium, irx__pg_task *previous)
{
    irx__pg_task **link = previous != NULL ? &previous->next : &medium->first;
    irx__pg_task *task = *link;
    *link = task->next;
    if (medium->last == task) {
        medium->last = previous;
    }
    if (task->is_send) {
        medium->waiting_bytes -= strlen(task->payload);
    }
    return task;
}

static bool has_room(irx_medium *medium)
{
    static const size_t most = RENEWALS_MAX;
    irx_error error;
    if (medium->asked != NULL) {
        return true;
    }
    medium->asked = calloc(most, sizeof(irx__pg_task *));
    if (medium->asked == NULL) {
        irx__error_set(&error, IRX_ENOMEM, "out of memory for a statement");
        irx__pg_fail(irx__pg_command(medium), &error);
        return false;
    }
    return true;
}

bool irx__pg_takes_many(irx_op_kind kind)
{
    return kind == IRX_OP_READ || kind == IRX_OP_RENEW || kind == IRX_OP_STRIKE;
}

/* How many operations of its kind may leave in one transaction. */
static size_t most_of_kind(const irx_medium *medium, irx_op_kind kind)
{
    const irx__pg_connection *connection = &medium->connections[IRX_CHANNEL_COMMAND];
    if (kind == IRX_OP_RENEW) {
        return RENEWALS_MAX;
    }
    if (irx__pg_takes_many(kind)) {
        return medium->readings_max;
    }
    if (kind == IRX_OP_PUBLISH || !irx__pg_is_prepared(connection, (unsigned)kind)) {
        return 1;
    }
    return medium->readings_max < TOGETHER_MAX ? medium->readings_max : TOGETHER_MAX;
}

/* How many operations may leave together with this one, itself among them. */
static size_t most_with(const irx_medium *medium, const irx__pg_task *first)
{
    if (first->is_send || first->alone) {
        return 1;
    }
    size_t most = most_of_kind(medium, first->op.kind);
    return first->company > 0 && first->company < most ? first->company : most;
}

static bool goes_with(const irx__pg_task *task, const irx__pg_task *first)
{
    return !task->is_send && !task->alone && task->op.kind == first->op.kind &&
           task->company == first->company && irx_id_equal(task->op.epoch, first->op.epoch);
}

static void forget_waits(irx_medium *medium)
{
    for (irx__pg_seat *seat = medium->seats; seat != NULL; seat = seat->next) {
        seat->waits = false;
    }
}

/* What can go with the first. A seat of which something stays behind stays behind altogether. */
static void gather_others(irx_medium *medium, const irx__pg_task *first, size_t most)
{
    irx__pg_task *previous = NULL;
    irx__pg_task *task = medium->first;

    first->seat->waits = true;
    while (task != NULL && medium->asked_count < most) {
        irx__pg_task *next = task->next;
        if (task->seat == NULL) {
            free(take_out(medium, previous));
        } else {
            bool taken = !task->seat->waits && goes_with(task, first);
            task->seat->waits = true;
            if (taken) {
                medium->asked[medium->asked_count++] = take_out(medium, previous);
            } else {
                previous = task;
            }
        }
        task = next;
    }
    forget_waits(medium);
}

static bool is_renewal(const irx__pg_task *task)
{
    return !task->is_send && !task->alone && task->op.kind == IRX_OP_RENEW;
}

static bool never_waits(const irx__pg_task *task)
{
    return !task->is_send && !task->alone && irx__pg_takes_many(task->op.kind);
}

/* Is there one of this kind before which nothing else of its seat waits? *before: what it is
 * behind, null where it is the first. */
static bool find_first(irx_medium *medium, bool (*is_meant)(const irx__pg_task *),
                       irx__pg_task **before)
{
    irx__pg_task *task = medium->first;
    *before = NULL;
    while (task != NULL && (task->seat == NULL || task->seat->waits || !is_meant(task))) {
        if (task->seat != NULL) {
            task->seat->waits = true;
        }
        *before = task;
        task = task->next;
    }
    forget_waits(medium);
    return task != NULL;
}

/* Behind what is before the next one to leave; null: the first leaves. A leadership lasts only
 * while it is renewed: renewals go before whatever a thousand other elections begin with. And after
 * a wait for one row, in which nothing else could be asked, what never waits goes first: of many
 * rows that somebody holds, the waits would take all the time that the others' leases have. */
static irx__pg_task *before_next(irx_medium *medium)
{
    irx__pg_task *before;
    if (find_first(medium, is_renewal, &before) ||
        (medium->waited && find_first(medium, never_waits, &before))) {
        return before;
    }
    return NULL;
}

/* In one order for all who lock many rows, so that no two wait for each other. */
static int by_name(const void *left, const void *right)
{
    const irx__pg_task *const *one = left;
    const irx__pg_task *const *other = right;
    return strcmp((*one)->seat->seat->name, (*other)->seat->seat->name);
}

bool irx__pg_gather(irx_medium *medium)
{
    while (medium->first != NULL && medium->first->seat == NULL) {
        free(take_out(medium, NULL));
    }
    if (medium->first == NULL || !has_room(medium)) {
        return false;
    }
    irx__pg_task *first = take_out(medium, before_next(medium));
    medium->waited = first->alone;
    medium->asked[0] = first;
    medium->asked_count = 1;
    size_t most = most_with(medium, first);
    if (most > 1) {
        gather_others(medium, first, most);
    }
    if (medium->asked_count > 1 && !irx__pg_takes_many(first->op.kind)) {
        qsort(medium->asked, medium->asked_count, sizeof *medium->asked, by_name);
    }
    return true;
}

void irx__pg_settle_asked(irx_medium *medium, size_t index)
{
    free(medium->asked[index]);
    medium->asked[index] = NULL;
}

void irx__pg_forget_seat(irx_medium *medium, const irx__pg_seat *seat)
{
    for (irx__pg_task *task = medium->first; task != NULL; task = task->next) {
        if (task->seat == seat) {
            task->seat = NULL;
        }
    }
    for (size_t i = 0; i < medium->asked_count; i++) {
        if (medium->asked[i] != NULL && medium->asked[i]->seat == seat) {
            medium->asked[i]->seat = NULL;
        }
    }
}

void irx__pg_drop_tasks(irx_medium *medium)
{
    while (medium->first != NULL) {
        free(take_out(medium, NULL));
    }
    for (size_t i = 0; i < medium->asked_count; i++) {
        irx__pg_settle_asked(medium, i);
    }
    medium->asked_count = 0;
    ev_timer_stop(medium->config.loop, &medium->deadline);
}
