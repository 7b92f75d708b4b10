/* What goes wrong with a Redis server and the way to it, and what the medium says then: what surely
 * was not applied is FAILED, what may have been is UNKNOWN, each with a code and a story. Against
 * real servers. */
#include "cmocka_all.h"

#include "proxy.h"
#include "redis_rig.h"
#include "redis_server.h"
#include "runtime/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static redis_server *server;
static rig *r;
static rig_seat *seat;

static const irx_id A = {1, 1};

static int start(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    r = rig_open(redis_server_url(server), "interrex");
    seat = rig_attach(r, "billing", "host:1");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_detach(r, seat);
    rig_close(r);
    redis_server_stop(server);
    return 0;
}

static const irx_record *lead(void)
{
    rig_up_both(r);
    assert_int_equal(rig_take(r, seat, A, IRX_TAKEOVER_FAST)->status, IRX_RESULT_OK);
    return &seat->result.record;
}

static irx_status_kind renew(const irx_record *held, uint64_t more)
{
    irx_op op = rig_renew(r, held, held->beat + more);
    return rig_do(r, seat, &op)->status;
}

static irx_status_kind read_record(void)
{
    irx_op op = rig_op(r, IRX_OP_READ, A);
    return rig_do(r, seat, &op)->status;
}

static void assert_down(irx_channel channel, int code, const char *words)
{
    assert_false(r->up[channel]);
    assert_int_equal(r->why[channel].code, code);
    if (strstr(r->why[channel].text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", r->why[channel].text, words);
}

static void assert_told(irx_status_kind status, int code, const char *words)
{
    assert_int_equal(seat->result.status, status);
    assert_int_equal(seat->result.error_code, code);
    assert_int_equal(seat->why.code, code);
    if (strstr(seat->why.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", seat->why.text, words);
}

/* One of this session's own. */
static irx_status_kind publish(const irx_record *held, const char *value)
{
    irx_op op = rig_renew(r, held, 0);
    op.kind = IRX_OP_PUBLISH;
    op.data = value;
    op.length = strlen(value);
    return rig_do(r, seat, &op)->status;
}

/* ---- the way to the server --------------------------------------------------------------------
 */

static void a_server_that_is_down_is_unreachable_until_it_is_up(void **state)
{
    (void)state;
    redis_server_kill(server);
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_down(IRX_CHANNEL_COMMAND, IRX_EUNREACHABLE, "Connection refused");
    assert_false(rig_up(r, IRX_CHANNEL_PRESENCE));
    assert_down(IRX_CHANNEL_PRESENCE, IRX_EUNREACHABLE, "Connection refused");
    redis_server_restart(server, true);
    lead();
}

static void killed_connections_are_told_each_by_itself(void **state)
{
    (void)state;
    irx_record held = *lead();
    irx_id process = r->id[IRX_CHANNEL_PRESENCE];
    irx_id epoch = r->id[IRX_CHANNEL_COMMAND];

    redis_server_say(server, "CLIENT KILL TYPE normal");
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_COMMAND], 1));
    assert_down(IRX_CHANNEL_COMMAND, IRX_EUNREACHABLE, "closed the connection");
    assert_true(r->up[IRX_CHANNEL_PRESENCE]);
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_true(irx_id_equal(r->id[IRX_CHANNEL_COMMAND], epoch));
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK); /* losing it cost nothing */
    assert_true(seat->result.record.presence_seen);

    redis_server_say(server, "CLIENT KILL TYPE pubsub");
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_PRESENCE], 1));
    assert_true(r->up[IRX_CHANNEL_COMMAND]);
    assert_int_equal(renew(&held, 2), IRX_RESULT_OK);
    assert_true(seat->result.record.presence_seen); /* it was, and its end must show */
    assert_true(rig_up(r, IRX_CHANNEL_PRESENCE));
    assert_false(irx_id_equal(r->id[IRX_CHANNEL_PRESENCE], process));
    assert_int_equal(renew(&held, 3), IRX_RESULT_OK);
    assert_true(seat->result.record.presence_seen);

    redis_server_say(server, "CLIENT KILL SKIPME yes");
    redis_server_say(server, "CLIENT KILL TYPE pubsub");
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_COMMAND], 2));
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_PRESENCE], 2));
    rig_up_both(r);
    assert_int_equal(renew(&held, 4), IRX_RESULT_OK);
}

