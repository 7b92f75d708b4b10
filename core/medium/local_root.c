/* Decides whether a directory may be trusted with elections, and whether it still is the one that
 * its epoch was drawn for. A directory of another user, or one where everybody may write, could be
 * made to show anything: it is refused. An epoch belongs to one device and inode: a directory that
 * was removed, moved in from elsewhere or restored from a copy gets a new one.
 *
 *     <base>/                    0700, $INTERREX_DIR or /tmp/interrex-<uid>
 *     <base>/<namespace>/        the opened directory
 *         ~epoch                 "interrex-epoch 1 <epoch> <device> <inode>"
 *         ~<32 digits>           a socket for each living process (local_line.c), 0600
 *         <election>/record      replaced by rename (local_text.c)
 *         <election>/members     the member table, likewise (local_table_text.c)
 *         <election>/value       the published value, likewise (local_value_text.c)
 *         <election>/lock        flock-ed during each operation that writes
 *         <election>/<session>   flock-ed by the session for as long as it is present
 * (local_lock.c) */
#include "medium/local_root.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "medium/local_files.h"
#include "medium/local_text.h"
#include "runtime/error.h"

#define EPOCH_FILE "~epoch"

enum { EPOCH_TEXT_MAX = 128 };

int irx__local_root_name(irx__local_root *root, const irx_url *url, const char *namespace_name,
                         irx_error *error)
{
    const char *named = url->path[0] ? url->path : getenv("INTERREX_DIR");
    char namespace_path[IRX__LOCAL_NAME_MAX];
    int length;
    *root = (irx__local_root){.fd = -1};
    root->is_default = !named || !*named;
    if (root->is_default)
        length = snprintf(root->base, sizeof root->base, "/tmp/interrex-%u", (unsigned)geteuid());
    else
        length = snprintf(root->base, sizeof root->base, "%s", named);
    if (length >= (int)sizeof root->base)
        return irx__error_set(error, IRX_ECONFIG,
                              "the directory of \"%s\" has %d bytes; at most %zu are possible",
                              url->shown, length, sizeof root->base - 1);
    if (root->base[0] != '/')
        return irx__error_set(error, IRX_ECONFIG,
                              "INTERREX_DIR=\"%s\" must be an absolute path (it begins with /)",
                              root->base);
    irx__local_name(namespace_name, namespace_path);
    snprintf(root->path, sizeof root->path, "%s/%s", root->base, namespace_path);
    return 0;
}

void irx__local_root_close(irx__local_root *root)
{
    if (root->fd >= 0)
        close(root->fd);
    root->fd = -1;
}

static int check_owner(int fd, const char *path, irx_error *error)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return irx__local_fail(error, errno, "look at", path, "");
    if (stat.st_uid != geteuid() && stat.st_uid != 0)
        return irx__error_set(error, IRX_EAUTH,
                              "directory %s belongs to user %u, not to user %u who runs this: "
                              "name another one (local:///dir)",
                              path, (unsigned)stat.st_uid, (unsigned)geteuid());
    if (stat.st_mode & S_IWOTH)
        return irx__error_set(error, IRX_EAUTH,
                              "directory %s may be written by everybody (mode %04o), who could "
                              "forge a leader: use a directory of your own, or chmod o-w",
                              path, (unsigned)(stat.st_mode & 07777));
    return 0;
}

/* Opens one directory under `at`, which it makes where it is missing. The descriptor, or a negative
 * IRX_E…. */
static int open_directory(int at, const char *path, const char *shown, int extra_flags,
                          irx_error *error)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | extra_flags;
    int fd = openat(at, path, flags);
    if (fd < 0 && errno == ENOENT) {
        if (mkdirat(at, path, 0700) != 0 && errno != EEXIST)
            return irx__local_fail(error, errno, "make directory", shown, "");
        fd = openat(at, path, flags);
    }
    if (fd < 0)
        return irx__local_fail(error, errno, "open directory", shown, "");
    int code = check_owner(fd, shown, error);
    if (code != 0) {
        close(fd);
        return code;
    }
    return fd;
}

/* ---- epoch ----------------------------------------------------------------------------------- */

