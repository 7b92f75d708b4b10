/* Decides nothing but what the ledger's rules say: named stores in this process's memory, behind
 * one lock, so that media on several loops may share one. A store lives as long as somebody has it
 * open. It must never call back: what others have to be told is marked, and their loops are woken.
 */
#include "medium/memory_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "runtime/clock.h"
#include "runtime/error.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static irx__memory_store *stores;

static bool is_present(const irx__memory_store *store, irx_id process)
{
    if (irx_id_none(process))
        return false;
    for (const irx__memory_user *user = store->users; user; user = user->next)
        if (irx_id_equal(user->process, process))
            return true;
    return false;
}

static irx__memory_seat *find_seat(irx__memory_user *user, const irx_seat *seat)
{
    irx__memory_seat *found = user->seats;
    while (found && found->seat != seat)
        found = found->next;
    return found;
}

static void wake(irx__memory_user *user)
{
    eventfd_write(user->wake_fd, 1);
}

/* Something happened in an election: everybody else there should look. */
static void push(irx__memory_store *store, const irx__memory_election *election,
                 const irx_seat *sender)
{
    for (irx__memory_user *user = store->users; user; user = user->next)
        for (irx__memory_seat *seat = user->seats; seat; seat = seat->next)
            if (seat->election == election && seat->seat != sender) {
                seat->hinted = true;
                wake(user);
            }
}

static void mark_gone(irx__memory_store *store, irx_id process)
{
    for (irx__memory_user *user = store->users; user; user = user->next)
        for (irx__memory_seat *seat = user->seats; seat; seat = seat->next)
            if (irx_id_equal(seat->watched, process)) {
                seat->gone = true;
                wake(user);
            }
}

static void end_presence(irx__memory_user *user)
{
    irx_id process = user->process;
    user->process = (irx_id){0, 0};
    if (!irx_id_none(process))
        mark_gone(user->store, process);
}

static void free_election(irx__memory_election *election)
{
    irx__table_free(&election->table);
    free(election);
}

static void free_store(irx__memory_store *store)
{
    irx__memory_store **link = &stores;
    while (*link != store)
        link = &(*link)->next;
    *link = store->next;
    while (store->elections) {
        irx__memory_election *election = store->elections;
        store->elections = election->next;
        free_election(election);
    }
    free(store);
}

int irx__memory_open(irx__memory_user *user, const char *key, irx_error *error)
{
    pthread_mutex_lock(&lock);
    irx__memory_store *store = stores;
    while (store && strcmp(store->key, key) != 0)
        store = store->next;
    if (!store && (store = calloc(1, sizeof *store + strlen(key) + 1))) {
        strcpy(store->key, key);
        store->epoch = irx__random_id();
        store->next = stores;
        stores = store;
    }
    if (store) {
        user->store = store;
        user->next = store->users;
        store->users = user;
    }
    pthread_mutex_unlock(&lock);
    return store ? 0 : irx__error_set(error, IRX_ENOMEM, "no memory for a store");
}

void irx__memory_leave(irx__memory_user *user)
{
    if (!user->store)
        return;
    pthread_mutex_lock(&lock);
    end_presence(user);
    irx__memory_user **link = &user->store->users;
    while (*link != user)
        link = &(*link)->next;
    *link = user->next;
    if (!user->store->users)
        free_store(user->store);
    user->store = NULL;
    pthread_mutex_unlock(&lock);
}

static irx__memory_election *find_election(irx__memory_store *store, const char *name)
{
    irx__memory_election *election = store->elections;
    while (election && strcmp(election->name, name) != 0)
        election = election->next;
    if (!election && (election = calloc(1, sizeof *election))) {
        snprintf(election->name, sizeof election->name, "%s", name);
        election->next = store->elections;
        store->elections = election;
    }
    return election;
}

int irx__memory_attach(irx__memory_user *user, irx_seat *seat, irx_error *error)
{
    irx__memory_seat *mine = calloc(1, sizeof *mine);
    if (!mine)
        return irx__error_set(error, IRX_ENOMEM, "no memory for election '%s'", seat->name);
    pthread_mutex_lock(&lock);
    mine->seat = seat;
    mine->election = find_election(user->store, seat->name);
    if (mine->election) {
        mine->next = user->seats;
        user->seats = mine;
    }
    pthread_mutex_unlock(&lock);
    if (mine->election)
        return 0;
    free(mine);
    return irx__error_set(error, IRX_ENOMEM, "no memory for election '%s'", seat->name);
}

void irx__memory_detach(irx__memory_user *user, irx_seat *seat)
{
    pthread_mutex_lock(&lock);
    irx__memory_seat **link = &user->seats;
    while (*link && (*link)->seat != seat)
        link = &(*link)->next;
    irx__memory_seat *mine = *link;
    if (mine)
        *link = mine->next;
    pthread_mutex_unlock(&lock);
    free(mine);
}