/* In flight when the connection goes: the loss is told, and nothing one by one. */
static void operations_under_way_end_with_their_connection(void **state)
{
    (void)state;
    irx_record held = *lead();
    unsigned results = seat->results;
    redis_server_signal(server, SIGSTOP);
    irx_op op = rig_renew(r, &held, held.beat + 1);
    rig_submit(r, seat, &op);
    rig_say(r, seat, 1, "hello");
    rig_run_ms(r, 20);
    redis_server_kill(server);
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_COMMAND], 1));
    rig_say(r, seat, 2, "still here?");
    rig_run_ms(r, 50);
    assert_int_equal(seat->results, results);
    assert_int_equal(seat->sents, 0);
}

static void a_server_that_is_silent_leaves_the_outcome_unknown(void **state)
{
    (void)state;
    irx_record held = *lead();
    unsigned results = seat->results;
    redis_server_signal(server, SIGSTOP);
    irx_op op = rig_renew(r, &held, held.beat + 1);
    op.deadline_ns = irx__clock_boot_ns() + 100 * (int64_t)RIG_MS;
    rig_do(r, seat, &op);
    assert_true(irx__clock_boot_ns() >= op.deadline_ns);
    assert_told(IRX_RESULT_UNKNOWN, IRX_ETIMEOUT, "did not answer in time");
    redis_server_signal(server, SIGCONT);
    assert_int_equal(read_record(), IRX_RESULT_OK); /* it did land */
    assert_int_equal(seat->result.record.beat, held.beat + 1);
    assert_int_equal(seat->results, results + 2); /* the late answer was not told */
}

static void a_half_open_connection_leaves_the_outcome_unknown(void **state)
{
    (void)state;
    char url[64];
    proxy *way = proxy_start(redis_server_port(server));
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy_port(way));
    rig *far = rig_open(url, "interrex");
    rig_seat *place = rig_attach(far, "billing", "host:2");
    rig_up_both(far);
    irx_record held = rig_take(far, place, A, IRX_TAKEOVER_SAFE)->record;

    proxy_silence(way, true);
    irx_op op = rig_renew(far, &held, held.beat + 1);
    op.deadline_ns = irx__clock_boot_ns() + 100 * (int64_t)RIG_MS;
    rig_do(far, place, &op);
    assert_int_equal(place->result.status, IRX_RESULT_UNKNOWN);
    assert_int_equal(place->result.error_code, IRX_ETIMEOUT);
    assert_true(
        far->up[IRX_CHANNEL_COMMAND]); /* whether to give it up is not the medium's decision */

    irx__medium_redis.disconnect(far->medium, IRX_CHANNEL_COMMAND);
    assert_false(rig_up(far, IRX_CHANNEL_COMMAND));
    assert_int_equal(far->why[IRX_CHANNEL_COMMAND].code, IRX_EUNREACHABLE);
    assert_non_null(strstr(far->why[IRX_CHANNEL_COMMAND].text, "did not answer within 2 s"));

    proxy_silence(way, false);
    assert_true(rig_up(far, IRX_CHANNEL_COMMAND));
    irx_op read = rig_op(far, IRX_OP_READ, A);
    assert_int_equal(rig_do(far, place, &read)->record.beat, held.beat);
    rig_detach(far, place);
    rig_close(far);
    proxy_stop(way);
}

/* ---- the store is another one -----------------------------------------------------------------
 */