static void print_identity(const irx__local_root *root, irx_id epoch, char text[EPOCH_TEXT_MAX])
{
    char digits[33];
    irx_id_print(epoch, digits);
    snprintf(text, EPOCH_TEXT_MAX, "interrex-epoch 1 %s %ju %ju\n", digits, (uintmax_t)root->device,
             (uintmax_t)root->inode);
}

/* 0 with *epoch, 1 where it is missing or belongs to another directory. */
static int read_epoch(const irx__local_root *root, irx_id *epoch, irx_error *error)
{
    static const char title[] = "interrex-epoch 1 ";
    char expected[EPOCH_TEXT_MAX], digits[33];
    char *text;
    int code = irx__local_read(root->fd, EPOCH_FILE, 4096, &text, root->path, error);
    if (code != 0)
        return code;
    irx_id read;
    bool ours = false;
    if (strncmp(text, title, sizeof title - 1) == 0 && strlen(text) > sizeof title + 31) {
        memcpy(digits, text + sizeof title - 1, 32);
        digits[32] = '\0';
        if (irx_id_parse(digits, &read)) {
            print_identity(root, read, expected);
            ours = strcmp(text, expected) == 0;
        }
    }
    free(text);
    if (ours)
        *epoch = read;
    return ours ? 0 : 1;
}

/* Puts a fresh epoch in place of none or of another directory's. Where several begin at once, one
 * of them wins. */
static int draw_epoch(const irx__local_root *root, irx_error *error)
{
    char text[EPOCH_TEXT_MAX], digits[33], beside[48];
    print_identity(root, irx__random_id(), text);
    irx_id_print(irx__random_id(), digits);
    snprintf(beside, sizeof beside, EPOCH_FILE ".%s", digits);
    int code = irx__local_replace(root->fd, beside, text, strlen(text), root->path, error);
    if (code != 0)
        return code;
    irx_id other;
    if (linkat(root->fd, beside, root->fd, EPOCH_FILE, 0) != 0) {
        int number = errno;
        if (number != EEXIST)
            code = irx__local_fail(error, number, "make", root->path, EPOCH_FILE);
        else if (read_epoch(root, &other, NULL) != 0 &&
                 renameat(root->fd, beside, root->fd, EPOCH_FILE) != 0)
            code = irx__local_fail(error, errno, "replace", root->path, EPOCH_FILE);
    }
    unlinkat(root->fd, beside, 0);
    return code;
}

static int find_epoch(irx__local_root *root, irx_error *error)
{
    int code = read_epoch(root, &root->epoch, error);
    if (code == 1) {
        code = draw_epoch(root, error);
        if (code == 0)
            code = read_epoch(root, &root->epoch, error);
        if (code == 1)
            code = irx__error_set(error, IRX_EUNAVAILABLE, "%s/%s changes under our hands",
                                  root->path, EPOCH_FILE);
    }
    return code;
}

/* ---- the directory --------------------------------------------------------------------------- */

static int open_root(irx__local_root *root, irx_error *error)
{
    struct stat stat;
    /* A default path that is a link is somebody's trap in /tmp; a link that was named was meant. */
    int base =
        open_directory(AT_FDCWD, root->base, root->base, root->is_default ? O_NOFOLLOW : 0, error);
    if (base < 0)
        return base;
    int fd =
        open_directory(base, root->path + strlen(root->base) + 1, root->path, O_NOFOLLOW, error);
    close(base);
    if (fd < 0)
        return fd;
    if (fstat(fd, &stat) != 0) {
        close(fd);
        return irx__local_fail(error, errno, "look at", root->path, "");
    }
    root->fd = fd;
    root->device = stat.st_dev;
    root->inode = stat.st_ino;
    return 0;
}

static bool is_in_place(const irx__local_root *root)
{
    struct stat stat;
    return root->fd >= 0 && fstatat(AT_FDCWD, root->path, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
           stat.st_dev == root->device && stat.st_ino == root->inode;
}

int irx__local_root_check(irx__local_root *root, bool *changed, irx_error *error)
{
    dev_t device = root->device;
    ino_t inode = root->inode;
    int code = 0;
    if (!is_in_place(root)) {
        irx__local_root_close(root);
        code = open_root(root, error);
    }
    *changed = device != root->device || inode != root->inode;
    if (code == 0)
        code = find_epoch(root, error);
    if (code != 0)
        irx__local_root_close(root);
    return code;
}
