/* Decides nothing itself: carries one ledger operation to the files of an election
 * (local_election.c), by the ledger's rules. READ takes no lock, since files are replaced whole;
 * whatever writes holds the lock file from its first look to its last word. The kernel's exclusion
 * is made here: no record names a session whose presence was not locked first, and none is taken
 * from a session before its lock was seen free. A leader whose own presence file was removed under
 * it gets it back while the record is still its own; where that is impossible, it is told that
 * there is no record. */
#include <string.h>

#include "medium/local.h"
#include "medium/local_election.h"
#include "runtime/clock.h"
#include "runtime/error.h"

/* ---- who is present -------------------------------------------------------------------------- */

bool irx__local_is_ours(const irx_medium *medium, const char *election, irx_id session)
{
    for (const irx__local_seat *seat = medium->seats; seat; seat = seat->next)
        if (seat->presence.fd >= 0 && irx_id_equal(seat->presence.session, session) &&
            strcmp(seat->path, election) == 0)
            return true;
    return false;
}

static bool is_ours(const irx__local_work *w, irx_id session)
{
    return irx__local_is_ours(w->medium, w->seat->path, session);
}

/* Drops the rows of those who are gone; true if there was one. */
static bool drop_gone(irx__local_work *w)
{
    size_t before = w->table.count;
    for (size_t i = w->table.count; i-- > 0;) {
        irx_id session = w->table.rows[i].session;
        if (!is_ours(w, session) &&
            irx__local_presence_ended(&w->medium->root, w->seat->path, session, NULL) == 1)
            irx__table_remove(&w->table, session);
    }
    return w->table.count != before;
}

/* Removes the file of a session that is gone. The lock is held. */
static void clear_gone(void *argument, irx_id session)
{
    const irx__local_work *w = argument;
    const irx__local_root *root = &w->medium->root;
    if (!is_ours(w, session) && irx__local_presence_ended(root, w->seat->path, session, NULL) == 1)
        irx__local_presence_clear(root, w->seat->path, session);
}

/* ---- operations ------------------------------------------------------------------------------ */

static bool holds_presence(const irx__local_work *w)
{
    return w->seat->presence.fd >= 0 && irx_id_equal(w->seat->presence.session, w->op->session);
}

/* The sender believes to be present, and its file is not what it locked. */
static bool needs_repair(const irx__local_work *w)
{
    return holds_presence(w) &&
           !irx__local_presence_stands(&w->medium->root, w->seat->path, &w->seat->presence);
}

static int take_presence(irx__local_work *w)
{
    return irx__local_presence_take(&w->medium->root, w->seat->path, &w->seat->presence,
                                    w->op->session, w->medium->line, w->why);
}

/* READ while the presence file is not ours any more. The lock is held. */
static void repair(irx__local_work *w)
{
    if (take_presence(w) == 0)
        return;
    irx__local_presence_drop(&w->medium->root, w->seat->path, &w->seat->presence);
    if (w->ledger.has_record && irx_id_equal(w->ledger.record.session, w->op->session))
        w->ledger = (irx__ledger){0};
}

static bool needs_presence(irx_op_kind kind)
{
    return kind == IRX_OP_JOIN || kind == IRX_OP_CLAIM || kind == IRX_OP_CLAIM_IF_GONE ||
           kind == IRX_OP_RENEW;
}

static int write_change(irx__local_work *w)
{
    if (w->op->kind == IRX_OP_PUBLISH)
        return irx__local_write_value(w);
    if (w->op->kind == IRX_OP_CREATE) {
        int code = irx__local_drop_value(w);
        if (code != 0)
            return code;
    }
    return irx__local_write_record(w);
}

/* The record's part. */
static int apply_record(irx__local_work *w)
{
    const irx_record *record = &w->ledger.record;
    bool changed;
    int ended = 0;
    if (w->op->kind == IRX_OP_CLAIM_IF_GONE && w->ledger.has_record &&
        !irx_id_none(record->session) && !is_ours(w, record->session))
        ended = irx__local_presence_ended(&w->medium->root, w->seat->path, record->session, w->why);
    if (ended < 0)
        return ended;
    irx__ledger_facts facts = {
        .epoch = w->medium->root.epoch,
        .unix_ms = irx__clock_wall_ns() / 1000000,
        .label = w->seat->seat->label,
        .process = w->op->session,
        .sender_present = holds_presence(w),
        .holder_gone = ended == 1,
        .kernel = true,
    };
    w->status = irx__ledger_apply(&w->ledger, w->op, &facts, &changed);
    return changed ? write_change(w) : 0;
}