static void a_server_that_is_back_empty_has_a_new_epoch(void **state)
{
    (void)state;
    irx_record held = *lead();
    irx_id epoch = r->id[IRX_CHANNEL_COMMAND];
    redis_server_kill(server);
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_COMMAND], 1));
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_PRESENCE], 1));
    redis_server_restart(server, true);
    rig_up_both(r);
    assert_false(irx_id_equal(r->id[IRX_CHANNEL_COMMAND], epoch));
    assert_int_equal(read_record(), IRX_RESULT_ABSENT);
    irx_op op = rig_renew(r, &held, held.beat + 1);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_ABSENT);
    op.epoch = epoch;
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_EPOCH);
}

static void older_data_come_back_under_a_new_epoch(void **state)
{
    (void)state;
    irx_record held = *lead();
    irx_id epoch = r->id[IRX_CHANNEL_COMMAND];
    redis_server_say(server, "SAVE");
    assert_int_equal(renew(&held, 5), IRX_RESULT_OK);
    redis_server_kill(server);
    assert_true(rig_wait(r, &r->downs[IRX_CHANNEL_COMMAND], 1));
    redis_server_restart(server, true);
    rig_up_both(r);
    assert_false(irx_id_equal(r->id[IRX_CHANNEL_COMMAND], epoch));
    assert_int_equal(read_record(), IRX_RESULT_OK);
    assert_int_equal(seat->result.record.beat, held.beat);
    assert_true(irx_id_equal(seat->result.record.epoch, epoch)); /* so that it can be told apart */
}

static void a_flush_is_another_epoch(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "FLUSHALL");
    assert_int_equal(renew(&held, 1), IRX_RESULT_EPOCH);
    assert_false(seat->result.has_record);
    assert_false(irx_id_none(seat->result.epoch));
    assert_false(irx_id_equal(seat->result.epoch, held.epoch));
    irx_id fresh = seat->result.epoch;
    assert_int_equal(read_record(), IRX_RESULT_EPOCH);
    assert_true(irx_id_equal(seat->result.epoch, fresh)); /* it stays */
    irx_op create = rig_op(r, IRX_OP_CREATE, A);
    create.epoch = fresh;
    create.incarnation = rig_id(9);
    assert_int_equal(rig_do(r, seat, &create)->status, IRX_RESULT_OK);
}

/* The store's key alone is lost: nobody may go on as if nothing had happened, nor ask for ever. */
static void a_lost_identity_is_another_epoch(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "DEL interrex:store");
    assert_int_equal(renew(&held, 1), IRX_RESULT_EPOCH);
    assert_true(seat->result.has_record);
    assert_false(irx_id_equal(seat->result.epoch, held.epoch));
    irx_op join = rig_op(r, IRX_OP_JOIN, A);
    join.epoch = seat->result.epoch;
    assert_int_equal(rig_do(r, seat, &join)->status, IRX_RESULT_OK);
}

static void an_evicted_record_is_absent(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "DEL interrex:{billing}");
    assert_int_equal(renew(&held, 1), IRX_RESULT_ABSENT);
    assert_int_equal(read_record(), IRX_RESULT_ABSENT);
    irx_op claim = rig_claim(r, IRX_OP_CLAIM, A, &held);
    assert_int_equal(rig_do(r, seat, &claim)->status, IRX_RESULT_ABSENT);
    assert_string_equal(redis_server_say(server, "EXISTS interrex:{billing}"), "0");
}

static void forgotten_scripts_are_loaded_again(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "SCRIPT FLUSH");
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK);
    /* Several at once: each is done, and each script loaded once (that of READ too). */
    redis_server_say(server, "SCRIPT FLUSH");
    redis_server_say(server, "CONFIG RESETSTAT");
    unsigned results = seat->results;
    for (uint64_t i = 0; i < 10; i++) {
        irx_op op = rig_renew(r, &held, held.beat + 2 + i);
        rig_submit(r, seat, &op);
    }
    assert_true(rig_wait(r, &seat->results, results + 10));
    assert_int_equal(seat->result.status, IRX_RESULT_OK);
    assert_int_equal(read_record(), IRX_RESULT_OK);
    assert_int_equal(seat->result.record.beat, held.beat + 11);
    assert_non_null(strstr(redis_server_say(server, "INFO commandstats"), "script|load:calls=2,"));
}

