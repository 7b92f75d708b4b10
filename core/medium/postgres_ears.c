/* What is heard on the connection for presence: a channel of this process, and one per election,
 * whose LISTENs follow the seats that come and go. Decides which seats a notification is for, and
 * nothing about its meaning; it must never let through what is not of the form that we say. */
#include "medium/base64.h"
#include "medium/postgres_internal.h"
#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `LISTEN "…";`, the longer `UNLISTEN "…";`, or the lock. */
enum { CLAUSE_MAX = IRX_PG_CHANNEL_MAX + 32 };

/* ---- ears -------------------------------------------------------------------------------------
 */

static void name_channel(const irx_medium *medium, irx__pg_ear *ear)
{
    irx__pg_election_channel(medium->ledger_oid, ear->name, ear->channel);
}

/* Without a seat it is kept only until the server has been told. */
static void free_unused(irx_medium *medium)
{
    irx__pg_ear **link = &medium->ears;
    while (*link != NULL) {
        irx__pg_ear *ear = *link;
        if (ear->seats == 0 && !ear->listens && ear->asked == IRX_PG_ASKED_NOTHING) {
            *link = ear->next;
            free(ear);
        } else {
            link = &ear->next;
        }
    }
}

irx__pg_ear *irx__pg_ear_open(irx_medium *medium, const char *name)
{
    irx__pg_ear *ear = medium->ears;
    while (ear != NULL && strcmp(ear->name, name) != 0) {
        ear = ear->next;
    }
    if (ear == NULL) {
        ear = calloc(1, sizeof *ear);
        if (ear == NULL) {
            return NULL;
        }
        snprintf(ear->name, sizeof ear->name, "%s", name);
        name_channel(medium, ear);
        ear->next = medium->ears;
        medium->ears = ear;
    }
    ear->seats++;
    irx__pg_later(medium);
    return ear;
}

void irx__pg_ear_close(irx_medium *medium, irx__pg_ear *ear)
{
    ear->seats--;
    free_unused(medium);
    irx__pg_later(medium);
}

void irx__pg_ears_rename(irx_medium *medium)
{
    for (irx__pg_ear *ear = medium->ears; ear != NULL; ear = ear->next) {
        name_channel(medium, ear);
        ear->listens = false;
        ear->asked = IRX_PG_ASKED_NOTHING; /* whatever is under way is about the old name */
    }
    irx__pg_later(medium);
}

void irx__pg_ears_forget(irx_medium *medium)
{
    for (irx__pg_ear *ear = medium->ears; ear != NULL; ear = ear->next) {
        ear->listens = false;
        ear->asked = IRX_PG_ASKED_NOTHING;
    }
    free_unused(medium);
}

void irx__pg_ears_free(irx_medium *medium)
{
    while (medium->ears != NULL) {
        irx__pg_ear *next = medium->ears->next;
        free(medium->ears);
        medium->ears = next;
    }
}

/* ---- listening --------------------------------------------------------------------------------
 */

static irx__pg_asked due(const irx__pg_ear *ear)
{
    if (ear->asked != IRX_PG_ASKED_NOTHING || ear->listens == (ear->seats > 0)) {
        return IRX_PG_ASKED_NOTHING;
    }
    return ear->listens ? IRX_PG_ASKED_UNLISTEN : IRX_PG_ASKED_LISTEN;
}

/* One clause for every ear where something is due, behind `begin`; false where there is none, or no
 * memory, which fails the connection. */
