/* Decides which files an election has and in which order they are read, so that a process that ends
 * between any two of its steps leaves something true behind. The published value is one file with
 * its version in it, and the record's version is taken from there: so publishing is one rename,
 * which has happened or has not. It must never decide whether an operation applies. */
#include "medium/local_election.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "medium/local_files.h"
#include "runtime/clock.h"
#include "runtime/error.h"

enum { TABLE_TEXT_MAX = 64 << 20, FILE_MAX = IRX__LOCAL_NAME_MAX + 16 };

/* How often files are touched, so that those who clean up old files see that they are in use. */
#define TOUCH_NS (3600 * INT64_C(1000000000))

static const irx__local_root *root_of(const irx__local_work *w)
{
    return &w->medium->root;
}

static const char *file_of(const irx__local_work *w, const char *name, char file[FILE_MAX])
{
    snprintf(file, FILE_MAX, "%s/%s", w->seat->path, name);
    return file;
}

static int refuse_foreign(irx__local_work *w, const char *file, const char *what)
{
    return irx__error_set(w->why, IRX_EFOREIGN,
                          "%s/%s is not %s of Interrex, or was damaged: move it away",
                          root_of(w)->path, file, what);
}

static int refuse_memory(irx__local_work *w, const char *what)
{
    return irx__error_set(w->why, IRX_ENOMEM, "no memory for the %s of '%s'", what,
                          w->seat->seat->name);
}

/* Reads nothing where there is nothing: *text is null then. */
static int read_file(irx__local_work *w, const char *file, size_t most, char **text)
{
    *text = NULL;
    int code = irx__local_read(root_of(w)->fd, file, most, text, root_of(w)->path, w->why);
    return code == 1 ? 0 : code;
}

static int replace_file(irx__local_work *w, const char *name, const char *text, size_t length)
{
    char file[FILE_MAX];
    return irx__local_replace(root_of(w)->fd, file_of(w, name, file), text, length,
                              root_of(w)->path, w->why);
}

int irx__local_make_election(irx__local_work *w)
{
    const irx__local_root *root = root_of(w);
    char path[IRX__LOCAL_NAME_MAX];
    char *slash;
    snprintf(path, sizeof path, "%s", w->seat->path);
    if ((slash = strchr(path, '/'))) {
        *slash = '\0';
        if (mkdirat(root->fd, path, 0700) != 0 && errno != EEXIST)
            return irx__local_fail(w->why, errno, "make directory", root->path, path);
        *slash = '/';
    }
    if (mkdirat(root->fd, path, 0700) != 0 && errno != EEXIST)
        return irx__local_fail(w->why, errno, "make directory", root->path, path);
    irx__local_hints_listen(w->seat);
    return 0;
}

/* ---- the published value --------------------------------------------------------------------- */

static bool is_newer(irx_version a, irx_version b)
{
    return a.term != b.term ? a.term > b.term : a.index > b.index;
}

/* All of it: the bytes and the version that they were published under. */
static int read_whole_value(irx__local_work *w, const char *file)
{
    char *text;
    int code = read_file(w, file, IRX__LOCAL_VALUE_MAX, &text);
    w->version = (irx_version){0, 0};
    if (!text)
        return code;
    code = irx__local_parse_value(text, &w->version, &w->value, &w->value_length);
    free(text);
    if (code == IRX_ENOMEM)
        return refuse_memory(w, "published value");
    return code == 0 ? 0 : refuse_foreign(w, file, "a published value");
}

/* Its version, and the rest only where that is news to the seat. */
static int read_value(irx__local_work *w)
{
    char file[FILE_MAX], head[IRX__LOCAL_VERSION_MAX];
    const irx__local_root *root = root_of(w);
    file_of(w, "value", file);
    int code = irx__local_read_head(root->fd, file, head, sizeof head, root->path, w->why);
    if (code != 0)
        return code == 1 ? 0 : code;
    if (irx__local_parse_version(head, &w->version) != 0)
        return refuse_foreign(w, file, "a published value");
    if (is_newer(w->version, w->seat->seat->value_version))
        return read_whole_value(w, file);
    return 0;
}

int irx__local_write_value(irx__local_work *w)
{
    assert(w->op->length <= IRX_VALUE_MAX);
    char *text = malloc(IRX__LOCAL_VALUE_MAX);
    void *copy = malloc(w->op->length + 1);
    int code = 0;
    if (!text || !copy)
        code = refuse_memory(w, "published value");
    if (code == 0) {
        size_t length =
            irx__local_print_value(w->ledger.record.value, w->op->data, w->op->length, text);
        code = replace_file(w, "value", text, length);
    }
    free(text);
    if (code != 0) {
        free(copy);
        return code;
    }
    if (w->op->length > 0)
        memcpy(copy, w->op->data, w->op->length);
    free(w->value);
    w->value = copy;
    w->value_length = w->op->length;
    return 0;
}

