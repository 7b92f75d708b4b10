/* Decides nothing itself: carries one ledger operation to the files of an election, by the ledger's
 * rules. READ takes no lock, since files are replaced whole; whatever writes holds the lock file
 * from its first look to its last word. The kernel's exclusion is made here: no record names a
 * session whose presence was not locked first, and none is taken from a session before its lock was
 * seen free. A leader whose own presence file was removed under it gets it back while the record is
 * still its own; where that is impossible, it is told that there is no record. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "medium/ledger.h"
#include "medium/local.h"
#include "medium/local_files.h"
#include "runtime/clock.h"
#include "runtime/error.h"

enum { TABLE_TEXT_MAX = 64 << 20, FILE_MAX = IRX__LOCAL_NAME_MAX + 16 };

/* How often files are touched, so that those who clean up old files see that they are in use. */
#define TOUCH_NS (3600 * INT64_C(1000000000))

typedef struct work {
    irx_medium *medium;
    irx__local_seat *seat;
    const irx_op *op;
    irx_error *why;
    irx__ledger ledger;
    irx__table table;
    bool has_table;
    uint64_t join;
    irx_status_kind status;
} work;

static const irx__local_root *root_of(const work *w)
{
    return &w->medium->root;
}

static const char *file_of(const work *w, const char *name, char file[FILE_MAX])
{
    snprintf(file, FILE_MAX, "%s/%s", w->seat->path, name);
    return file;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int make_directory(work *w)
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

static int read_record(work *w)
{
    char file[FILE_MAX];
    char *text;
    const irx__local_root *root = root_of(w);
    file_of(w, "record", file);
    int code = irx__local_read(root->fd, file, IRX__LOCAL_RECORD_MAX, &text, root->path, w->why);
    if (code != 0)
        return code == 1 ? 0 : code;
    code = irx__local_parse_record(text, &w->ledger.record);
    free(text);
    if (code != 0)
        return irx__error_set(w->why, code,
                              "%s/%s is not a record of Interrex, or was damaged: move it away",
                              root->path, file);
    w->ledger.has_record = true;
    return 0;
}

static int write_record(work *w)
{
    char file[FILE_MAX];
    char text[IRX__LOCAL_RECORD_MAX];
    size_t length = irx__local_print_record(&w->ledger.record, text);
    const irx__local_root *root = root_of(w);
    return irx__local_replace(root->fd, file_of(w, "record", file), text, length, root->path,
                              w->why);
}

static int read_table(work *w)
{
    char file[FILE_MAX];
    char *text;
    const irx__local_root *root = root_of(w);
    file_of(w, "members", file);
    int code = irx__local_read(root->fd, file, TABLE_TEXT_MAX, &text, root->path, w->why);
    w->has_table = code >= 0;
    if (code != 0)
        return code == 1 ? 0 : code;
    code = irx__local_parse_table(text, &w->table);
    free(text);
    if (code != 0)
        return irx__error_set(w->why, code,
                              "%s/%s is not a member table of Interrex, or was damaged: move it "
                              "away",
                              root->path, file);
    return 0;
}

static int write_table(work *w)
{
    char file[FILE_MAX];
    size_t room = irx__local_table_room(&w->table);
    const irx__local_root *root = root_of(w);
    char *text = malloc(room);
    if (!text)
        return irx__error_set(w->why, IRX_ENOMEM, "no memory for the members of '%s'",
                              w->seat->seat->name);
    size_t length = irx__local_print_table(&w->table, text, room);
    int code =
        irx__local_replace(root->fd, file_of(w, "members", file), text, length, root->path, w->why);
    free(text);
    return code;
}

static void touch(work *w)
{
    static const char *const names[] = {"record", "members", "lock", "."};
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

/* ---- who is present -------------------------------------------------------------------------- */

static bool is_ours(const work *w, irx_id session)
{
    for (const irx__local_seat *seat = w->medium->seats; seat; seat = seat->next)
        if (seat->presence.fd >= 0 && irx_id_equal(seat->presence.session, session) &&
            strcmp(seat->path, w->seat->path) == 0)
            return true;
    return false;
}

/* Drops the rows of those who are gone; true if there was one. */
static bool drop_gone(work *w)
{
    size_t before = w->table.count;
    for (size_t i = w->table.count; i-- > 0;) {
        irx_id session = w->table.rows[i].session;
        if (!is_ours(w, session) &&
            irx__local_presence_ended(root_of(w), w->seat->path, session, NULL) == 1)
            irx__table_remove(&w->table, session);
    }
    return w->table.count != before;
}

/* Removes the files of those who are gone. The lock is held. */
static void clear_gone(work *w)
{
    const irx__local_root *root = root_of(w);
    int fd = openat(root->fd, w->seat->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        irx_id session;
        if (irx_id_parse(entry->d_name, &session) && !is_ours(w, session) &&
            irx__local_presence_ended(root, w->seat->path, session, NULL) == 1)
            irx__local_presence_clear(root, w->seat->path, session);
    }
    closedir(directory);
}

/* ---- operations ------------------------------------------------------------------------------ */

static bool holds_presence(const work *w)
{
    return w->seat->presence.fd >= 0 && irx_id_equal(w->seat->presence.session, w->op->session);
}

/* The sender believes to be present, and its file is not what it locked. */
static bool needs_repair(const work *w)
{
    return holds_presence(w) &&
           !irx__local_presence_stands(root_of(w), w->seat->path, &w->seat->presence);
}

static int take_presence(work *w)
{
    return irx__local_presence_take(root_of(w), w->seat->path, &w->seat->presence, w->op->session,
                                    w->medium->line, w->why);
}

/* READ while the presence file is not ours any more. The lock is held. */
static void repair(work *w)
{
    if (take_presence(w) == 0)
        return;
    irx__local_presence_drop(root_of(w), w->seat->path, &w->seat->presence);
    if (w->ledger.has_record && irx_id_equal(w->ledger.record.session, w->op->session))
        w->ledger = (irx__ledger){0};
}

static bool needs_presence(irx_op_kind kind)
{
    return kind == IRX_OP_JOIN || kind == IRX_OP_CLAIM || kind == IRX_OP_CLAIM_IF_GONE ||
           kind == IRX_OP_RENEW;
}

/* The record's part. */
static int apply_record(work *w)
{
    const irx_record *record = &w->ledger.record;
    bool changed;
    int ended = 0;
    if (w->op->kind == IRX_OP_CLAIM_IF_GONE && w->ledger.has_record &&
        !irx_id_none(record->session) && !is_ours(w, record->session))
        ended = irx__local_presence_ended(root_of(w), w->seat->path, record->session, w->why);
    if (ended < 0)
        return ended;
    irx__ledger_facts facts = {
        .epoch = root_of(w)->epoch,
        .unix_ms = irx__clock_wall_ns() / 1000000,
        .label = w->seat->seat->label,
        .process = w->op->session,
        .sender_present = holds_presence(w),
        .holder_gone = ended == 1,
        .kernel = true,
    };
    w->status = irx__ledger_apply(&w->ledger, w->op, &facts, &changed);
    return changed ? write_record(w) : 0;
}

static bool changes_table(const work *w)
{
    return w->status != IRX_RESULT_EPOCH &&
           (w->op->kind == IRX_OP_JOIN || w->op->kind == IRX_OP_LEAVE ||
            w->op->kind == IRX_OP_STRIKE || (w->op->kind == IRX_OP_RELEASE && w->op->leave));
}

/* The member table's part. */
static int apply_table(work *w)
{
    int code = read_table(w);
    bool changed = false;
    if (code != 0)
        return code;
    if (w->op->kind == IRX_OP_JOIN || w->op->kind == IRX_OP_STRIKE) {
        changed = drop_gone(w);
        clear_gone(w);
    } else {
        changed = irx__table_remove(&w->table, w->op->session);
    }
    if (w->op->kind == IRX_OP_JOIN) {
        const irx_seat *seat = w->seat->seat;
        const irx__joiner who = {w->op->session, seat->label, seat->meta, seat->meta_length};
        bool says_new = false;
        code = irx__table_join(&w->table, w->op, &who, w->medium->config.max_members, &w->join,
                               &says_new, w->why);
        changed = changed || says_new;
    }
    return code == 0 && changed ? write_table(w) : code;
}

/* With the lock held. */
static int write_locked(work *w)
{
    int code = read_record(w);
    if (code != 0)
        return code;
    if (w->op->kind == IRX_OP_READ)
        repair(w);
    if (needs_presence(w->op->kind) && irx_id_equal(w->op->epoch, root_of(w)->epoch))
        code = take_presence(w);
    if (code == 0)
        code = apply_record(w);
    if (code == 0 && changes_table(w)) {
        code = apply_table(w);
        /* The record is vacant and the presence ends: a row that stays behind is a dead one. */
        if (w->op->kind == IRX_OP_RELEASE)
            code = 0;
    }
    return code;
}

/* A READ looks without the lock. */
static int look(work *w)
{
    int code = read_record(w);
    if (code == 0)
        code = apply_record(w);
    return code;
}

static int operate(work *w)
{
    bool writes = w->op->kind != IRX_OP_READ || needs_repair(w);
    /* While it is listened to, it was there a moment ago; and to read, it need not be there. */
    int code = writes || w->seat->wd < 0 ? make_directory(w) : 0;
    if (code != 0)
        return code;
    if (!writes) {
        code = look(w);
    } else {
        code = irx__local_lock(root_of(w), w->seat->path, &w->medium->lock_fd, w->why);
        if (code != 0)
            return code;
        code = write_locked(w);
        irx__local_unlock(&w->medium->lock_fd);
    }
    if (code == 0 && w->op->kind == IRX_OP_READ) {
        code = read_table(w);
        drop_gone(w);
        touch(w);
    }
    return code;
}

/* A session that leaves is no longer present. Nor is one whose RELEASE did not come through: it may
 * still be in the record, and others must not have to wait for it. */
static void end_presence(work *w, int code)
{
    bool elsewhere = code == 0 && w->status == IRX_RESULT_EPOCH;
    bool ends = (w->op->kind == IRX_OP_LEAVE && !elsewhere) ||
                (w->op->kind == IRX_OP_RELEASE && (code != 0 || elsewhere || w->op->leave));
    if (ends && holds_presence(w))
        irx__local_presence_drop(root_of(w), w->seat->path, &w->seat->presence);
}

void irx__local_refuse(irx_medium *medium, const irx_op *op, int code, irx_result *result)
{
    irx__ledger none = {0};
    irx__ledger_answer(&none, op, IRX_RESULT_FAILED, medium->root.epoch, result);
    result->error_code = code;
}

int irx__local_operate(irx_medium *medium, irx__local_seat *seat, const irx_op *op,
                       irx_result *result, irx_error *why)
{
    work w = {.medium = medium, .seat = seat, .op = op, .why = why};
    /* Whoever may become the leader by it must not do so in a directory that was just replaced. */
    bool acquires =
        op->kind == IRX_OP_CREATE || op->kind == IRX_OP_CLAIM || op->kind == IRX_OP_CLAIM_IF_GONE;
    int code = medium->is_checked && !acquires ? 0 : irx__local_check(medium, why);
    if (code == 0)
        code = operate(&w);
    if (code == 0 && w.has_table && irx__table_hand(&w.table, seat->seat) != 0)
        code =
            irx__error_set(why, IRX_ENOMEM, "no memory for the members of '%s'", seat->seat->name);
    if (code != 1)
        end_presence(&w, code);
    irx__table_free(&w.table);
    if (code == 0) {
        irx__ledger_answer(&w.ledger, op, w.status, medium->root.epoch, result);
        result->join = w.join;
    } else if (code < 0) {
        irx__local_refuse(medium, op, code, result);
    }
    return code == 1;
}