static bool say_due(irx_medium *medium, const char *begin)
{
    irx__pg_connection *connection = irx__pg_presence(medium);
    size_t count = 0;
    size_t room;
    size_t used;
    char *text;

    for (const irx__pg_ear *ear = medium->ears; ear != NULL; ear = ear->next) {
        count += due(ear) != IRX_PG_ASKED_NOTHING;
    }
    if (count == 0 && begin[0] == '\0') {
        return false;
    }
    room = strlen(begin) + count * CLAUSE_MAX + 1;
    text = malloc(room);
    if (text == NULL) {
        irx_error error;
        irx__error_set(&error, IRX_ENOMEM, "%.160s: out of memory", medium->config.url->shown);
        irx__pg_fail(connection, &error);
        return false;
    }
    used = (size_t)snprintf(text, room, "%s", begin);
    for (irx__pg_ear *ear = medium->ears; ear != NULL; ear = ear->next) {
        irx__pg_asked what = due(ear);
        if (what != IRX_PG_ASKED_NOTHING) {
            ear->asked = what;
            used +=
                (size_t)snprintf(text + used, room - used, "%s \"%s\";",
                                 what == IRX_PG_ASKED_LISTEN ? "LISTEN" : "UNLISTEN", ear->channel);
        }
    }
    irx__pg_say(connection, text);
    free(text);
    return true;
}

void irx__pg_listen_all(irx_medium *medium)
{
    char own[IRX_PG_CHANNEL_MAX];
    char begin[2 * CLAUSE_MAX];

    medium->process = irx__random_id();
    irx__pg_process_channel(medium->process, own);
    irx__pg_ears_forget(medium);
    snprintf(begin, sizeof begin, "SELECT pg_advisory_lock(%lld); LISTEN \"%s\";",
             (long long)irx__pg_process_key(medium->process), own);
    say_due(medium, begin);
}

void irx__pg_listen(irx_medium *medium)
{
    const irx__pg_connection *connection = irx__pg_presence(medium);
    if (connection->state == IRX_PG_READY && !connection->busy) {
        say_due(medium, "");
    }
}

/* Pushes before a LISTEN were lost: listen, then read. */
static void hint_new(irx_medium *medium)
{
    const irx_sink *sink = &medium->config.sink;
    uint64_t serial = irx__pg_presence(medium)->serial;
    for (irx__pg_seat *seat = medium->seats; seat != NULL; seat = medium->cursor) {
        medium->cursor = seat->next;
        if (seat->ear->news) {
            sink->hint(sink->owner, seat->seat);
            if (irx__pg_presence(medium)->serial != serial) {
                return;
            }
        }
    }
}

void irx__pg_listening(irx_medium *medium, bool first)
{
    for (irx__pg_ear *ear = medium->ears; ear != NULL; ear = ear->next) {
        ear->news = ear->asked == IRX_PG_ASKED_LISTEN;
        if (ear->asked != IRX_PG_ASKED_NOTHING) {
            ear->listens = ear->asked == IRX_PG_ASKED_LISTEN;
            ear->asked = IRX_PG_ASKED_NOTHING;
        }
    }
    free_unused(medium);
    irx__pg_later(medium); /* more may have become due meanwhile */
    if (!first) {
        hint_new(medium);
    }
}

/* ---- hearing ----------------------------------------------------------------------------------
 */

/* Nothing said is a hint: look. */
static void tell_seats(irx_medium *medium, const char *channel, const void *bytes, size_t length)
{
    const irx_sink *sink = &medium->config.sink;
    uint64_t serial = irx__pg_presence(medium)->serial;
    for (irx__pg_seat *seat = medium->seats; seat != NULL; seat = medium->cursor) {
        medium->cursor = seat->next;
        if (strcmp(seat->ear->channel, channel) != 0) {
            continue;
        }
        if (length == 0) {
            sink->hint(sink->owner, seat->seat);
        } else {
            sink->message(sink->owner, seat->seat, bytes, length);
        }
        if (irx__pg_presence(medium)->serial != serial) {
            return;
        }
    }
}

void irx__pg_heard(irx_medium *medium, const char *channel, const char *payload)
{
    const irx_sink *sink = &medium->config.sink;
    unsigned char bytes[IRX_PG_PAYLOAD_MAX];
    char own[IRX_PG_CHANNEL_MAX];
    size_t length;

    if (!irx__base64_decode(payload, bytes, sizeof bytes, &length)) {
        return; /* nobody of ours says so */
    }
    irx__pg_process_channel(medium->process, own);
    if (strcmp(channel, own) != 0) {
        tell_seats(medium, channel, bytes, length);
    } else if (length > 0) {
        sink->message(sink->owner, NULL, bytes, length);
    }
}