static void a_watch_goes_on_when_its_script_was_forgotten(void **state)
{
    (void)state;
    lead();
    irx__medium_redis.watch(r->medium, &seat->seat, r->id[IRX_CHANNEL_PRESENCE], 5 * RIG_MS);
    rig_run_ms(r, 30);
    redis_server_say(server, "SCRIPT FLUSH");
    rig_run_ms(r, 30);
    assert_int_equal(seat->gones, 0);
    irx__medium_redis.disconnect(r->medium, IRX_CHANNEL_PRESENCE);
    assert_true(rig_wait(r, &seat->gones, 1));
    assert_int_equal(r->warnings, 0);
}

/* The value is sent again with its script, whole, and is written once. */
static void a_forgotten_script_publishes_all_the_same(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "SCRIPT FLUSH");
    assert_int_equal(publish(&held, "first"), IRX_RESULT_OK);
    assert_int_equal(publish(&held, "second"), IRX_RESULT_OK);
    assert_int_equal(seat->result.record.value.index, 2);
    assert_int_equal(seat->seat.value_length, 6);
    assert_memory_equal(seat->seat.value, "second", 6);
    assert_string_equal(redis_server_say(server, "HGET interrex:{billing} value"), "second");
}

/* ---- the server refuses -----------------------------------------------------------------------
 */

static void a_replica_is_refused(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(renew(&held, 1), IRX_RESULT_FAILED);
    assert_told(IRX_RESULT_FAILED, IRX_EUNAVAILABLE, "primary");
    irx_op claim = rig_claim(r, IRX_OP_CLAIM, A, &held);
    rig_do(r, seat, &claim);
    assert_told(IRX_RESULT_FAILED, IRX_EUNAVAILABLE, "primary");
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_down(IRX_CHANNEL_COMMAND, IRX_EUNAVAILABLE, "primary");
    redis_server_say(server, "REPLICAOF NO ONE");
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
}

/* Nothing of a refused operation may be left behind, however many keys it would have written. */
static void without_memory_nothing_is_applied(void **state)
{
    (void)state;
    irx_record held = *lead();
    char before[4096];
    redis_server_say(server, "CONFIG SET maxmemory 1");
    strcpy(before, redis_server_say(server, "HGETALL interrex:{billing}"));
    renew(&held, 1);
    assert_told(IRX_RESULT_FAILED, IRX_EFULL, "maxmemory");
    irx_op op = rig_op(r, IRX_OP_JOIN, A);
    rig_do(r, seat, &op);
    assert_told(IRX_RESULT_FAILED, IRX_EFULL, "maxmemory");
    op = rig_claim(r, IRX_OP_CLAIM, A, &held);
    rig_do(r, seat, &op);
    assert_told(IRX_RESULT_FAILED, IRX_EFULL, "maxmemory");
    op = rig_renew(r, &held, 0);
    op.kind = IRX_OP_RELEASE;
    op.leave = true;
    rig_do(r, seat, &op);
    assert_told(IRX_RESULT_FAILED, IRX_EFULL, "maxmemory");
    publish(&held, "too much");
    assert_told(IRX_RESULT_FAILED, IRX_EFULL, "maxmemory");
    assert_null(seat->seat.value);
    assert_string_equal(redis_server_say(server, "HGETALL interrex:{billing}"), before);
    assert_string_equal(redis_server_say(server, "EXISTS interrex:{billing}:members"), "0");
    redis_server_say(server, "CONFIG SET maxmemory 0");
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK);
}

