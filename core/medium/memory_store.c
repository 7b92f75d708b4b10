/* Named stores in this process's memory, behind one lock, so that media on several loops may share
 * one: who has them open, who is present, and what they have to be told. A store lives as long as
 * somebody has it open. It must never call back: what others have to be told is marked or queued,
 * and their loops are woken. What an operation does is in memory_apply.c. */
#include "medium/memory_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "runtime/error.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static irx__memory_store *stores;

bool irx__memory_is_present(const irx__memory_store *store, irx_id process)
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

void irx__memory_broadcast(irx__memory_store *store, const irx__memory_election *election,
                           const void *bytes, size_t length)
{
    for (irx__memory_user *user = store->users; user; user = user->next)
        for (irx__memory_seat *seat = user->seats; seat; seat = seat->next)
            if (seat->election == election && !irx_id_none(user->process)) {
                irx__memory_queue_put(&user->queue, seat->seat, bytes, length);
                wake(user);
            }
}

void irx__memory_push(irx__memory_store *store, const irx__memory_election *election,
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
    irx__memory_queue_drop(&user->queue, NULL);
    if (!irx_id_none(process))
        mark_gone(user->store, process);
}

static void clear_election(irx__memory_election *election)
{
    irx__table_free(&election->table);
    free(election->value);
    election->value = NULL;
    election->value_length = 0;
    election->ledger = (irx__ledger){0};
}

static void free_election(irx__memory_election *election)
{
    clear_election(election);
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
    if (mine) {
        *link = mine->next;
        irx__memory_queue_drop(&user->queue, seat);
    }
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
    mine->gone = !irx_id_none(process) && !irx__memory_is_present(user->store, process);
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

void irx__memory_apply(irx__memory_user *user, irx_seat *seat, const irx_op *op,
                       uint32_t max_members, irx_result *result, irx_error *why)
{
    pthread_mutex_lock(&lock);
    irx__memory_operate(user, find_seat(user, seat), op, max_members, result, why);
    pthread_mutex_unlock(&lock);
}

/* ---- messages and marks ---------------------------------------------------------------------- */

static int send_to_process(irx__memory_store *store, irx_id process, const void *bytes,
                           size_t length)
{
    irx__memory_user *user = irx_id_none(process) ? NULL : store->users;
    while (user && !irx_id_equal(user->process, process))
        user = user->next;
    if (!user)
        return IRX_ENOMEMBER;
    int code = irx__memory_queue_put(&user->queue, NULL, bytes, length);
    wake(user);
    return code;
}

int irx__memory_send(irx__memory_user *user, irx_seat *seat, irx_id to, irx_id process,
                     const void *bytes, size_t length)
{
    int code = 0;
    pthread_mutex_lock(&lock);
    if (irx_id_none(to))
        irx__memory_broadcast(user->store, find_seat(user, seat)->election, bytes, length);
    else
        code = send_to_process(user->store, process, bytes, length);
    pthread_mutex_unlock(&lock);
    return code;
}

size_t irx__memory_waiting(irx__memory_user *user)
{
    pthread_mutex_lock(&lock);
    size_t count = user->queue.count;
    pthread_mutex_unlock(&lock);
    return count;
}

irx__memory_message *irx__memory_take_message(irx__memory_user *user)
{
    pthread_mutex_lock(&lock);
    irx__memory_message *message = irx__memory_queue_take(&user->queue);
    pthread_mutex_unlock(&lock);
    return message;
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
         election = election->next)
        clear_election(election);
    pthread_mutex_unlock(&lock);
}