static bool changes_table(const irx__local_work *w)
{
    return w->status != IRX_RESULT_EPOCH &&
           (w->op->kind == IRX_OP_JOIN || w->op->kind == IRX_OP_LEAVE ||
            w->op->kind == IRX_OP_STRIKE || (w->op->kind == IRX_OP_RELEASE && w->op->leave));
}

/* The member table's part. */
static int apply_table(irx__local_work *w)
{
    int code = irx__local_read_table(w);
    bool changed = false;
    if (code != 0)
        return code;
    if (w->op->kind == IRX_OP_JOIN || w->op->kind == IRX_OP_STRIKE) {
        changed = drop_gone(w);
        irx__local_each_session(&w->medium->root, w->seat->path, clear_gone, w, NULL);
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
        w->rings = says_new && w->op->push;
    }
    return code == 0 && changed ? irx__local_write_table(w) : code;
}

/* With the lock held. */
static int write_locked(irx__local_work *w)
{
    int code = irx__local_read_ledger(w);
    if (code != 0)
        return code;
    if (w->op->kind == IRX_OP_READ)
        repair(w);
    if (needs_presence(w->op->kind) && irx_id_equal(w->op->epoch, w->medium->root.epoch))
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
static int look(irx__local_work *w)
{
    int code = irx__local_read_ledger(w);
    if (code == 0)
        code = apply_record(w);
    return code;
}

static int operate(irx__local_work *w)
{
    bool writes = w->op->kind != IRX_OP_READ || needs_repair(w);
    /* While it is listened to, it was there a moment ago; and to read, it need not be there. */
    int code = writes || w->seat->wd < 0 ? irx__local_make_election(w) : 0;
    if (code != 0)
        return code;
    if (!writes) {
        code = look(w);
    } else {
        code = irx__local_lock(&w->medium->root, w->seat->path, &w->medium->lock_fd, w->why);
        if (code != 0)
            return code;
        code = write_locked(w);
        irx__local_unlock(&w->medium->lock_fd);
    }
    if (code == 0 && w->op->kind == IRX_OP_READ) {
        code = irx__local_read_table(w);
        drop_gone(w);
        irx__local_touch(w);
    }
    return code;
}

/* A session that leaves is no longer present. Nor is one whose RELEASE did not come through: it may
 * still be in the record, and others must not have to wait for it. */
static void end_presence(irx__local_work *w, int code)
{
    bool elsewhere = code == 0 && w->status == IRX_RESULT_EPOCH;
    bool ends = (w->op->kind == IRX_OP_LEAVE && !elsewhere) ||
                (w->op->kind == IRX_OP_RELEASE && (code != 0 || elsewhere || w->op->leave));
    if (ends && holds_presence(w))
        irx__local_presence_drop(&w->medium->root, w->seat->path, &w->seat->presence);
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
    irx__local_work w = {.medium = medium, .seat = seat, .op = op, .why = why};
    /* Whoever may become the leader by it must not do so in a directory that was just replaced. */
    bool acquires =
        op->kind == IRX_OP_CREATE || op->kind == IRX_OP_CLAIM || op->kind == IRX_OP_CLAIM_IF_GONE;
    int code = medium->is_checked && !acquires ? 0 : irx__local_check(medium, why);
    if (code == 0)
        code = operate(&w);
    if (code == 0 && w.rings)
        irx__local_presence_ring(&medium->root, seat->path, op->session);
    if (code == 0)
        irx__local_hand_value(&w);
    if (code == 0 && w.has_table && irx__table_hand(&w.table, seat->seat) != 0)
        code =
            irx__error_set(why, IRX_ENOMEM, "no memory for the members of '%s'", seat->seat->name);
    if (code != 1)
        end_presence(&w, code);
    irx__local_work_free(&w);
    if (code == 0) {
        irx__ledger_answer(&w.ledger, op, w.status, medium->root.epoch, result);
        result->join = w.join;
    } else if (code < 0) {
        irx__local_refuse(medium, op, code, result);
    }
    return code == 1;
}