static void a_policy_that_drops_our_keys_is_warned_of_once(void **state)
{
    (void)state;
    redis_server_say(server, "CONFIG SET maxmemory-policy allkeys-lru");
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND)); /* without a limit nothing is dropped */
    assert_int_equal(r->warnings, 0);
    redis_server_say(server, "CONFIG SET maxmemory 100mb");
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(r->warnings, 1);
    assert_non_null(strstr(r->warning.text, "allkeys-lru"));
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(r->warnings, 1);
}

static void too_few_replicas_refuse_writes(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "CONFIG SET min-replicas-to-write 1");
    renew(&held, 1);
    assert_told(IRX_RESULT_FAILED, IRX_EUNAVAILABLE, "min-replicas-to-write");
    redis_server_say(server, "CONFIG SET min-replicas-to-write 0");
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK);
}

static void a_server_that_can_not_save_refuses_writes(void **state)
{
    (void)state;
    irx_record held = *lead();
    /* Saving into a directory that is gone. */
    char command[128];
    snprintf(command, sizeof command, "%s/gone", redis_server_directory(server));
    redis_server_say(server, "CONFIG SET save %s", "3600 1");
    snprintf(command, sizeof command, "mkdir %s/gone", redis_server_directory(server));
    assert_int_equal(system(command), 0);
    redis_server_say(server, "CONFIG SET dir %s/gone", redis_server_directory(server));
    snprintf(command, sizeof command, "rmdir %s/gone", redis_server_directory(server));
    assert_int_equal(system(command), 0);
    redis_server_say(server, "BGSAVE");
    for (int i = 0; i < 500 && strstr(redis_server_say(server, "INFO persistence"),
                                      "rdb_last_bgsave_status:err") == NULL;
         i++)
        rig_run_ms(r, 10);
    renew(&held, 1);
    assert_told(IRX_RESULT_FAILED, IRX_EUNAVAILABLE, "can not save to disk");
    redis_server_say(server, "CONFIG SET save %s", "");
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK);
}

/* The server waits 1 ms before each key that it loads, so that there is time to ask. */
static void a_server_that_is_loading_is_unavailable(void **state)
{
    (void)state;
    const char *const slow[] = {"--key-load-delay", "1000",
                                "--loading-process-events-interval-bytes", "1024", NULL};
    redis_server_stop(server);
    server = redis_server_start(slow);
    rig *other = rig_open(redis_server_url(server), "interrex");
    redis_server_say(server, "DEBUG POPULATE 2000 x 10");
    redis_server_say(server, "SAVE");
    redis_server_kill(server);
    redis_server_restart(server, false);
    assert_false(rig_up(other, IRX_CHANNEL_COMMAND));
    assert_int_equal(other->why[IRX_CHANNEL_COMMAND].code, IRX_EUNAVAILABLE);
    assert_non_null(strstr(other->why[IRX_CHANNEL_COMMAND].text, "loading its data"));
    for (int i = 0; i < 1000 && !rig_up(other, IRX_CHANNEL_COMMAND); i++)
        rig_run_ms(other, 10);
    assert_true(other->up[IRX_CHANNEL_COMMAND]);
    rig_close(other);
}

static void somebody_elses_endless_script_is_unavailable(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "CONFIG SET busy-reply-threshold 1");
    pid_t child = fork();
    if (child == 0) {
        redis_server_say(server, "EVAL %s 0", "while true do end");
        _exit(0);
    }
    for (int i = 0; i < 500; i++) {
        if (strstr(redis_server_say(server, "PING"), "-BUSY") != NULL)
            break;
        rig_run_ms(r, 10);
    }
    renew(&held, 1);
    assert_told(IRX_RESULT_FAILED, IRX_EUNAVAILABLE, "SCRIPT KILL");
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_down(IRX_CHANNEL_COMMAND, IRX_EUNAVAILABLE, "SCRIPT KILL");
    redis_server_say(server, "SCRIPT KILL");
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK);
}

