/* Decides when to look whether a session's presence ended: at once, when its process's line hangs
 * up, and when something happens to its file; from time to time only where there is no line.
 * Whether it ended is for the lock to say. A death closes the line and the lock one after the
 * other, so a few looks follow each other closely. */
#include "medium/local.h"

enum { IMPATIENCE = 20 };
#define IMPATIENT_S 0.001

static void schedule(irx__local_seat *seat, double after_s)
{
    struct ev_loop *loop = seat->medium->config.loop;
    ev_timer_stop(loop, &seat->check);
    ev_timer_set(&seat->check, after_s, 0.);
    ev_timer_start(loop, &seat->check);
}

static bool join_link(irx__local_seat *seat)
{
    irx_id line;
    return irx__local_presence_line(&seat->medium->root, seat->path, seat->watched, &line) == 0 &&
           irx__local_link_join(seat, line);
}

static bool has_ended(const irx__local_seat *seat)
{
    const irx__local_root *root = &seat->medium->root;
    return root->fd >= 0 && irx__local_presence_ended(root, seat->path, seat->watched, NULL) == 1;
}

static void look(irx__local_seat *seat)
{
    const irx_sink *sink = &seat->medium->config.sink;
    bool ended = has_ended(seat);
    if (!ended && seat->impatience > 0) {
        seat->impatience--;
        schedule(seat, IMPATIENT_S);
        return;
    }
    /* It may have died before we were connected: look again afterwards. */
    if (!ended && !seat->link && join_link(seat))
        ended = has_ended(seat);
    if (!ended) {
        /* The line tells of a death, the directory's events of a presence that a living process
         * gave up. */
        if (!seat->link || seat->wd < 0)
            schedule(seat, (double)seat->every_ns / 1e9);
        return;
    }
    irx_id session = seat->watched;
    irx__local_unwatch(seat);
    sink->gone(sink->owner, seat->seat, session);
}

static void on_check(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    look(watcher->data);
}

void irx__local_watch_init(irx__local_seat *seat)
{
    ev_timer_init(&seat->check, on_check, 0., 0.);
    seat->check.data = seat;
}

void irx__local_watch(irx__local_seat *seat, irx_id session, int64_t every_ns)
{
    irx__local_unwatch(seat);
    seat->watched = session;
    seat->every_ns = every_ns;
    irx__local_hints_listen(seat);
    schedule(seat, 0.);
}

void irx__local_unwatch(irx__local_seat *seat)
{
    ev_timer_stop(seat->medium->config.loop, &seat->check);
    irx__local_link_leave(seat);
    seat->watched = (irx_id){0, 0};
    seat->impatience = 0;
}

void irx__local_watch_heard(irx__local_seat *seat)
{
    if (irx_id_none(seat->watched))
        return;
    seat->impatience = IMPATIENCE;
    schedule(seat, 0.);
}
