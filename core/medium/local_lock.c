/* Decides who is present: the kernel ends a flock when the last descriptor of it closes, so a
 * session is present exactly as long as its file is locked. The descriptors are closed on exec, and
 * in a forked child by `forked`; a living process unlocks before it closes, so that a copy in a
 * child can not keep what was given up. It must never block. */
#include "medium/local_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "medium/local_files.h"
#include "medium/local_text.h"
#include "runtime/error.h"

enum { FILE_PATH_MAX = IRX__LOCAL_NAME_MAX + 48 };

static void session_file(const char *election, irx_id session, char file[FILE_PATH_MAX])
{
    char digits[33];
    irx_id_print(session, digits);
    snprintf(file, FILE_PATH_MAX, "%s/%s", election, digits);
}

static bool is_at(const irx__local_root *root, const char *file, int fd)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && fstatat(root->fd, file, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

static void release(int *fd)
{
    if (*fd < 0)
        return;
    flock(*fd, LOCK_UN);
    close(*fd);
    *fd = -1;
}

/* ---- the lock file --------------------------------------------------------------------------- */

int irx__local_lock(const irx__local_root *root, const char *election, int *fd, irx_error *error)
{
    char file[FILE_PATH_MAX];
    snprintf(file, sizeof file, "%s/lock", election);
    /* Read-only is enough for a flock, and its closing is no event for those who listen. */
    int flags = O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    for (int round = 0; round < 2; round++) {
        *fd = openat(root->fd, file, flags, 0600);
        if (*fd < 0)
            return irx__local_fail(error, errno, "open", root->path, file);
        if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
            int number = errno;
            close(*fd);
            *fd = -1;
            return number == EWOULDBLOCK ? 1
                                         : irx__local_fail(error, number, "lock", root->path, file);
        }
        if (is_at(root, file, *fd))
            return 0;
        release(fd); /* it was replaced between opening and locking */
    }
    return 1;
}

void irx__local_unlock(int *fd)
{
    release(fd);
}

/* ---- presence -------------------------------------------------------------------------------- */

bool irx__local_presence_stands(const irx__local_root *root, const char *election,
                                const irx__local_presence *presence)
{
    char file[FILE_PATH_MAX];
    session_file(election, presence->session, file);
    return presence->fd >= 0 && is_at(root, file, presence->fd);
}

/* The descriptor goes into *presence at once: a fork at any later moment finds it there. */
static int lock_session(const irx__local_root *root, const char *file,
                        irx__local_presence *presence, irx_id socket, irx_error *error)
{
    char digits[34];
    presence->fd = openat(root->fd, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (presence->fd < 0)
        return irx__local_fail(error, errno, "make", root->path, file);
    if (flock(presence->fd, LOCK_EX | LOCK_NB) != 0) {
        int number = errno;
        close(presence->fd);
        presence->fd = -1;
        return number == EWOULDBLOCK
                   ? irx__error_set(error, IRX_EUNAVAILABLE, "%s/%s is locked by another process",
                                    root->path, file)
                   : irx__local_fail(error, number, "lock", root->path, file);
    }
    irx_id_print(socket, digits);
    digits[32] = '\n';
    digits[33] = '\0';
    if (ftruncate(presence->fd, 0) == 0 && irx__local_write(presence->fd, digits, 33))
        return 0;
    int code = irx__local_fail(error, errno, "write", root->path, file);
    unlinkat(root->fd, file, 0);
    release(&presence->fd);
    return code;
}

int irx__local_presence_take(const irx__local_root *root, const char *election,
                             irx__local_presence *presence, irx_id session, irx_id socket,
                             irx_error *error)
{
    char file[FILE_PATH_MAX];
    if (!irx_id_equal(presence->session, session))
        irx__local_presence_drop(root, election, presence);
    else if (irx__local_presence_stands(root, election, presence))
        return 0;
    release(&presence->fd);
    session_file(election, session, file);
    int code = lock_session(root, file, presence, socket, error);
    presence->session = code == 0 ? session : (irx_id){0, 0};
    return code;
}

/* Closing what was open for writing is an event; the lock belongs to another description. */
void irx__local_presence_ring(const irx__local_root *root, const char *election, irx_id session)
{
    char file[FILE_PATH_MAX];
    session_file(election, session, file);
    int fd = openat(root->fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        close(fd);
}

void irx__local_presence_drop(const irx__local_root *root, const char *election,
                              irx__local_presence *presence)
{
    char file[FILE_PATH_MAX];
    if (presence->fd >= 0 && root->fd >= 0) {
        session_file(election, presence->session, file);
        unlinkat(root->fd, file, 0);
    }
    release(&presence->fd);
    presence->session = (irx_id){0, 0};
}

int irx__local_presence_ended(const irx__local_root *root, const char *election, irx_id session,
                              irx_error *error)
{
    char file[FILE_PATH_MAX];
    session_file(election, session, file);
    int fd = openat(root->fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 1 : irx__local_fail(error, errno, "open", root->path, file);
    int code = 1;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        code = errno == EWOULDBLOCK ? 0 : irx__local_fail(error, errno, "lock", root->path, file);
    release(&fd);
    return code;
}

int irx__local_presence_line(const irx__local_root *root, const char *election, irx_id session,
                             irx_id *line)
{
    char file[FILE_PATH_MAX];
    char *text;
    irx_error error;
    session_file(election, session, file);
    int code = irx__local_read(root->fd, file, 64, &text, root->path, &error);
    if (code != 0)
        return code;
    text[strcspn(text, "\n")] = '\0';
    bool is_named = irx_id_parse(text, line);
    free(text);
    return is_named ? 0 : 1;
}

void irx__local_presence_clear(const irx__local_root *root, const char *election, irx_id session)
{
    char file[FILE_PATH_MAX];
    session_file(election, session, file);
    unlinkat(root->fd, file, 0);
}