/* ---- foreign shapes ---------------------------------------------------------------------------
 */

static void assert_foreign(const char *words)
{
    static const irx_op_kind kinds[] = {IRX_OP_READ,  IRX_OP_JOIN,   IRX_OP_RENEW,
                                        IRX_OP_CLAIM, IRX_OP_STRIKE, IRX_OP_PUBLISH};
    irx_record nothing;
    memset(&nothing, 0, sizeof nothing);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        irx_op op = rig_claim(r, kinds[i], A, &nothing);
        rig_do(r, seat, &op);
        assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
    }
}

static void a_record_of_another_type_is_foreign_and_left_alone(void **state)
{
    (void)state;
    rig_up_both(r);
    redis_server_say(server, "SET interrex:{billing} theirs");
    assert_foreign("\"interrex:{billing}\" is not ours: it is not a hash");
    assert_string_equal(redis_server_say(server, "GET interrex:{billing}"), "theirs");
    redis_server_say(server, "DEL interrex:{billing}");
    redis_server_say(server, "HSET interrex:{billing} theirs 1");
    assert_foreign("it has no field \"format\"");
    assert_string_equal(redis_server_say(server, "HGETALL interrex:{billing}"), "theirs 1");
}

static void a_field_that_makes_no_sense_is_foreign_and_named(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"format", "0"},          {"incarnation", "xyz"}, {"term", "9007199254740992"},
        {"term", "-1"},           {"session", "12"},      {"process", "zz"},
        {"beat", "1e3"},          {"hold", "soon"},       {"protocol", "raft"},
        {"takeover", "hostile"},  {"epoch", ""},          {"successor", "me"},
        {"presence_seen", "yes"}, {"value_term", "old"},  {"value_index", "new"},
        {"list", "long"},         {"voters", "all"},
    };
    irx_record held = *lead();
    assert_int_equal(publish(&held, "value"), IRX_RESULT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char good[128];
        char words[64];
        strcpy(good, redis_server_say(server, "HGET interrex:{billing} %s", bad[i][0]));
        redis_server_say(server, "HSET interrex:{billing} %s %s", bad[i][0], bad[i][1]);
        snprintf(words, sizeof words, "field \"%s\" is \"%s\"", bad[i][0], bad[i][1]);
        irx__medium_redis.disconnect(r->medium, IRX_CHANNEL_COMMAND); /* nothing known any more */
        assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
        read_record();
        assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
        if (good[0] == '\0') /* which %s would leave out */
            redis_server_say(server, "HSET interrex:{billing} %s %b", bad[i][0], "", (size_t)0);
        else
            redis_server_say(server, "HSET interrex:{billing} %s %s", bad[i][0], good);
    }
    redis_server_say(server, "HDEL interrex:{billing} hold");
    read_record();
    assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, "it has no field \"hold\"");
    assert_int_equal(renew(&held, 1), IRX_RESULT_OK); /* which writes it anew */
}

/* As of before there was a value: nothing that writes may take it for its own. */
static void a_record_that_lacks_a_field_is_not_ours(void **state)
{
    (void)state;
    static const char *const fields[] = {"value_term", "value_index", "list", "voters"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char words[64];
        char before[2048];
        redis_server_say(server, "FLUSHALL");
        irx_record held = *lead();
        snprintf(words, sizeof words, "it has no field \"%s\"", fields[i]);
        redis_server_say(server, "HDEL interrex:{billing} %s", fields[i]);
        strcpy(before, redis_server_say(server, "HGETALL interrex:{billing}"));
        read_record();
        assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
        if (strcmp(fields[i], "voters") != 0) { /* which a renewal does not look at */
            renew(&held, 1);
            assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
        }
        publish(&held, "value");
        assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
        irx_op op = rig_claim(r, IRX_OP_CLAIM, A, &held);
        rig_do(r, seat, &op);
        assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
        op = rig_renew(r, &held, 0);
        op.kind = IRX_OP_RELEASE;
        rig_do(r, seat, &op);
        assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, words);
        assert_string_equal(redis_server_say(server, "HGETALL interrex:{billing}"), before);
    }
}

