/* Decides whom a message reaches: one session by the line that its presence file names, or every
 * session that is present at an election, each process once, which hands it to all its seats there.
 * What comes in waits for the loop's next turn, bounded. At most once: it must never say anything a
 * second time. */
#include <stdlib.h>
#include <string.h>

#include "medium/local.h"
#include "medium/local_election.h"
#include "medium/local_frame.h"

static bool is_at(const irx__local_seat *seat, const char *election, size_t length)
{
    return strlen(seat->path) == length && memcmp(seat->path, election, length) == 0;
}

static bool has_presence(const irx_medium *medium)
{
    return medium->channels[IRX_CHANNEL_PRESENCE].up;
}

/* To all seats of this process at an election. */
static void take_broadcast(irx_medium *medium, const char *election, size_t election_length,
                           const void *bytes, size_t length)
{
    for (irx__local_seat *seat = medium->seats; seat && has_presence(medium); seat = seat->next)
        if (is_at(seat, election, election_length))
            irx__messages_put(&medium->inbox, seat->seat, bytes, length);
    irx__local_wake(medium);
}

void irx__local_take_frame(irx_medium *medium, const irx__frame *frame)
{
    if (frame->election_length > 0) {
        take_broadcast(medium, frame->election, frame->election_length, frame->bytes,
                       frame->length);
        return;
    }
    irx__messages_put(&medium->inbox, NULL, frame->bytes, frame->length);
    irx__local_wake(medium);
}

/* To a session of this process. */
static int send_here(irx_medium *medium, const irx__call *call, const char *election)
{
    if (!has_presence(medium) || !irx__local_is_ours(medium, election, call->process))
        return IRX_ENOMEMBER;
    irx__local_wake(medium);
    return irx__messages_put(&medium->inbox, NULL, call->bytes, call->length);
}

static int send_to_one(irx_medium *medium, const irx__call *call, const char *election,
                       unsigned char *frame)
{
    /* Presence is a session's here. */
    irx_id line;
    int code = irx__local_presence_line(&medium->root, election, call->process, &line);
    if (code != 0)
        return code == 1 ? IRX_ENOMEMBER : code;
    if (irx_id_equal(line, medium->line))
        return send_here(medium, call, election);
    size_t size = irx__frame_write(NULL, call->bytes, call->length, frame);
    return irx__local_link_say(medium, line, 0, frame, size);
}

typedef struct broadcast {
    irx_medium *medium;
    const char *election;
    const unsigned char *frame;
    size_t size;
} broadcast;

static void say_to_process_of(void *argument, irx_id session)
{
    const broadcast *b = argument;
    irx_medium *medium = b->medium;
    if (irx__local_is_ours(medium, b->election, session))
        return;
    irx_id line;
    if (irx__local_presence_line(&medium->root, b->election, session, &line) == 0 &&
        !irx_id_equal(line, medium->line))
        irx__local_link_say(medium, line, medium->round, b->frame, b->size);
}

static int send_to_all(irx_medium *medium, const irx__call *call, const char *election,
                       unsigned char *frame)
{
    broadcast b = {.medium = medium, .election = election, .frame = frame};
    b.size = irx__frame_write(election, call->bytes, call->length, frame);
    medium->round++;
    take_broadcast(medium, election, strlen(election), call->bytes, call->length);
    irx_error why;
    return irx__local_each_session(&medium->root, election, say_to_process_of, &b, &why);
}

int irx__local_send(irx_medium *medium, const irx__call *call)
{
    const irx__local_seat *seat = call->seat->data;
    irx_error why;
    int code = medium->is_checked ? 0 : irx__local_check(medium, &why);
    if (code != 0)
        return code;
    unsigned char *frame = malloc(IRX__FRAME_MAX);
    if (!frame)
        return IRX_ENOMEM;
    if (irx_id_none(call->to))
        code = send_to_all(medium, call, seat->path, frame);
    else
        code = send_to_one(medium, call, seat->path, frame);
    free(frame);
    return code;
}

void irx__local_tell_messages(irx_medium *medium, const bool *closed)
{
    const irx_sink *sink = &medium->config.sink;
    /* What comes in meanwhile has its turn later. */
    for (size_t most = medium->inbox.count; most > 0 && medium->inbox.first; most--) {
        irx__message_kept *message = irx__messages_take(&medium->inbox);
        sink->message(sink->owner, message->seat, message->bytes, message->length);
        free(message);
        if (*closed)
            return;
    }
    if (medium->inbox.first)
        irx__local_wake(medium);
}
