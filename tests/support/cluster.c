/* See cluster.h. The store's rules are those of core/medium/ledger.c; nothing is decided here but
 * what goes wrong. */
#include "cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "medium/ledger.h"
#include "medium/table.h"

#define MS INT64_C(1000000)

enum { MEMBERS_MAX = 9, POSTS_MAX = 4096, PROCESSES_MAX = 4096, TOKENS_MAX = 8192 };

typedef enum post_kind {
    POST_REQUEST,
    POST_REPLY,
    POST_HINT,
    POST_UP,
    POST_DOWN,
    POST_PROBE,
    POST_GONE,
    POST_RESUME,
    POST_RESTART,
    POST_PRESENCE_END
} post_kind;

typedef struct post {
    int64_t at_ns;
    uint64_t order;
    post_kind kind;
    int member;
    uint32_t life; /* of the member it concerns */
    irx_channel channel;
    uint64_t generation;
    irx_id id;
    irx_op op;
    irx_result result;
} post;

typedef struct node {
    irx_engine *engine;
    uint32_t life; /* grows at every crash */
    bool running;
    bool paused;
    int64_t cut_until_ns;
    int64_t offset_ns;
    int64_t rate_ppm;
    irx_snapshot snapshot;
    uint64_t generation[2];
    bool up[2];
    irx_id process;
    irx_id watched;
    int64_t watch_every_ns;
    uint64_t watch_number;
    uint32_t work;
    uint32_t attempts;
    bool leading; /* by its events */
    irx_member members[MEMBERS_MAX * 4];
    size_t member_count;
} node;

typedef struct cluster {
    const cluster_plan *plan;
    cluster_report *report;
    bool verbose;
    uint64_t random;
    int64_t now_ns;
    node nodes[MEMBERS_MAX];
    post posts[POSTS_MAX];
    size_t post_count;
    uint64_t order;
    bool quiet;
    int64_t next_fault_ns;

    irx__ledger ledger;
    irx__ledger older;
    irx__table table;
    irx_id epoch;
    irx_id present[PROCESSES_MAX];
    size_t present_count;

    irx_token tokens[TOKENS_MAX];
    size_t token_count;
    uint64_t highest_accepted;
} cluster;

