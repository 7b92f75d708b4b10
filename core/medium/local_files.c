/* Decides how small files are read and replaced so that nobody ever sees half of one: written
 * beside, then renamed. A file system that tears files at a power cut may leave an empty one, which
 * counts as none. It must never wait. */
#include "medium/local_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/error.h"

static int meaning(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EMLINK: return IRX_EFULL;
    case EROFS:
    case EACCES:
    case EPERM:
    case ENOENT:
    case ENOTDIR:
    case EIO: return IRX_EUNAVAILABLE;
    case ENOMEM: return IRX_ENOMEM;
    default: return IRX_ESYSTEM;
    }
}

int irx__local_fail(irx_error *error, int number, const char *doing, const char *where,
                    const char *file)
{
    return irx__error_set(error, meaning(number), "can not %s %s%s%s: %s", doing, where,
                          *file ? "/" : "", file, strerror(number));
}

static int foreign(irx_error *error, const char *where, const char *file, const char *what)
{
    return irx__error_set(error, IRX_EFOREIGN, "%s/%s is not ours: %s; move it away", where, file,
                          what);
}

/* Reads up to `size` bytes; the number read, or -1. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        ssize_t got = read(fd, text + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

/* 0, 1 where there is no such file, or an error. */
static int open_plain(int directory, const char *file, int *fd, struct stat *stat,
                      const char *where, irx_error *error)
{
    *fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0 && errno == ENOENT)
        return 1;
    if (*fd < 0 && errno == ELOOP)
        return foreign(error, where, file, "a symbolic link");
    if (*fd < 0)
        return irx__local_fail(error, errno, "open", where, file);
    int code = 0;
    if (fstat(*fd, stat) != 0)
        code = irx__local_fail(error, errno, "look at", where, file);
    else if (!S_ISREG(stat->st_mode))
        code = foreign(error, where, file, "no plain file");
    if (code != 0)
        close(*fd);
    return code;
}

/* Reads up to `size` bytes and ends them with a zero: 0, 1 where there are none, or an error. */
static int read_text(int fd, char *text, size_t size, const char *where, const char *file,
                     irx_error *error)
{
    ssize_t length = read_all(fd, text, size);
    if (length < 0)
        return irx__local_fail(error, errno, "read", where, file);
    if (memchr(text, 0, (size_t)length))
        return foreign(error, where, file, "it carries a zero byte");
    text[length] = '\0';
    return length == 0;
}

static int read_whole(int fd, const char *file, size_t size, char **text, const char *where,
                      irx_error *error)
{
    char *whole = malloc(size + 1);
    if (!whole)
        return irx__local_fail(error, ENOMEM, "read", where, file);
    int code = read_text(fd, whole, size, where, file, error);
    if (code == 0)
        *text = whole;
    else
        free(whole);
    return code;
}

int irx__local_read(int directory, const char *file, size_t most, char **text, const char *where,
                    irx_error *error)
{
    struct stat stat;
    int fd;
    int code = open_plain(directory, file, &fd, &stat, where, error);
    if (code != 0)
        return code;
    if (stat.st_size < 0 || (uintmax_t)stat.st_size > most)
        code = foreign(error, where, file, "too large");
    else
        code = read_whole(fd, file, (size_t)stat.st_size, text, where, error);
    close(fd);
    return code;
}

int irx__local_read_head(int directory, const char *file, char *text, size_t room,
                         const char *where, irx_error *error)
{
    struct stat stat;
    int fd;
    int code = open_plain(directory, file, &fd, &stat, where, error);
    if (code != 0)
        return code;
    code = read_text(fd, text, room - 1, where, file, error);
    close(fd);
    return code;
}

bool irx__local_write(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

int irx__local_replace(int directory, const char *file, const char *text, size_t length,
                       const char *where, irx_error *error)
{
    char beside[512];
    int code = 0;
    snprintf(beside, sizeof beside, "%s.new", file);
    int fd = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return irx__local_fail(error, errno, "write", where, file);
    if (!irx__local_write(fd, text, length))
        code = irx__local_fail(error, errno, "write", where, file);
    if (close(fd) != 0 && code == 0)
        code = irx__local_fail(error, errno, "write", where, file);
    if (code == 0 && renameat(directory, beside, directory, file) != 0)
        code = irx__local_fail(error, errno, "replace", where, file);
    if (code != 0)
        unlinkat(directory, beside, 0);
    return code;
}