/* A version that promises a value, and bytes that are none. */
static void a_value_that_is_not_there_is_foreign(void **state)
{
    (void)state;
    irx_record held = *lead();
    redis_server_say(server, "HSET interrex:{billing} value_term 9 value_index 1");
    read_record();
    assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, "it has no field \"value\"");
    char *large = malloc(IRX_VALUE_MAX + 1);
    memset(large, 'x', IRX_VALUE_MAX + 1);
    redis_server_say(server, "HSET interrex:{billing} value %b", large, (size_t)IRX_VALUE_MAX + 1);
    read_record();
    assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, "field \"value\" is \"xxxx");
    free(large);
    assert_null(seat->seat.value);
    assert_int_equal(publish(&held, "ours"), IRX_RESULT_OK); /* which writes it anew */
    assert_int_equal(read_record(), IRX_RESULT_OK);
}

static void a_member_table_of_another_shape_is_foreign(void **state)
{
    (void)state;
    rig_up_both(r);
    redis_server_say(server, "HSET interrex:{billing}:members nobody 1 #version 7");
    read_record();
    assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, "interrex:{billing}:members");
    redis_server_say(server, "DEL interrex:{billing}:members");
    redis_server_say(server, "HSET interrex:{billing}:members %s %s #version 8",
                     "00000000000000010000000000000001", "1\xc2\xa0- 1 label");
    read_record();
    assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, "interrex:{billing}:members");
    redis_server_say(server, "DEL interrex:{billing}:members");
    redis_server_say(server, "SET interrex:{billing}:members theirs");
    read_record();
    assert_told(IRX_RESULT_FAILED, IRX_EFOREIGN, "it is not a hash");
}

static void an_identity_of_another_shape_refuses_the_connection(void **state)
{
    (void)state;
    redis_server_say(server, "SET interrex:store theirs");
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_down(IRX_CHANNEL_COMMAND, IRX_EFOREIGN, "\"interrex:store\"");
    assert_string_equal(redis_server_say(server, "GET interrex:store"), "theirs");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_is_down_is_unreachable_until_it_is_up),
        TEST(killed_connections_are_told_each_by_itself),
        TEST(operations_under_way_end_with_their_connection),
        TEST(a_server_that_is_silent_leaves_the_outcome_unknown),
        TEST(a_half_open_connection_leaves_the_outcome_unknown),
        TEST(a_server_that_is_back_empty_has_a_new_epoch),
        TEST(older_data_come_back_under_a_new_epoch),
        TEST(a_flush_is_another_epoch),
        TEST(a_lost_identity_is_another_epoch),
        TEST(an_evicted_record_is_absent),
        TEST(forgotten_scripts_are_loaded_again),
        TEST(a_watch_goes_on_when_its_script_was_forgotten),
        TEST(a_forgotten_script_publishes_all_the_same),
        TEST(a_replica_is_refused),
        TEST(without_memory_nothing_is_applied),
        TEST(a_policy_that_drops_our_keys_is_warned_of_once),
        TEST(too_few_replicas_refuse_writes),
        TEST(a_server_that_can_not_save_refuses_writes),
        TEST(a_server_that_is_loading_is_unavailable),
        TEST(somebody_elses_endless_script_is_unavailable),
        TEST(a_record_of_another_type_is_foreign_and_left_alone),
        TEST(a_field_that_makes_no_sense_is_foreign_and_named),
        TEST(a_record_that_lacks_a_field_is_not_ours),
        TEST(a_value_that_is_not_there_is_foreign),
        TEST(a_member_table_of_another_shape_is_foreign),
        TEST(an_identity_of_another_shape_refuses_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