void irx__memory_presence(irx__memory_user *user, irx_id process)
{
    pthread_mutex_lock(&lock);
    end_presence(user);
    user->process = process;
    pthread_mutex_unlock(&lock);
}

void irx__memory_watch(irx__memory_user *user, irx_seat *seat, irx_id process)
{
    pthread_mutex_lock(&lock);
    irx__memory_seat *mine = find_seat(user, seat);
    mine->watched = process;
    mine->gone = !irx_id_none(process) && !is_present(user->store, process);
    if (mine->gone)
        wake(user);
    pthread_mutex_unlock(&lock);
}

irx_id irx__memory_epoch(irx__memory_user *user)
{
    pthread_mutex_lock(&lock);
    irx_id epoch = user->store->epoch;
    pthread_mutex_unlock(&lock);
    return epoch;
}

/* STRIKE: true if a row went. A row without a presence can not be seen to end. */
static bool strike(irx__memory_store *store, irx__table *table)
{
    size_t before = table->count;
    for (size_t i = table->count; i-- > 0;)
        if (!irx_id_none(table->rows[i].process) && !is_present(store, table->rows[i].process))
            irx__table_remove(table, table->rows[i].session);
    return table->count != before;
}

/* The member table's part of an operation; true in *pushes where the others should look. */
static int apply_members(irx__memory_user *user, irx__memory_seat *mine, const irx_op *op,
                         uint32_t max_members, irx_result *result, bool *pushes, irx_error *why)
{
    irx__table *table = &mine->election->table;
    switch (op->kind) {
    case IRX_OP_JOIN:
        return irx__table_join(table, op, op->process, mine->seat->label, max_members,
                               &result->join, why);
    case IRX_OP_LEAVE: *pushes |= irx__table_remove(table, op->session); return 0;
    case IRX_OP_RELEASE:
        if (op->leave)
            *pushes |= irx__table_remove(table, op->session);
        return 0;
    case IRX_OP_CLAIM_IF_GONE:
        if (result->status == IRX_RESULT_OK)
            irx__table_remove(table, op->expected.session);
        return 0;
    case IRX_OP_STRIKE: *pushes |= strike(user->store, table); return 0;
    default: return 0;
    }
}

void irx__memory_apply(irx__memory_user *user, irx_seat *seat, const irx_op *op,
                       uint32_t max_members, irx_result *result, irx_error *why)
{
    pthread_mutex_lock(&lock);
    irx__memory_store *store = user->store;
    irx__memory_seat *mine = find_seat(user, seat);
    irx__ledger *ledger = &mine->election->ledger;
    irx__ledger_facts facts = {
        .epoch = store->epoch,
        .unix_ms = irx__clock_wall_ns() / 1000000,
        .label = seat->label,
        .process = op->process,
        .sender_present = is_present(store, op->process),
        .holder_gone = ledger->has_record && !is_present(store, ledger->record.process),
    };
    bool changed = false;
    irx_status_kind status = irx__ledger_apply(ledger, op, &facts, &changed);
    irx__ledger_answer(ledger, op, status, store->epoch, result);
    bool pushes = changed && (op->kind == IRX_OP_CLAIM || op->kind == IRX_OP_CLAIM_IF_GONE ||
                              op->kind == IRX_OP_RELEASE);
    if (status != IRX_RESULT_EPOCH &&
        (result->error_code = apply_members(user, mine, op, max_members, result, &pushes, why)))
        result->status = IRX_RESULT_FAILED;
    if (pushes)
        push(store, mine->election, seat);
    if (irx__table_hand(&mine->election->table, seat) != 0) {
        result->status = IRX_RESULT_UNKNOWN;
        result->error_code =
            irx__error_set(why, IRX_ENOMEM, "no memory for the members of '%s'", seat->name);
    }
    pthread_mutex_unlock(&lock);
}

bool irx__memory_take_mark(irx__memory_user *user, irx_seat **seat, irx_id *process)
{
    pthread_mutex_lock(&lock);
    irx__memory_seat *mine = user->seats;
    while (mine && !mine->hinted && !mine->gone)
        mine = mine->next;
    if (mine) {
        *seat = mine->seat;
        *process = (irx_id){0, 0};
        if (mine->gone) {
            *process = mine->watched;
            mine->watched = (irx_id){0, 0};
            mine->gone = false;
        } else {
            mine->hinted = false;
        }
    }
    pthread_mutex_unlock(&lock);
    return mine != NULL;
}

void irx__memory_forget(irx__memory_user *user)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    stores = NULL;
    user->store = NULL;
}

void irx__memory_restart(irx_medium *medium, bool keep_data)
{
    irx__memory_store *store = ((irx__memory_user *)medium)->store;
    pthread_mutex_lock(&lock);
    store->epoch = irx__random_id();
    for (irx__memory_election *election = store->elections; election && !keep_data;
         election = election->next) {
        irx__table_free(&election->table);
        election->ledger = (irx__ledger){0};
    }
    pthread_mutex_unlock(&lock);
}
