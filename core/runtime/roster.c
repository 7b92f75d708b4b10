/* The member table as the application sees it: a copy of the last one received, in the order of
 * joining, with what each member says of itself. It decides nothing about members. */
#include "runtime/election.h"

#include "runtime/clock.h"

#include <stdlib.h>
#include <string.h>

static int by_join(const void *a, const void *b)
{
    uint64_t left = ((const irx_member *)a)->join, right = ((const irx_member *)b)->join;
    return left < right ? -1 : left > right;
}

static size_t meta_bytes(const irx_member *members, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += members[i].meta_length;
    return bytes;
}

/* Rows, and behind them their metas, in one piece; a row's `meta_at` counts from the first meta. */
static irx_member *copy_of(const irx_member *members, size_t count, const char *metas)
{
    irx_member *copy = malloc(count * sizeof *copy + meta_bytes(members, count) + 1);
    if (!copy)
        return NULL;
    if (count) {
        memcpy(copy, members, count * sizeof *copy);
        qsort(copy, count, sizeof *copy, by_join);
    }
    char *beside = (char *)(copy + count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (copy[i].meta_length > 0)
            memcpy(beside + at, metas + copy[i].meta_at, copy[i].meta_length);
        copy[i].meta_at = at;
        at += copy[i].meta_length;
    }
    return copy;
}

/* Without memory the application goes on with the table it has. */
bool irx__roster_look(irx_election *e)
{
    irx_seat *seat = &e->seat;
    if (!seat->members_changed)
        return false;
    seat->members_changed = false;
    irx_member *copy = copy_of(seat->members, seat->member_count, seat->metas);
    if (!copy)
        return true;
    pthread_mutex_lock(&e->lock);
    irx_member *old = e->members;
    e->members = copy;
    e->member_count = seat->member_count;
    e->members_received_ns = irx__clock_boot_ns();
    pthread_mutex_unlock(&e->lock);
    free(old);
    return true;
}

static void describe(const irx_election *e, const irx_member *member, int64_t seen_ms,
                     irx_member_info *info)
{
    bool leads = irx_id_equal(member->session, e->leader.session);
    *info = (irx_member_info){
        .session = member->session,
        .role = leads ? IRX_ROLE_LEADER : IRX_ROLE_FOLLOWER,
        .candidate = member->candidate,
        .self = irx_id_equal(member->session, e->session),
        .last_seen_ms = seen_ms,
        .meta_length = member->meta_length,
    };
    memcpy(info->label, member->label, sizeof info->label);
}

/* Under the lock. The metas lie behind the list, so that it is freed in one piece. */
static irx_member_info *describe_all(const irx_election *e)
{
    size_t count = e->member_count;
    size_t bytes = meta_bytes(e->members, count);
    irx_member_info *list = malloc((count + 1) * sizeof *list + bytes);
    if (!list)
        return NULL;
    int64_t seen_ms = (irx__clock_boot_ns() - e->members_received_ns) / 1000000;
    char *metas = (char *)(list + count + 1);
    if (bytes > 0)
        memcpy(metas, e->members + count, bytes);
    for (size_t i = 0; i < count; i++) {
        describe(e, &e->members[i], seen_ms, &list[i]);
        if (list[i].meta_length > 0)
            list[i].meta = metas + e->members[i].meta_at;
    }
    return list;
}

int irx_election_members(irx_election *e, irx_member_info **members, size_t *count)
{
    *members = NULL;
    *count = 0;
    int failed = irx__enter(e);
    if (failed)
        return failed;
    pthread_mutex_lock(&e->lock);
    *members = describe_all(e);
    if (*members)
        *count = e->member_count;
    pthread_mutex_unlock(&e->lock);
    return *members ? 0 : IRX_ENOMEM;
}

void irx_members_free(irx_member_info *members)
{
    free(members);
}
