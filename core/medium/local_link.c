/* Decides how long a connection to another process's line lives, and what is written to it. It is
 * made for whoever wants to hear of that process's end or to say something to it, and then serves
 * both; what does not fit at once waits here, bounded, so a process that does not read stops
 * nobody. Once something was said, it stays until the other end closes: two connections could swap
 * what is said. It must never wait. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "medium/local.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set instead */
#endif

static void end_link(irx__local_link *link)
{
    irx__local_link **at = &link->medium->links;
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    ev_io_stop(link->medium->config.loop, &link->readable);
    ev_io_stop(link->medium->config.loop, &link->writable);
    close(link->fd);
    irx__messages_drop(&link->out, NULL);
    free(link->written);
    free(link);
}

/* Nobody ever says anything on this end: whatever is to be read is its end. */
static void on_hang_up(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    irx__local_link *link = watcher->data;
    irx_medium *medium = link->medium;
    (void)loop;
    (void)events;
    for (irx__local_seat *seat = medium->seats; seat; seat = seat->next)
        if (seat->link == link) {
            seat->link = NULL;
            irx__local_watch_heard(seat);
        }
    end_link(link);
}

static void flush(irx__local_link *link);

static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    flush(watcher->data);
}

static irx__local_link *find(const irx_medium *medium, irx_id line)
{
    irx__local_link *link = medium->links;
    while (link && !irx_id_equal(link->line, line))
        link = link->next;
    return link;
}

static irx__local_link *make(irx_medium *medium, irx_id line)
{
    int fd = irx__local_line_call(&medium->root, line);
    if (fd < 0)
        return NULL;
    irx__local_link *link = malloc(sizeof *link);
    if (!link) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    *link = (irx__local_link){.next = medium->links, .medium = medium, .line = line, .fd = fd};
    medium->links = link;
    ev_io_init(&link->readable, on_hang_up, fd, EV_READ);
    ev_io_init(&link->writable, on_writable, fd, EV_WRITE);
    link->readable.data = link->writable.data = link;
    ev_io_start(medium->config.loop, &link->readable);
    return link;
}

/* ---- who listens for its end ----------------------------------------------------------------- */

bool irx__local_link_join(irx__local_seat *seat, irx_id line)
{
    irx__local_link *link = find(seat->medium, line);
    if (!link)
        link = make(seat->medium, line);
    if (link)
        link->users++;
    seat->link = link;
    return link != NULL;
}

void irx__local_link_leave(irx__local_seat *seat)
{
    irx__local_link *link = seat->link;
    seat->link = NULL;
    if (link && --link->users == 0 && !link->is_spoken)
        end_link(link);
}

void irx__local_links_close(irx_medium *medium)
{
    while (medium->links)
        end_link(medium->links);
}

/* ---- who speaks on it ------------------------------------------------------------------------ */

/* What was begun is finished before anything else, and never dropped: the other end could not tell
 * where the next one begins. */
static void flush(irx__local_link *link)
{
    struct ev_loop *loop = link->medium->config.loop;
    while (!link->is_broken &&
           (link->written || (link->written = irx__messages_take(&link->out)))) {
        const irx__message_kept *now = link->written;
        ssize_t sent = send(link->fd, now->bytes + link->at, now->length - link->at, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
            ev_io_start(loop, &link->writable);
            return;
        }
        /* The other end is gone: that is heard in a moment. */
        link->is_broken = sent < 0;
        link->at += sent > 0 ? (size_t)sent : 0;
        if (link->at == now->length) {
            free(link->written);
            link->written = NULL;
            link->at = 0;
        }
    }
    ev_io_stop(loop, &link->writable);
}

static int meaning(int number)
{
    switch (number) {
    case ENOENT:
    case ECONNREFUSED: return IRX_ENOMEMBER;
    case ENOMEM: return IRX_ENOMEM;
    default: return IRX_EUNAVAILABLE;
    }
}

int irx__local_link_say(irx_medium *medium, irx_id line, uint64_t round, const void *frame,
                        size_t size)
{
    irx__local_link *link = find(medium, line);
    if (!link)
        link = make(medium, line);
    if (!link)
        return meaning(errno);
    if (round != 0 && link->round == round)
        return 0;
    link->round = round;
    link->is_spoken = true;
    if (link->is_broken)
        return IRX_ENOMEMBER;
    int code = irx__messages_put(&link->out, NULL, frame, size);
    if (code == 0)
        flush(link);
    return code == 0 && link->is_broken ? IRX_ENOMEMBER : code;
}
