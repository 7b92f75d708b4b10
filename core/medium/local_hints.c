/* Decides what in an election's directory is worth a hint: a new record or published value, and a
 * session's file that went or was closed, which may be a death (whoever watches that session looks
 * at once) or a row that says something new (irx__local_presence_ring). Where
 * the kernel has no such events, or no room for them, hints do not come and the members' polls
 * suffice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "medium/local.h"
#include "runtime/error.h"

#ifdef __linux__
#include <sys/inotify.h>

#define EVENTS                                                                                     \
    (IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* One that others have to know of when it is replaced. */
static bool is_told(const struct inotify_event *event)
{
    return strcmp(event->name, "record") == 0 || strcmp(event->name, "value") == 0;
}

static void note(irx__local_seat *seat, const struct inotify_event *event)
{
    irx_id session;
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW)) {
        if (event->mask & IN_IGNORED)
            seat->wd = -1;
        seat->hinted = true;
        irx__local_watch_heard(seat);
        return;
    }
    if (event->len == 0)
        return;
    if (irx_id_parse(event->name, &session)) {
        seat->hinted = true;
        if (irx_id_equal(session, seat->watched))
            irx__local_watch_heard(seat);
    } else if ((event->mask & IN_MOVED_TO) && is_told(event)) {
        seat->hinted = true;
    }
}

static void tell(irx_medium *medium)
{
    const irx_sink *sink = &medium->config.sink;
    bool closed = false;
    bool more = true;
    medium->closed = &closed;
    while (more) {
        irx__local_seat *seat = medium->seats;
        while (seat && !seat->hinted)
            seat = seat->next;
        more = seat != NULL;
        if (!seat)
            break;
        seat->hinted = false;
        if (medium->channels[IRX_CHANNEL_COMMAND].up)
            sink->hint(sink->owner, seat->seat);
        if (closed)
            return;
    }
    medium->closed = NULL;
}

static void on_heard(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    irx_medium *medium = watcher->data;
    char buffer[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    (void)loop;
    (void)events;
    ssize_t length = read(medium->inotify_fd, buffer, sizeof buffer);
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        for (irx__local_seat *seat = medium->seats; seat; seat = seat->next)
            if (event->wd == -1 || event->wd == seat->wd)
                note(seat, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    tell(medium);
}

/* Once: polls suffice, later. */
static void warn(irx_medium *medium, const char *what)
{
    const irx_sink *sink = &medium->config.sink;
    irx_error warning;
    if (medium->is_deaf)
        return;
    medium->is_deaf = true;
    irx__error_set(&warning, IRX_ESYSTEM,
                   "%s: %s; changes in %s are noticed later than they could be (see "
                   "/proc/sys/fs/inotify)",
                   what, strerror(errno), medium->root.path);
    sink->warning(sink->owner, &warning);
}

static void open_hints(irx_medium *medium)
{
    medium->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (medium->inotify_fd < 0) {
        warn(medium, "inotify_init1");
        return;
    }
    ev_io_init(&medium->heard, on_heard, medium->inotify_fd, EV_READ);
    medium->heard.data = medium;
    ev_io_start(medium->config.loop, &medium->heard);
}

void irx__local_hints_close(irx_medium *medium)
{
    if (medium->inotify_fd < 0)
        return;
    ev_io_stop(medium->config.loop, &medium->heard);
    close(medium->inotify_fd);
    medium->inotify_fd = -1;
}

void irx__local_hints_listen(irx__local_seat *seat)
{
    char path[sizeof seat->medium->root.path + IRX__LOCAL_NAME_MAX + 1];
    if (seat->wd >= 0 || seat->medium->inotify_fd < 0)
        return;
    snprintf(path, sizeof path, "%s/%s", seat->medium->root.path, seat->path);
    seat->wd = inotify_add_watch(seat->medium->inotify_fd, path, EVENTS);
    if (seat->wd < 0 && errno != ENOENT)
        warn(seat->medium, "inotify_add_watch");
}

/* Seats of one name share one wd. */
void irx__local_hints_ignore(irx__local_seat *seat)
{
    int wd = seat->wd;
    seat->wd = -1;
    for (const irx__local_seat *other = seat->medium->seats; other; other = other->next)
        if (other->wd == wd)
            return;
    if (wd >= 0)
        inotify_rm_watch(seat->medium->inotify_fd, wd);
}

#else

static void open_hints(irx_medium *medium)
{
    medium->inotify_fd = -1;
}

void irx__local_hints_close(irx_medium *medium)
{
    (void)medium;
}

void irx__local_hints_listen(irx__local_seat *seat)
{
    (void)seat;
}

void irx__local_hints_ignore(irx__local_seat *seat)
{
    (void)seat;
}

#endif

/* A new descriptor has no old events. */
void irx__local_hints_renew(irx_medium *medium)
{
    irx__local_hints_close(medium);
    for (irx__local_seat *seat = medium->seats; seat; seat = seat->next)
        seat->wd = -1;
    open_hints(medium);
}