int irx__local_drop_value(irx__local_work *w)
{
    char file[FILE_MAX];
    file_of(w, "value", file);
    if (unlinkat(root_of(w)->fd, file, 0) != 0 && errno != ENOENT)
        return irx__local_fail(w->why, errno, "remove", root_of(w)->path, file);
    return 0;
}

void irx__local_hand_value(irx__local_work *w)
{
    irx_seat *seat = w->seat->seat;
    irx_version version = w->ledger.record.value;
    if (!w->ledger.has_record || !w->value || !is_newer(version, seat->value_version))
        return;
    free(seat->value);
    seat->value = w->value;
    seat->value_length = w->value_length;
    seat->value_version = version;
    seat->value_changed = true;
    w->value = NULL;
}

/* ---- the record ------------------------------------------------------------------------------ */

int irx__local_read_ledger(irx__local_work *w)
{
    char file[FILE_MAX];
    char *text;
    int code = read_value(w);
    if (code == 0)
        code = read_file(w, file_of(w, "record", file), IRX__LOCAL_RECORD_MAX, &text);
    if (code != 0 || !text)
        return code;
    code = irx__local_parse_record(text, &w->ledger.record);
    free(text);
    if (code != 0)
        return refuse_foreign(w, file, "a record");
    w->ledger.has_record = true;
    w->ledger.record.value = w->version;
    return 0;
}

int irx__local_write_record(irx__local_work *w)
{
    char text[IRX__LOCAL_RECORD_MAX];
    size_t length = irx__local_print_record(&w->ledger.record, text);
    return replace_file(w, "record", text, length);
}

/* ---- the member table ------------------------------------------------------------------------ */

int irx__local_read_table(irx__local_work *w)
{
    char file[FILE_MAX];
    char *text;
    int code = read_file(w, file_of(w, "members", file), TABLE_TEXT_MAX, &text);
    w->has_table = code == 0;
    if (!text)
        return code;
    code = irx__local_parse_table(text, &w->table);
    free(text);
    if (code == IRX_ENOMEM)
        return refuse_memory(w, "members");
    return code == 0 ? 0 : refuse_foreign(w, file, "a member table");
}

int irx__local_write_table(irx__local_work *w)
{
    size_t room = irx__local_table_room(&w->table);
    char *text = malloc(room);
    if (!text)
        return refuse_memory(w, "members");
    size_t length = irx__local_print_table(&w->table, text, room);
    int code = 0;
    if (length > TABLE_TEXT_MAX)
        code = irx__error_set(w->why, IRX_EFULL,
                              "the %zu members of '%s' say more of themselves than the %d bytes "
                              "that a file of them may have",
                              w->table.count, w->seat->seat->name, (int)TABLE_TEXT_MAX);
    if (code == 0)
        code = replace_file(w, "members", text, length);
    free(text);
    return code;
}

/* ---- the directory --------------------------------------------------------------------------- */

void irx__local_touch(irx__local_work *w)
{
    static const char *const names[] = {"record", "members", "value", "lock", "."};
    char file[FILE_MAX];
    const irx__local_root *root = root_of(w);
    int64_t now_ns = irx__clock_boot_ns();
    if (w->seat->touched_ns && now_ns - w->seat->touched_ns < TOUCH_NS)
        return;
    w->seat->touched_ns = now_ns;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        utimensat(root->fd, file_of(w, names[i], file), NULL, AT_SYMLINK_NOFOLLOW);
    utimensat(root->fd, "~epoch", NULL, AT_SYMLINK_NOFOLLOW);
    if (w->seat->presence.fd >= 0)
        futimens(w->seat->presence.fd, NULL);
}

void irx__local_work_free(irx__local_work *w)
{
    irx__table_free(&w->table);
    free(w->value);
    w->value = NULL;
}

int irx__local_each_session(const irx__local_root *root, const char *election,
                            void (*each)(void *argument, irx_id session), void *argument,
                            irx_error *error)
{
    int fd = openat(root->fd, election, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        int number = errno;
        if (fd >= 0)
            close(fd);
        return number == ENOENT ? 0 : irx__local_fail(error, number, "list", root->path, election);
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        irx_id session;
        if (irx_id_parse(entry->d_name, &session))
            each(argument, session);
    }
    closedir(directory);
    return 0;
}
