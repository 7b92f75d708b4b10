/* One run: events in the order of time, each judged when it has happened. */
#include "world.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_QUIET_NS (300000 * SIM_MS)

/* ---- letters under way -------------------------------------------------------------------------
 */

static bool before(const sim_slot *a, const sim_slot *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void heap_push(sim_world *w, sim_slot slot)
{
    size_t at = w->heap_count++;
    while (at > 0 && before(&slot, &w->heap[(at - 1) / 2])) {
        w->heap[at] = w->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    w->heap[at] = slot;
}

static sim_slot heap_pop(sim_world *w)
{
    sim_slot top = w->heap[0];
    sim_slot last = w->heap[--w->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= w->heap_count)
            break;
        if (child + 1 < w->heap_count && before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!before(&w->heap[child], &last))
            break;
        w->heap[at] = w->heap[child];
        at = child;
    }
    w->heap[at] = last;
    return top;
}

void sim_requeue(sim_world *w, size_t post, int64_t at_ns)
{
    heap_push(w, (sim_slot){.at_ns = at_ns, .order = ++w->order, .post = post});
}

/* Only what a letter of this kind carries is valid in it. */
sim_post *sim_send(sim_world *w, sim_post_kind kind, int member, int64_t at_ns)
{
    size_t index = w->free_post;
    if (index != SIZE_MAX) {
        w->free_post = w->posts[index].next_free;
    } else if (w->fresh_post < SIM_POSTS_MAX) {
        index = w->fresh_post++;
    } else {
        sim_fail(w, SIM_INV_BOUNDS, "more than %d letters under way", SIM_POSTS_MAX);
        index = SIM_POSTS_MAX - 1;
        return &w->posts[index];
    }
    sim_post *p = &w->posts[index];
    p->kind = kind;
    p->member = member;
    p->life = w->members[member].life;
    p->number = 0;
    p->losses = 0;
    p->rows = NULL;
    p->row_count = 0;
    p->rows_version = 0;
    sim_requeue(w, index, at_ns > w->now_ns ? at_ns : w->now_ns);
    return p;
}

static void release(sim_world *w, size_t index)
{
    free(w->posts[index].rows);
    w->posts[index].rows = NULL;
    w->posts[index].next_free = w->free_post;
    w->free_post = index;
}

/* ---- the transcript ----------------------------------------------------------------------------
 */

void sim_name(sim_world *w, irx_id id, char kind, int member)
{
    if (w->listener == NULL || irx_id_none(id) || w->name_count == SIM_NAMES_MAX)
        return;
    int number = 1;
    for (size_t i = 0; i < w->name_count; i++) {
        if (irx_id_equal(w->names[i].id, id))
            return;
        number += w->names[i].name[0] == kind && w->names[i].name[1] == '1' + member ? 1 : 0;
    }
    w->names[w->name_count].id = id;
    snprintf(w->names[w->name_count].name, sizeof w->names[0].name, "%c%d.%d", kind, member + 1,
             number);
    w->name_count++;
}

/* Sessions and processes by name: "s2.1" is the first session of member 2. */
static void with_names(const sim_world *w, char *line)
{
    for (size_t i = 0; i < w->name_count; i++) {
        char digits[9];
        snprintf(digits, sizeof digits, "%08llx", (unsigned long long)(w->names[i].id.hi >> 32));
        char *found = strstr(line, digits);
        if (found != NULL) {
            size_t length = strlen(w->names[i].name);
            memcpy(found, w->names[i].name, length);
            memmove(found + length, found + 8, strlen(found + 8) + 1);
        }
    }
}

void sim_say(sim_world *w, const char *format, ...)
{
    if (w->listener == NULL)
        return;
    char line[SIM_TEXT_MAX + IRX_TRACE_MAX];
    int used = 0;
    bool action = strncmp(format, "%s", 2) == 0;
    if (!action)
        used = snprintf(line, sizeof line, "[%6lld] ", (long long)(w->now_ns / SIM_MS));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    for (int i = 0; i < w->plan->members; i++) {
        if (w->members[i].engine != NULL)
            sim_name(w, irx_engine_session(w->members[i].engine), 's', i);
    }
    with_names(w, line);
    w->listener->line(w->listener->owner, line);
}

/* ---- the course of events ----------------------------------------------------------------------
 */

static void start(sim_world *w, int who)
{
    if (w->members[who].running)
        sim_member_start(w, who);
    else
        sim_member_open(w, who);
}

static void deliver(sim_world *w, size_t index)
{
    sim_post *p = &w->posts[index];
    sim_member *m = &w->members[p->member];
    switch (p->kind) {
    case POST_REQUEST: sim_store_serve(w, p); break;
    case POST_SEND: sim_bus_serve(w, p); break;
    case POST_PRESENCE_END: sim_store_presence_end(w, p->id); break;
    case POST_FAULT: sim_fault_begin(w, (size_t)p->number); break;
    case POST_FAULT_END: sim_fault_end(w, (size_t)p->number, p->member, p->life); break;
    case POST_START: start(w, p->member); break;
    default:
        if (!m->running || p->life != m->life)
            break;
        if (m->stopped > 0) {
            if (m->waiting_count < sizeof m->waiting / sizeof m->waiting[0]) {
                m->waiting[m->waiting_count++] = index;
                return;
            }
            break;
        }
        sim_member_take(w, p);
        break;
    }
    release(w, index);
}

/* A dead member's waiting letters are nobody's. */
static void forget_waiting(sim_world *w)
{
    for (int i = 0; i < w->plan->members; i++) {
        sim_member *m = &w->members[i];
        if (m->waiting_count == 0 || m->stopped > 0)
            continue;
        for (size_t k = 0; k < m->waiting_count; k++)
            release(w, m->waiting[k]);
        m->waiting_count = 0;
    }
}

static bool next(sim_world *w)
{
    int64_t at_ns = w->heap_count > 0 ? w->heap[0].at_ns : IRX_NEVER;
    int timer = -1;
    for (int i = 0; i < w->plan->members; i++) {
        const sim_member *m = &w->members[i];
        if (m->handle && m->stopped == 0 && m->due_ns < at_ns) {
            at_ns = m->due_ns;
            timer = i;
        }
    }
    int64_t length_ns = w->plan->length_ms * SIM_MS;
    if (!w->calm && at_ns >= length_ns) {
        w->now_ns = length_ns;
        if (!w->plan->drills)
            return false;
        sim_quiet_begin(w);
        return true;
    }
    if (at_ns >= w->end_ns)
        return false;
    w->now_ns = at_ns > w->now_ns ? at_ns : w->now_ns;
    if (timer >= 0) {
        irx_input input = {.kind = IRX_IN_TIMEOUT};
        sim_step(w, timer, &input);
    } else {
        deliver(w, heap_pop(w).post);
    }
    return true;
}

static void *room(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* One world serves all runs, so that a run costs what happens in it. */
static sim_world *world(void)
{
    static sim_world *w;
    if (w != NULL)
        return w;
    w = room(sizeof *w);
    w->twins[0] = room(irx_engine_size());
    w->twins[1] = room(irx_engine_size());
    for (int i = 0; i <= SIM_MEMBERS_MAX; i++) {
        sim_member *m = i < SIM_MEMBERS_MAX ? &w->members[i] : &w->clone.member;
        m->engine = room(irx_engine_size());
        m->rows = room(SIM_ROWS_MAX * sizeof *m->rows);
        m->held = room(sizeof *m->held);
    }
    return w;
}

static void clear_member(sim_member *m)
{
    sim_member empty = {
        .engine = m->engine,
        .rows = m->rows,
        .held = m->held,
        .due_ns = IRX_NEVER,
        .valid_true_ns = INT64_MIN,
    };
    memset(m->engine, 0, irx_engine_size());
    m->held->count = 0;
    *m = empty;
}

static void set_up(sim_world *w, const sim_plan *plan)
{
    sim_member members[SIM_MEMBERS_MAX];
    sim_member clone = w->clone.member;
    memcpy(members, w->members, sizeof members);
    memset(w, 0, offsetof(sim_world, twins));
    memcpy(w->members, members, sizeof members);
    w->clone.member = clone;
    w->plan = plan;
    w->random = plan->seed ^ UINT64_C(0x5851f42d4c957f2d);
    w->drill_random = plan->seed ^ UINT64_C(0x14057b7ef767814f);
    w->free_post = SIZE_MAX;
    w->leader = -1;
    w->identity = 1;
    w->end_ns = plan->length_ms * SIM_MS + LONGEST_QUIET_NS;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        sim_member *m = &w->members[i];
        clear_member(m);
        m->rate_ppm = plan->rate_ppm[i];
        m->local_base_ns = (int64_t)sim_draw(&w->random, 1000000) * SIM_MS;
        if (i < plan->members)
            sim_send(w, POST_START, i, plan->start_ms[i] * SIM_MS);
    }
    for (size_t i = 0; i < plan->fault_count; i++)
        sim_send(w, POST_FAULT, 0, plan->faults[i].at_ms * SIM_MS)->number = i;
}

static void tear_down(sim_world *w)
{
    for (size_t i = 0; i < w->fresh_post; i++) {
        free(w->posts[i].rows);
        w->posts[i].rows = NULL;
    }
    irx__table_free(&w->table);
}

void sim_run(const sim_plan *plan, sim_report *report, const sim_listener *listener)
{
    sim_world *w = world();
    set_up(w, plan);
    w->report = report;
    w->listener = listener;
    report->runs++;
    report->runs_of[plan->protocol]++;
    while (report->failed == SIM_INV_NONE && next(w)) {
        sim_check_leaders(w);
        forget_waiting(w);
        if (w->calm)
            sim_quiet_watch(w);
    }
    report->simulated_ms += (uint64_t)(w->now_ns / SIM_MS);
    tear_down(w);
}