static uint64_t draw(cluster *c, uint64_t below)
{
    c->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = c->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

static irx_id draw_id(cluster *c)
{
    return (irx_id){draw(c, 0), draw(c, 0) | 1};
}

__attribute__((format(printf, 2, 3))) static void fail(cluster *c, const char *format, ...)
{
    if (c->report->failure[0] != '\0')
        return;
    va_list arguments;
    va_start(arguments, format);
    int used = snprintf(c->report->failure, sizeof c->report->failure,
                        "seed %llu, %lld ms: ", (unsigned long long)c->plan->seed,
                        (long long)(c->now_ns / MS));
    vsnprintf(c->report->failure + used, sizeof c->report->failure - (size_t)used, format,
              arguments);
    va_end(arguments);
}

static int64_t local_ns(const cluster *c, const node *n)
{
    return n->offset_ns + c->now_ns + c->now_ns / 1000000 * n->rate_ppm;
}

/* When the member's own clock will show `at_ns`, rounded up. */
static int64_t true_ns(const node *n, int64_t at_ns)
{
    if (at_ns == IRX_NEVER)
        return IRX_NEVER;
    int64_t since = at_ns - n->offset_ns;
    return since / (1000000 + n->rate_ppm) * 1000000 + 2000000;
}

static post *send(cluster *c, post_kind kind, int member, int64_t delay_ns)
{
    if (c->post_count == POSTS_MAX) {
        fail(c, "too many messages under way");
        c->post_count--;
    }
    post *p = &c->posts[c->post_count++];
    memset(p, 0, sizeof *p);
    p->at_ns = c->now_ns + delay_ns;
    p->order = ++c->order;
    p->kind = kind;
    p->member = member;
    p->life = c->nodes[member].life;
    return p;
}

/* Mostly a fraction of a millisecond, sometimes long enough to be counted as lost. */
static int64_t latency_ns(cluster *c)
{
    if (!c->quiet && draw(c, 50) == 0)
        return (int64_t)draw(c, 2500) * MS;
    return 100000 + (int64_t)draw(c, 2000000);
}

static bool lost(cluster *c, const node *n)
{
    return c->now_ns < n->cut_until_ns || (!c->quiet && draw(c, 200) == 0);
}

static bool is_present(const cluster *c, irx_id process)
{
    for (size_t i = 0; i < c->present_count; i++) {
        if (irx_id_equal(c->present[i], process))
            return true;
    }
    return false;
}

static void presence_end(cluster *c, irx_id process)
{
    for (size_t i = 0; i < c->present_count; i++) {
        if (irx_id_equal(c->present[i], process))
            c->present[i] = c->present[--c->present_count];
    }
}

/* ---- the members -------------------------------------------------------------------------------
 */

static void step(cluster *c, int who, irx_input input);

static bool leads(const cluster *c, const node *n)
{
    return n->running && local_ns(c, n) < n->snapshot.leader_until_ns;
}

static void check_event(cluster *c, node *n, const irx_output *o)
{
    if (o->event.kind == IRX_EVENT_ELECTED) {
        if (n->leading)
            fail(c, "elected twice without a defeat in between");
        n->leading = true;
        c->report->elected++;
        for (size_t i = 0; i < c->token_count; i++) {
            if (c->tokens[i].term == o->event.token.term &&
                irx_id_equal(c->tokens[i].incarnation, o->event.token.incarnation))
                fail(c, "the token of term %llu was handed out twice",
                     (unsigned long long)o->event.token.term);
        }
        if (c->token_count < TOKENS_MAX)
            c->tokens[c->token_count++] = o->event.token;
    }
    if (o->event.kind == IRX_EVENT_DEFEATED) {
        if (!n->leading)
            fail(c, "defeated without having been elected");
        n->leading = false;
        c->report->defeated[o->event.reason]++;
    }
}

static void connect(cluster *c, int who, irx_channel channel)
{
    node *n = &c->nodes[who];
    if (n->up[channel])
        return;
    post *p;
    if (lost(c, n)) {
        p = send(c, POST_DOWN, who, 50 * MS);
    } else {
        p = send(c, POST_UP, who, latency_ns(c));
    }
    p->channel = channel;
    p->generation = ++n->generation[channel];
}

static void disconnect(cluster *c, int who, irx_channel channel)
{
    node *n = &c->nodes[who];
    if (!n->up[channel])
        return;
    n->up[channel] = false;
    if (channel == IRX_CHANNEL_PRESENCE) {
        /* The store hears of it, unless nothing gets through: then its own time-out tells. */
        post *p = send(c, POST_PRESENCE_END, who, lost(c, n) ? 3000 * MS : latency_ns(c));
        p->id = n->process;
        n->process = (irx_id){0};
    }
    post *p = send(c, POST_DOWN, who, 1);
    p->channel = channel;
    p->generation = n->generation[channel];
}

static void carry_out(cluster *c, int who, const irx_outputs *outputs)
{
    node *n = &c->nodes[who];
    for (size_t i = 0; i < outputs->count; i++) {
        const irx_output *o = &outputs->list[i];
        switch (o->kind) {
        case IRX_OUT_OP:
            if (!lost(c, n)) {
                post *p = send(c, POST_REQUEST, who, latency_ns(c));
                p->op = o->op;
            }
            break;
        case IRX_OUT_WATCH:
            n->watched = o->watch.process;
            n->watch_every_ns = o->watch.every_ns;
            n->watch_number++;
            send(c, POST_PROBE, who, o->watch.every_ns)->generation = n->watch_number;
            break;
        case IRX_OUT_UNWATCH: n->watched = (irx_id){0}; break;
        case IRX_OUT_SNAPSHOT: n->snapshot = o->snapshot; break;
        case IRX_OUT_EVENT: check_event(c, n, o); break;
        case IRX_OUT_CONNECT: connect(c, who, o->channel.channel); break;
        case IRX_OUT_DISCONNECT: disconnect(c, who, o->channel.channel); break;
        case IRX_OUT_TRACE:
            if (c->verbose)
                fprintf(stderr, "[%8lld] %d %s\n", (long long)(c->now_ns / MS), who, o->trace);
            break;
        }
    }
}

static void step(cluster *c, int who, irx_input input)
{
    static irx_outputs outputs;
    node *n = &c->nodes[who];
    input.now_ns = local_ns(c, n);
    input.wall_ns = input.now_ns;
    input.pulse_ns = input.now_ns;
    input.work = n->work;
    input.members = n->members;
    input.member_count = n->member_count;
    c->report->steps++;
    irx_engine_step(n->engine, &input, &outputs);
    carry_out(c, who, &outputs);
}

static void start(cluster *c, int who)
{
    node *n = &c->nodes[who];
    irx_engine_options options = {
        .protocol = IRX_PROTOCOL_LEASE,
        .takeover = c->plan->takeover,
        .heartbeat_ns = 300 * MS,
        .timeout_ns = 1500 * MS,
        .probe_ns = 25 * MS,
        .drain_limit_ns = 1000 * MS,
        .drift_ppm = c->plan->drift_ppm,
        .candidate = true,
        .has_presence = true,
        .phase_ns = (int64_t)draw(c, 300) * MS,
    };
    uint64_t seed[4] = {draw(c, 0), draw(c, 0), draw(c, 0), draw(c, 0)};
    n->engine = irx_engine_init(n->engine, &options, seed);
    n->running = true;
    n->up[IRX_CHANNEL_COMMAND] = false; /* connections of its own */
    n->up[IRX_CHANNEL_PRESENCE] = false;
    presence_end(c, n->process);
    n->snapshot = (irx_snapshot){0};
    n->leading = false;
    n->work = 0;
    n->member_count = 0;
    step(c, who, (irx_input){.kind = IRX_IN_START});
}

/* ---- the store ---------------------------------------------------------------------------------
 */

static void strike(cluster *c)
{
    for (size_t i = c->table.count; i > 0; i--) {
        irx_member *row = &c->table.rows[i - 1];
        if (!irx_id_none(row->process) && !is_present(c, row->process))
            irx__table_remove(&c->table, row->session);
    }
}

static void push(cluster *c, int sender)
{
    for (int i = 0; i < c->plan->members; i++) {
        if (i != sender && c->nodes[i].up[IRX_CHANNEL_PRESENCE] && draw(c, 5) != 0 &&
            !lost(c, &c->nodes[i]))
            send(c, POST_HINT, i, latency_ns(c));
    }
}

static void serve(cluster *c, const post *request)
{
    node *n = &c->nodes[request->member];
    const irx_op *op = &request->op;
    irx__ledger_facts facts = {
        .epoch = c->epoch,
        .unix_ms = 1700000000000 + c->now_ns / MS,
        .label = "member",
        .process = op->process,
        .sender_present = is_present(c, op->process),
        .holder_gone = !is_present(c, c->ledger.record.process),
    };
    bool changed;
    if (draw(c, 20) == 0)
        c->older = c->ledger; /* a snapshot on disk */
    irx_status_kind status = irx__ledger_apply(&c->ledger, op, &facts, &changed);
    uint64_t join = 0;
    if (status != IRX_RESULT_EPOCH) {
        if (op->kind == IRX_OP_JOIN)
            irx__table_join(&c->table, op, op->process, "member", 64, &join, NULL);
        if (op->kind == IRX_OP_LEAVE || (op->kind == IRX_OP_RELEASE && op->leave))
            irx__table_remove(&c->table, op->session);
        if (op->kind == IRX_OP_CLAIM_IF_GONE && status == IRX_RESULT_OK)
            irx__table_remove(&c->table, op->expected.session);
        if (op->kind == IRX_OP_STRIKE)
            strike(c);
    }
    if (changed || op->kind == IRX_OP_LEAVE)
        push(c, request->member);
    if (lost(c, n) || request->life != n->life)
        return;
    post *p = send(c, POST_REPLY, request->member, latency_ns(c));
    irx__ledger_answer(&c->ledger, op, status, c->epoch, &p->result);
    p->result.join = join;
    if (draw(c, 100) == 0) { /* a duplicate */
        post *again = send(c, POST_REPLY, request->member, latency_ns(c));
        again->result = p->result;
    }
}

/* ---- what goes wrong ---------------------------------------------------------------------------
 */

static void crash(cluster *c, int who)
{
    node *n = &c->nodes[who];
    if (!n->running)
        return;
    n->running = false;
    n->life++;
    for (int i = 0; i < 2; i++)
        n->up[i] = false;
    post *p = send(c, POST_PRESENCE_END, who, 1 * MS + (int64_t)draw(c, 30) * MS);
    p->id = n->process;
    n->process = (irx_id){0};
    send(c, POST_RESTART, who, (int64_t)draw(c, 4000) * MS);
}

static void ask(cluster *c, int who)
{
    node *n = &c->nodes[who];
    irx_input input = {.kind = IRX_IN_RESIGN};
    switch (draw(c, 4)) {
    case 0: step(c, who, (irx_input){.kind = IRX_IN_STOP}); return;
    case 1:
        input.kind = IRX_IN_TRANSFER;
        input.transfer.successor =
            irx_engine_session(c->nodes[draw(c, 9) % (uint64_t)c->plan->members].engine);
        if (!irx_id_equal(input.transfer.successor, irx_engine_session(n->engine)))
            step(c, who, input);
        return;
    case 2: step(c, who, input); return;
    default:
        n->work = (uint32_t)draw(c, 2);
        step(c, who, (irx_input){.kind = IRX_IN_WAKE});
        return;
    }
}

static void store_back(cluster *c, bool empty)
{
    c->epoch = draw_id(c);
    if (empty) {
        c->ledger = (irx__ledger){0};
        irx__table_free(&c->table);
        c->table = (irx__table){0};
    } else {
        c->ledger = c->older;
    }
    c->present_count = 0;
    for (int i = 0; i < c->plan->members; i++) {
        disconnect(c, i, IRX_CHANNEL_COMMAND);
        disconnect(c, i, IRX_CHANNEL_PRESENCE);
    }
}

static void go_wrong(cluster *c)
{
    unsigned fault = 1u << draw(c, 9);
    int who = (int)draw(c, (uint64_t)c->plan->members);
    node *n = &c->nodes[who];
    c->next_fault_ns = c->now_ns + (int64_t)draw(c, 1500) * MS;
    if ((c->plan->faults & fault) == 0 || (!n->running && fault < FAULT_EVICT))
        return;
    if (c->verbose)
        fprintf(stderr, "[%8lld] fault %u on %d\n", (long long)(c->now_ns / MS), fault, who);
    switch ((cluster_fault)fault) {
    case FAULT_CRASH: crash(c, who); break;
    case FAULT_PAUSE:
        if (!n->paused) {
            n->paused = true;
            send(c, POST_RESUME, who, (int64_t)draw(c, 6000) * MS);
        }
        break;
    case FAULT_CUT: n->cut_until_ns = c->now_ns + (int64_t)draw(c, 4000) * MS; break;
    case FAULT_DROP: disconnect(c, who, IRX_CHANNEL_COMMAND); break;
    case FAULT_PRESENCE:
        presence_end(c, n->process);
        if (n->up[IRX_CHANNEL_PRESENCE]) {
            n->up[IRX_CHANNEL_PRESENCE] = false;
            post *p = send(c, POST_DOWN, who, latency_ns(c));
            p->channel = IRX_CHANNEL_PRESENCE;
            p->generation = n->generation[IRX_CHANNEL_PRESENCE];
        }
        break;
    case FAULT_ASK:
        if (!n->paused)
            ask(c, who);
        break;
    case FAULT_EVICT: c->ledger = (irx__ledger){0}; break;
    case FAULT_WIPE: store_back(c, true); break;
    case FAULT_BACK: store_back(c, false); break;
    }
}

/* ---- the course of events ----------------------------------------------------------------------
 */

static void come_up(cluster *c, const post *p)
{
    node *n = &c->nodes[p->member];
    if (p->generation != n->generation[p->channel])
        return;
    n->up[p->channel] = true;
    n->attempts = 0;
    irx_input input = {.kind = IRX_IN_MEDIUM_UP};
    input.up.channel = p->channel;
    input.up.generation = p->generation;
    if (p->channel == IRX_CHANNEL_PRESENCE) {
        n->process = draw_id(c);
        if (c->present_count < PROCESSES_MAX)
            c->present[c->present_count++] = n->process;
        input.up.id = n->process;
    } else {
        input.up.id = c->epoch;
    }
    step(c, p->member, input);
}

static void go_down(cluster *c, const post *p)
{
    node *n = &c->nodes[p->member];
    if (p->generation != n->generation[p->channel] || n->up[p->channel])
        return;
    irx_input input = {.kind = IRX_IN_MEDIUM_DOWN};
    input.down.channel = p->channel;
    input.down.generation = p->generation;
    input.down.attempt = ++n->attempts;
    input.down.draw = draw(c, 0);
    input.down.error_code = IRX_EUNREACHABLE;
    step(c, p->member, input);
}

static void probe(cluster *c, const post *p)
{
    node *n = &c->nodes[p->member];
    if (p->generation != n->watch_number || irx_id_none(n->watched))
        return;
    if (!lost(c, n) && n->up[IRX_CHANNEL_COMMAND] && !is_present(c, n->watched)) {
        send(c, POST_GONE, p->member, latency_ns(c))->id = n->watched;
        n->watched = (irx_id){0};
        return;
    }
    send(c, POST_PROBE, p->member, n->watch_every_ns)->generation = n->watch_number;
}

static void reply(cluster *c, const post *p)
{
    node *n = &c->nodes[p->member];
    n->member_count = c->table.count < MEMBERS_MAX * 4 ? c->table.count : MEMBERS_MAX * 4;
    if (n->member_count > 0)
        memcpy(n->members, c->table.rows, n->member_count * sizeof *n->members);
    irx_input input = {.kind = IRX_IN_RESULT};
    input.result = p->result;
    step(c, p->member, input);
}

static void deliver(cluster *c, const post *p)
{
    node *n = &c->nodes[p->member];
    switch (p->kind) {
    case POST_REQUEST: serve(c, p); return;
    case POST_PRESENCE_END: presence_end(c, p->id); return;
    case POST_RESUME: n->paused = false; return;
    case POST_RESTART: start(c, p->member); return;
    default: break;
    }
    if (!n->running || p->life != n->life)
        return;
    irx_input input = {0};
    switch (p->kind) {
    case POST_REPLY: reply(c, p); break;
    case POST_HINT: step(c, p->member, (irx_input){.kind = IRX_IN_HINT}); break;
    case POST_UP: come_up(c, p); break;
    case POST_DOWN: go_down(c, p); break;
    case POST_PROBE: probe(c, p); break;
    case POST_GONE:
        input.kind = IRX_IN_GONE;
        input.gone.process = p->id;
        step(c, p->member, input);
        break;
    default: break;
    }
}

static void check(cluster *c)
{
    int leaders = 0;
    for (int i = 0; i < c->plan->members; i++) {
        node *n = &c->nodes[i];
        if (!leads(c, n))
            continue;
        leaders++;
        if (!n->paused && n->snapshot.token.term > c->highest_accepted)
            c->highest_accepted = n->snapshot.token.term;
    }
    if (leaders > 1) {
        c->report->overlaps++;
        if (c->plan->exclusive)
            fail(c, "%d leaders at one instant", leaders);
    }
}

/* A paused member's letters wait for it; on resume they come in whatever order they lie there. */
static bool waits(const cluster *c, const post *p)
{
    const node *n = &c->nodes[p->member];
    return n->paused && p->kind != POST_REQUEST && p->kind != POST_RESUME &&
           p->kind != POST_PRESENCE_END && p->kind != POST_RESTART;
}

static void next(cluster *c, int64_t until_ns)
{
    int64_t at_ns = until_ns;
    size_t which = POSTS_MAX;
    int timer = -1;
    for (size_t i = 0; i < c->post_count; i++) {
        if (waits(c, &c->posts[i]))
            continue;
        if (c->posts[i].at_ns < at_ns || (which < POSTS_MAX && c->posts[i].at_ns == at_ns &&
                                          c->posts[i].order < c->posts[which].order)) {
            at_ns = c->posts[i].at_ns;
            which = i;
        }
    }
    for (int i = 0; i < c->plan->members; i++) {
        const node *n = &c->nodes[i];
        if (!n->running || n->paused)
            continue;
        int64_t due_ns = true_ns(n, irx_engine_deadline(n->engine));
        if (due_ns < at_ns) {
            at_ns = due_ns;
            timer = i;
        }
    }
    if (at_ns > c->now_ns)
        c->now_ns = at_ns;
    if (timer >= 0) {
        step(c, timer, (irx_input){.kind = IRX_IN_TIMEOUT});
    } else if (which < POSTS_MAX) {
        post p = c->posts[which];
        c->posts[which] = c->posts[--c->post_count];
        deliver(c, &p);
    }
    check(c);
}

static void calm(cluster *c)
{
    c->quiet = true;
    for (int i = 0; i < c->plan->members; i++) {
        c->nodes[i].cut_until_ns = 0;
        c->nodes[i].work = 0;
    }
}

static bool led(const cluster *c)
{
    for (int i = 0; i < c->plan->members; i++) {
        if (leads(c, &c->nodes[i]))
            return true;
    }
    return false;
}

/* Who was asked to stop is started again, at one chance in `one_in` a step. */
static void start_stopped(cluster *c, uint64_t one_in)
{
    for (int i = 0; i < c->plan->members; i++) {
        node *n = &c->nodes[i];
        if (n->running && !n->paused && n->snapshot.role == IRX_ROLE_STOPPED &&
            draw(c, one_in) == 0)
            start(c, i);
    }
}

void cluster_run(const cluster_plan *plan, bool verbose, cluster_report *report)
{
    cluster *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->plan = plan;
    c->report = report;
    c->verbose = verbose;
    c->random = plan->seed;
    c->epoch = draw_id(c);
    for (int i = 0; i < plan->members; i++) {
        node *n = &c->nodes[i];
        n->engine = malloc(irx_engine_size());
        n->offset_ns = (int64_t)draw(c, 1000000) * MS;
        n->rate_ppm = (int64_t)draw(c, 2 * plan->drift_ppm + 1) - (int64_t)plan->drift_ppm;
        start(c, i);
    }
    c->next_fault_ns = 500 * MS;
    while (c->now_ns < plan->length_ms * MS && report->failure[0] == '\0') {
        next(c, c->next_fault_ns);
        if (c->now_ns >= c->next_fault_ns)
            go_wrong(c);
        start_stopped(c, 100);
    }
    calm(c);
    /* Every member is back after six seconds; then two holds for a late change of epoch, a poll,
     * and a rest. */
    int64_t end_ns = c->now_ns + 20000 * MS;
    while (c->now_ns < end_ns && report->failure[0] == '\0') {
        start_stopped(c, 1);
        next(c, end_ns);
    }
    if (!led(c))
        fail(c, "nobody leads after a quiet time");
    for (int i = 0; i < plan->members; i++)
        free(c->nodes[i].engine);
    irx__table_free(&c->table);
    free(c);
}
