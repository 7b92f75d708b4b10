/* Decides how a process lets others notice its death and say something to it: it listens on a
 * stream socket, and whoever connects sees a hang-up when the process ends, however it ends. A
 * hang-up proves nothing (the lock does); it only says when to look. What callers say are frames
 * (local_frame.c); one who says anything else is hung up on. The socket's path is short whatever
 * the directory's: it goes through the opened directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "medium/local.h"
#include "runtime/error.h"

enum { BACKLOG = 1024, LINE_FILE_MAX = 40, READ_ROOM = 16384 };

static void line_file(irx_id line, char file[LINE_FILE_MAX])
{
    char digits[33];
    irx_id_print(line, digits);
    snprintf(file, LINE_FILE_MAX, "~%s", digits);
}

static bool address_of(const irx__local_root *root, const char *file, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
#ifdef __linux__
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s",
                          root->fd, file);
#else
    int length = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", root->path, file);
#endif
    return length < (int)sizeof address->sun_path;
}

static int make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        close(fd);
        return -1;
    }
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
    return fd;
}

int irx__local_line_call(const irx__local_root *root, irx_id line)
{
    char file[LINE_FILE_MAX];
    struct sockaddr_un address;
    line_file(line, file);
    int fd = address_of(root, file, &address) ? make_socket() : -1;
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

/* ---- who calls us ---------------------------------------------------------------------------- */

static void hang_up(irx__local_listener *listener)
{
    irx__local_listener **link = &listener->medium->listeners;
    while (*link != listener)
        link = &(*link)->next;
    *link = listener->next;
    ev_io_stop(listener->medium->config.loop, &listener->readable);
    close(listener->fd);
    free(listener->come);
    free(listener);
}

/* Room for what is to come: a frame of `size`, and some more where frames are small. */
static bool make_room(irx__local_listener *listener, size_t size)
{
    size_t room = size > READ_ROOM ? size : READ_ROOM;
    if (listener->room >= room)
        return true;
    unsigned char *come = realloc(listener->come, room);
    if (!come)
        return false;
    listener->come = come;
    listener->room = room;
    return true;
}

/* Takes the whole frames out of what came. False: it is none of ours. */
static bool take_frames(irx__local_listener *listener)
{
    size_t at = 0;
    irx__frame frame;
    irx__framed framed;
    while ((framed = irx__frame_read(listener->come + at, listener->count - at, &frame)) ==
           IRX__FRAMED) {
        irx__local_take_frame(listener->medium, &frame);
        at += frame.size;
    }
    listener->count -= at;
    memmove(listener->come, listener->come + at, listener->count);
    if (framed == IRX__FRAMED_PARTLY && listener->count > 0)
        return make_room(listener, frame.size);
    /* Most callers are silent for most of the time. */
    free(listener->come);
    listener->come = NULL;
    listener->room = 0;
    return framed != IRX__FRAMED_FOREIGN;
}

/* One reading at a time, so that one caller does not keep the loop from the others. */
static void on_listener(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    irx__local_listener *listener = watcher->data;
    (void)loop;
    (void)events;
    if (!make_room(listener, IRX__FRAME_HEAD)) {
        hang_up(listener);
        return;
    }
    ssize_t got =
        recv(listener->fd, listener->come + listener->count, listener->room - listener->count, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    listener->count += got > 0 ? (size_t)got : 0;
    if (got <= 0 || !take_frames(listener))
        hang_up(listener);
}

static void on_call(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    irx_medium *medium = watcher->data;
    (void)events;
    int fd = accept(medium->line_fd, NULL, NULL);
    if (fd < 0) {
        /* Out of descriptors, say. Callers wait in the backlog, and see a hang-up from there too;
         * what they say waits with them. */
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            ev_io_stop(loop, watcher);
        return;
    }
    irx__local_listener *listener = malloc(sizeof *listener);
    if (!listener || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        free(listener);
        close(fd);
        return;
    }
    *listener = (irx__local_listener){.next = medium->listeners, .medium = medium, .fd = fd};
    medium->listeners = listener;
    ev_io_init(&listener->readable, on_listener, fd, EV_READ);
    listener->readable.data = listener;
    ev_io_start(loop, &listener->readable);
}

/* ---- our own line ---------------------------------------------------------------------------- */

/* Removes the sockets of processes that are gone. One is named only after it listens, so refusal
 * means death. */
static void sweep(const irx__local_root *root)
{
    int fd = openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        irx_id line;
        if (entry->d_name[0] != '~' || !irx_id_parse(entry->d_name + 1, &line))
            continue;
        int other = irx__local_line_call(root, line);
        if (other >= 0)
            close(other);
        else if (errno == ECONNREFUSED)
            unlinkat(root->fd, entry->d_name, 0);
    }
    closedir(directory);
}

static bool listen_at(irx_medium *medium, const char *file)
{
    char beside[LINE_FILE_MAX + 4];
    struct sockaddr_un address;
    snprintf(beside, sizeof beside, "%s.new", file);
    if (!address_of(&medium->root, beside, &address) ||
        bind(medium->line_fd, (struct sockaddr *)&address, sizeof address) != 0)
        return false;
    /* Whatever the umask says: nobody else says anything here. */
    if (fchmodat(medium->root.fd, beside, 0600, 0) == 0 && listen(medium->line_fd, BACKLOG) == 0 &&
        renameat(medium->root.fd, beside, medium->root.fd, file) == 0)
        return true;
    unlinkat(medium->root.fd, beside, 0);
    return false;
}

/* Once: watchers ask, and messages may be lost. */
static void warn(irx_medium *medium, int number)
{
    const irx_sink *sink = &medium->config.sink;
    irx_error warning;
    if (medium->is_mute)
        return;
    medium->is_mute = true;
    irx__error_set(
        &warning, IRX_ESYSTEM,
        "no socket in %s (%s): deaths are noticed later than they could be, and messages "
        "do not reach this process",
        medium->root.path, strerror(number));
    sink->warning(sink->owner, &warning);
}

void irx__local_line_open(irx_medium *medium)
{
    char file[LINE_FILE_MAX];
    sweep(&medium->root);
    line_file(medium->line, file);
    medium->line_fd = make_socket();
    if (medium->line_fd < 0 || !listen_at(medium, file)) {
        int number = errno;
        if (medium->line_fd >= 0)
            close(medium->line_fd);
        medium->line_fd = -1;
        warn(medium, number);
        return;
    }
    ev_io_init(&medium->called, on_call, medium->line_fd, EV_READ);
    medium->called.data = medium;
    ev_io_start(medium->config.loop, &medium->called);
}

void irx__local_line_listen(irx_medium *medium)
{
    if (medium->line_fd >= 0)
        ev_io_start(medium->config.loop, &medium->called);
}

void irx__local_line_close(irx_medium *medium)
{
    char file[LINE_FILE_MAX];
    while (medium->listeners)
        hang_up(medium->listeners);
    irx__messages_drop(&medium->inbox, NULL);
    if (medium->line_fd < 0)
        return;
    line_file(medium->line, file);
    if (medium->root.fd >= 0)
        unlinkat(medium->root.fd, file, 0);
    ev_io_stop(medium->config.loop, &medium->called);
    close(medium->line_fd);
    medium->line_fd = -1;
}
