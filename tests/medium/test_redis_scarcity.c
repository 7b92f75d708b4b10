/* The Redis medium without memory: each allocation fails once, on the way up and in every
 * operation. What can not be done is told (the channel is down, or the operation failed), nothing
 * waits for ever, and afterwards all is well. The allocator is this program's own, over the C
 * library's; a sanitizer brings one too, and then there is nothing to test. */
#include "cmocka_all.h"

#include "redis_rig.h"
#include "redis_server.h"

#include <errno.h>
#include <ev.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static redis_server *server;

static const irx_id A = {1, 1};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 1

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static _Atomic int left = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
    bool now = atomic_load(&left) >= 0 && atomic_fetch_sub(&left, 1) == 0;
    if (now)
        errno = ENOMEM;
    return now;
}

IRX_API void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

IRX_API void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

IRX_API void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

/* libev ends the process when it gets no memory, which is its word about itself, not ours. */
static void *for_libev(void *memory, long size)
{
    if (size)
        return __libc_realloc(memory, (size_t)size);
    free(memory);
    return NULL;
}

static void open_and_attach(const char *url, int nth, bool *reached)
{
    irx_url parsed;
    irx_seat seat = {.name = "billing", .label = "host:1"};
    irx_medium *medium = NULL;
    irx_error error;
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    assert_int_equal(irx__url_parse(url, &parsed, &error), 0);
    const irx_medium_config config = {
        .url = &parsed, .namespace_name = "interrex", .heartbeat_ns = RIG_MS, .loop = loop};

    atomic_store(&left, nth);
    int code = irx__medium_redis.open(&config, &medium, &error);
    assert_true(code == 0 || (code == IRX_ENOMEM && medium == NULL));
    if (code == 0) {
        code = irx__medium_redis.attach(medium, &seat, &error);
        assert_true(code == 0 || code == IRX_ENOMEM);
        if (code == 0)
            irx__medium_redis.detach(medium, &seat);
        irx__medium_redis.close(medium);
    }
    *reached = atomic_exchange(&left, -1) < 0;
    ev_loop_destroy(loop);
}

/* Runs the loop until `done` of them have come or the channel went down. */
static void await(rig *r, irx_channel channel, const unsigned *count, unsigned done)
{
    for (;;) {
        ev_invoke_pending(r->loop); /* what was queued by a call; then the loop may block */
        if (*count >= done || r->downs[channel] > 0)
            return;
        ev_run(r->loop, EVRUN_ONCE);
    }
}

/* Everything once. The rig's own waiting allocates nothing. */
static void live(rig *r, rig_seat *seat)
{
    static const irx_op_kind kinds[] = {IRX_OP_JOIN,   IRX_OP_CREATE,  IRX_OP_CLAIM, IRX_OP_READ,
                                        IRX_OP_RENEW,  IRX_OP_PUBLISH, IRX_OP_READ,  IRX_OP_PUBLISH,
                                        IRX_OP_STRIKE, IRX_OP_LEAVE};
    irx_record held = {.session = A, .takeover = IRX_TAKEOVER_FAST};
    seat->seat.value_version = (irx_version){0, 0}; /* of a store that was emptied */
    seat->seat.meta = "meta";
    seat->seat.meta_length = 4;
    rig_connect(r, IRX_CHANNEL_PRESENCE);
    rig_connect(r, IRX_CHANNEL_COMMAND);
    await(r, IRX_CHANNEL_PRESENCE, &r->ups[IRX_CHANNEL_PRESENCE], 1);
    await(r, IRX_CHANNEL_COMMAND, &r->ups[IRX_CHANNEL_COMMAND], 1);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && r->up[IRX_CHANNEL_COMMAND]; i++) {
        irx_op op = rig_op(r, kinds[i], A);
        unsigned results = seat->results;
        op.incarnation = rig_id(1);
        if (kinds[i] == IRX_OP_CLAIM)
            op = rig_claim(r, IRX_OP_CLAIM, A, &held);
        if (kinds[i] == IRX_OP_RENEW || kinds[i] == IRX_OP_PUBLISH) {
            op = rig_renew(r, &held, held.beat + 1);
            op.kind = kinds[i];
            op.data = "value";
            op.length = 5;
        }
        rig_submit(r, seat, &op);
        await(r, IRX_CHANNEL_COMMAND, &seat->results, results + 1);
        if (seat->results > results && seat->result.error_code != 0)
            assert_int_equal(seat->result.error_code, IRX_ENOMEM);
        if (seat->results > results && seat->result.has_record)
            held = seat->result.record;
        if (seat->results > results && kinds[i] == IRX_OP_PUBLISH &&
            seat->result.status == IRX_RESULT_OK) {
            assert_int_equal(seat->seat.value_length, 5);
            assert_int_equal(seat->seat.value_version.index, held.value.index);
        }
    }
    if (r->up[IRX_CHANNEL_COMMAND]) {
        unsigned sents = seat->sents;
        rig_say(r, seat, 1, "to everybody");
        rig_say_to(r, seat, r->id[IRX_CHANNEL_PRESENCE], 2, "to oneself", 10);
        await(r, IRX_CHANNEL_COMMAND, &seat->sents, sents + 2);
    }
    if (r->up[IRX_CHANNEL_COMMAND]) {
        irx__medium_redis.watch(r->medium, &seat->seat, rig_id(99), 5 * RIG_MS);
        await(r, IRX_CHANNEL_COMMAND, &seat->gones, 1);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bool reached = true;
    for (int nth = 0; reached; nth++)
        open_and_attach(redis_server_url(server), nth, &reached);
    reached = true;
    for (int nth = 0; reached; nth++)
        open_and_attach("redis://a-name-to-look-up", nth, &reached);
    reached = true;
    int nth = 0;
    for (; reached; nth++) {
        rig *r = rig_open(redis_server_url(server), "interrex");
        rig_seat *seat = rig_attach(r, "billing", "host:1");
        redis_server_say(server, "FLUSHALL");
        atomic_store(&left, nth);
        live(r, seat);
        reached = atomic_exchange(&left, -1) < 0;
        for (int channel = 0; channel < 2; channel++)
            if (r->downs[channel] > 0)
                assert_int_equal(r->why[channel].code, IRX_ENOMEM);
        r->downs[0] = r->downs[1] = r->ups[0] = r->ups[1] = seat->gones = 0;
        redis_server_say(server, "FLUSHALL");
        live(r, seat);
        assert_int_equal(r->downs[0] + r->downs[1], 0);
        assert_int_equal(seat->result.error_code, 0);
        rig_detach(r, seat);
        rig_close(r);
    }
    assert_true(nth > 50);
}
#else
static void every_allocation_may_fail(void **state)
{
    (void)state;
    (void)A;
    rig *r = rig_open(redis_server_url(server), "interrex");
    rig_up_both(r); /* what is left of it */
    rig_close(r);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
#ifdef OWN_ALLOCATOR
    ev_set_allocator(for_libev);
#endif
    server = redis_server_start(NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_server_stop(server);
    return failed;
}
