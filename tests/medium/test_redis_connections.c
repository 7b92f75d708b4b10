/* Who may connect to a Redis server, how, and what of it: users, databases, sockets, names, many
 * seats on two connections, and callers that close in the middle of an answer. Against real
 * servers. */
#include "cmocka_all.h"

#include "proxy.h"
#include "redis_rig.h"
#include "redis_server.h"

#include <arpa/inet.h>
#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static redis_server *server;

static const irx_id A = {1, 1};

static int start(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_server_stop(server);
    return 0;
}

static const char *url(const char *before_host, const char *after)
{
    static char text[256];
    snprintf(text, sizeof text, "redis://%s127.0.0.1:%d%s", before_host, redis_server_port(server),
             after);
    return text;
}

/* Every kind of operation once, with the outcome that shows it was really done. */
static void take_part(rig *r)
{
    rig_seat *seat = rig_attach(r, "billing", "host:1");
    assert_true(rig_wait(r, &seat->hints, 1));
    irx_op op = rig_op(r, IRX_OP_JOIN, A);
    rig_do(r, seat, &op);
    assert_int_equal(seat->result.status, IRX_RESULT_OK);
    assert_int_equal(seat->seat.member_count, 1);
    rig_take(r, seat, A, IRX_TAKEOVER_FAST);
    assert_int_equal(seat->result.status, IRX_RESULT_OK);
    assert_true(seat->result.record.presence_seen);
    irx_record held = seat->result.record;
    op = rig_renew(r, &held, held.beat + 1);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    op = rig_op(r, IRX_OP_READ, A);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    op = rig_claim(r, IRX_OP_CLAIM_IF_GONE, A, &seat->result.record);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_CONFLICT);
    op = rig_op(r, IRX_OP_STRIKE, A);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    op = rig_renew(r, &held, 0);
    op.kind = IRX_OP_PUBLISH;
    op.data = "value";
    op.length = 5;
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    rig_say(r, seat, 1, "hello");
    rig_say_to(r, seat, r->id[IRX_CHANNEL_PRESENCE], 2, "hello", 5);
    assert_true(rig_wait(r, &seat->sents, 2));
    assert_int_equal(seat->sent[1].code + seat->sent[2].code, 0);
    assert_true(rig_wait(r, &r->messages, 1));
    assert_int_equal(seat->messages, 1);
    op = rig_claim(r, IRX_OP_CLAIM, A, &seat->result.record); /* under the other protocol */
    op.protocol = IRX_PROTOCOL_QUORUM;
    held = rig_do(r, seat, &op)->record;
    op = rig_renew(r, &held, held.beat + 1);
    op.protocol = IRX_PROTOCOL_QUORUM;
    op.list = 1;
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    assert_true(rig_wait(r, &seat->messages, 2));
    unsigned hints = seat->hints;
    op = rig_renew(r, &held, 0);
    op.kind = IRX_OP_RELEASE;
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    assert_true(rig_wait(r, &seat->hints, hints + 1));
    op = rig_op(r, IRX_OP_LEAVE, A);
    assert_int_equal(rig_do(r, seat, &op)->status, IRX_RESULT_OK);
    irx__medium_redis.watch(r->medium, &seat->seat, rig_id(99), 5 * RIG_MS);
    assert_true(rig_wait(r, &seat->gones, 1));
    assert_int_equal(r->warnings, 0);
    rig_detach(r, seat);
}

static void take_part_at(const char *where)
{
    rig *r = rig_open(where, "interrex");
    rig_up_both(r);
    take_part(r);
    rig_close(r);
}

static void assert_refused(const char *where, int code, const char *words)
{
    for (int channel = 0; channel < 2; channel++) {
        rig *r = rig_open(where, "interrex");
        assert_false(rig_up(r, (irx_channel)channel));
        assert_int_equal(r->why[channel].code, code);
        if (strstr(r->why[channel].text, words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", r->why[channel].text, words);
        assert_null(strstr(r->why[channel].text, "s3cret"));
        rig_close(r);
    }
}

static void a_unix_socket_will_do(void **state)
{
    (void)state;
    take_part_at(redis_server_socket_url(server));
    rig *r = rig_open("redis+socket:///nowhere/redis.sock", "interrex");
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(r->why[IRX_CHANNEL_COMMAND].code, IRX_EUNREACHABLE);
    rig_close(r);
}

static void a_host_name_is_looked_up(void **state)
{
    (void)state;
    char where[64];
    snprintf(where, sizeof where, "redis://localhost:%d", redis_server_port(server));
    take_part_at(where); /* which may mean ::1 first, where nobody listens */
}

static void an_unknown_host_name_is_unreachable(void **state)
{
    (void)state;
    rig *r = rig_open("redis://no-such-host.invalid", "interrex");
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(r->why[IRX_CHANNEL_COMMAND].code, IRX_EUNREACHABLE);
    assert_non_null(strstr(r->why[IRX_CHANNEL_COMMAND].text, "no-such-host.invalid"));
    /* Closed while a look-up is under way. */
    rig_connect(r, IRX_CHANNEL_COMMAND);
    rig_connect(r, IRX_CHANNEL_PRESENCE);
    rig_close(r);
}

static void a_database_of_ones_own(void **state)
{
    (void)state;
    take_part_at(url("", "/3"));
    assert_string_equal(redis_server_say(server, "EXISTS interrex:{billing}"), "0");
    assert_non_null(strstr(redis_server_say(server, "INFO keyspace"), "db3:keys="));
    rig *r = rig_open(url("", "/99"), "interrex");
    assert_false(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(r->why[IRX_CHANNEL_COMMAND].code, IRX_ECONFIG);
    assert_non_null(strstr(r->why[IRX_CHANNEL_COMMAND].text, "database"));
    rig_close(r);
}

static void a_password(void **state)
{
    (void)state;
    assert_refused(url(":s3cret@", ""), IRX_EAUTH, "no password set");
    redis_server_say(server, "CONFIG SET requirepass s3cret");
    take_part_at(url(":s3cret@", ""));
    assert_refused(url("", ""), IRX_EAUTH, "asks for a password");
    assert_refused(url(":wr0ng@", ""), IRX_EAUTH, "wrong");
    assert_refused(url("nobody:s3cret@", ""), IRX_EAUTH, "wrong");
}

/* The line of docs/redis.md. */
static void grant(const char *without)
{
    char line[1024];
    char *argv[64];
    int argc = 0;
    FILE *page = fopen(INTERREX_SOURCE_DIR "/docs/redis.md", "r");
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL && strncmp(line, "ACL SETUSER ", 12) != 0) {
    }
    fclose(page);
    for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"))
        if (strcmp(word, without) != 0)
            argv[argc++] = word;
    assert_true(argc > 10);
    char command[2048] = "";
    for (int i = 0; i < argc; i++) {
        strcat(command, i > 0 ? " " : "");
        strcat(command, argv[i]);
    }
    assert_string_equal(redis_server_say(server, "ACL DELUSER interrex")[0] == '-' ? "-" : "", "");
    assert_string_equal(redis_server_say(server, command), "OK");
}

static void the_documented_rights_suffice(void **state)
{
    (void)state;
    grant("");
    take_part_at(url("interrex:password@", ""));
    take_part_at(url("interrex:password@", "/2"));
}

/* Each right is needed, and its lack is told when the connection is made, but for two that only
 * cost convenience. */
static void a_missing_right_is_told_at_once(void **state)
{
    static const struct {
        const char *right;
        irx_channel channel;
    } rights[] = {
        {"~interrex:*", IRX_CHANNEL_COMMAND},  {"&interrex:*", IRX_CHANNEL_COMMAND},
        {"&interrex:*", IRX_CHANNEL_PRESENCE}, {"+eval", IRX_CHANNEL_COMMAND},
        {"+script|load", IRX_CHANNEL_COMMAND}, {"+info", IRX_CHANNEL_COMMAND},
        {"+info", IRX_CHANNEL_PRESENCE},       {"+time", IRX_CHANNEL_COMMAND},
        {"+hmget", IRX_CHANNEL_COMMAND},       {"+hset", IRX_CHANNEL_COMMAND},
        {"+publish", IRX_CHANNEL_COMMAND},     {"+pubsub|numsub", IRX_CHANNEL_COMMAND},
        {"+subscribe", IRX_CHANNEL_PRESENCE},  {"+hget", IRX_CHANNEL_COMMAND},
        {"+hgetall", IRX_CHANNEL_COMMAND},     {"+hlen", IRX_CHANNEL_COMMAND},
        {"+hdel", IRX_CHANNEL_COMMAND},        {"+exists", IRX_CHANNEL_COMMAND},
        {"+evalsha", IRX_CHANNEL_COMMAND},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        grant(rights[i].right);
        redis_server_say(server, "DEL interrex:store");
        rig *r = rig_open(url("interrex:password@", ""), "interrex");
        if (rig_up(r, rights[i].channel))
            fail_msg("nobody missed %s", rights[i].right);
        if (r->why[rights[i].channel].code != IRX_EAUTH ||
            strstr(r->why[rights[i].channel].text, "docs/redis.md") == NULL)
            fail_msg("without %s: %s", rights[i].right, r->why[rights[i].channel].text);
        rig_close(r);
    }
    /* A right that is taken away later is told by the operation. */
    grant("");
    rig *r = rig_open(url("interrex:password@", ""), "interrex");
    rig_seat *seat = rig_attach(r, "billing", "host:1");
    rig_up_both(r);
    redis_server_say(server, "ACL SETUSER interrex -hset");
    irx_op create = rig_op(r, IRX_OP_CREATE, A);
    create.incarnation = rig_id(1);
    assert_int_equal(rig_do(r, seat, &create)->status, IRX_RESULT_FAILED);
    assert_int_equal(seat->result.error_code, IRX_EAUTH);
    rig_detach(r, seat);
    rig_close(r);
}

static void a_cluster_node_takes_elections_without_presence(void **state)
{
    (void)state;
    const char *const cluster[] = {"--cluster-enabled", "yes", NULL};
    redis_server_stop(server);
    server = redis_server_start(cluster);
    redis_server_say(server, "CLUSTER ADDSLOTSRANGE 0 16383");
    rig *r = rig_open(redis_server_url(server), "interrex");
    rig_seat *seat = rig_attach(r, "billing", "host:1");
    for (int i = 0; i < 500 && strstr(redis_server_say(server, "CLUSTER INFO"), "state:ok") == NULL;
         i++)
        rig_run_ms(r, 10);
    assert_false(rig_up(r, IRX_CHANNEL_PRESENCE));
    assert_int_equal(r->why[IRX_CHANNEL_PRESENCE].code, IRX_EUNSUPPORTED);
    assert_true(rig_up(r, IRX_CHANNEL_COMMAND));
    assert_int_equal(r->warnings, 1);
    assert_non_null(strstr(r->warning.text, "Cluster"));
    rig_take(r, seat, A, IRX_TAKEOVER_FAST);
    assert_int_equal(seat->result.status, IRX_RESULT_OK);
    assert_false(seat->result.record.presence_seen);
    redis_server_say(server, "CLUSTER DELSLOTSRANGE 0 16383");
    irx_op op = rig_op(r, IRX_OP_READ, A);
    rig_do(r, seat, &op);
    assert_int_equal(seat->result.status, IRX_RESULT_FAILED);
    rig_detach(r, seat);
    rig_close(r);
}

/* ---- many, and together -----------------------------------------------------------------------
 */

enum { MANY = 1000 };

static void a_thousand_seats_share_two_connections(void **state)
{
    (void)state;
    char where[64];
    static rig_seat *seats[MANY];
    proxy *way = proxy_start(redis_server_port(server));
    snprintf(where, sizeof where, "redis://127.0.0.1:%d", proxy_port(way));
    rig *r = rig_open(where, "interrex");
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "job-%d", i);
        seats[i] = rig_attach(r, name, "host:1");
    }
    rig_up_both(r);
    for (int i = 0; i < MANY; i++)
        assert_true(rig_wait(r, &seats[i]->hints, 1));
    for (int i = 0; i < MANY; i++)
        assert_int_equal(rig_take(r, seats[i], A, IRX_TAKEOVER_FAST)->status, IRX_RESULT_OK);

    /* A round of renewals leaves together: far fewer pieces than renewals, though a large write is
     * cut on its way. */
    unsigned pieces = proxy_pieces(way);
    for (int i = 0; i < MANY; i++) {
        irx_op op = rig_renew(r, &seats[i]->result.record, seats[i]->result.record.beat + 1);
        seats[i]->results = 0;
        rig_submit(r, seats[i], &op);
    }
    for (int i = 0; i < MANY; i++) {
        assert_true(rig_wait(r, &seats[i]->results, 1));
        assert_int_equal(seats[i]->result.status, IRX_RESULT_OK);
        assert_int_equal(seats[i]->result.record.beat, 2);
    }
    assert_in_range(proxy_pieces(way) - pieces, 1, MANY / 10);
    assert_int_equal(proxy_connections(way), 2);
    for (int i = 0; i < MANY; i++)
        rig_detach(r, seats[i]);
    rig_close(r);
    proxy_stop(way);
}

/* All watch the same two processes: one question per round, and each is told of its own. */
static void many_watches_are_one_question(void **state)
{
    (void)state;
    static rig_seat *seats[100];
    rig *r = rig_open(redis_server_url(server), "interrex");
    rig *gone = rig_open(redis_server_url(server), "interrex");
    rig *stays = rig_open(redis_server_url(server), "interrex");
    rig_up_both(r);
    rig_up_both(gone);
    rig_up_both(stays);
    for (int i = 0; i < 100; i++) {
        seats[i] = rig_attach(r, "billing", "host:1");
        irx_id process = (i % 2 ? gone : stays)->id[IRX_CHANNEL_PRESENCE];
        irx__medium_redis.watch(r->medium, &seats[i]->seat, process, 20 * RIG_MS);
    }
    redis_server_say(server, "CONFIG RESETSTAT");
    rig_run_ms(r, 400);
    const char *asked = strstr(redis_server_say(server, "INFO commandstats"), "numsub:calls=");
    assert_non_null(asked);
    assert_in_range(atoi(asked + strlen("numsub:calls=")), 2, 25);
    rig_close(gone);
    for (int i = 1; i < 100; i += 2)
        assert_true(rig_wait(r, &seats[i]->gones, 1));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(seats[i]->gones, i % 2);
        rig_detach(r, seats[i]);
    }
    rig_close(stays);
    rig_close(r);
}

/* ---- closing in the middle --------------------------------------------------------------------
 */

static void disconnect_now(rig *r)
{
    irx__medium_redis.disconnect(r->medium, IRX_CHANNEL_COMMAND);
    irx__medium_redis.disconnect(r->medium, IRX_CHANNEL_PRESENCE);
}

static void reconnect_now(rig *r)
{
    rig_connect(r, IRX_CHANNEL_COMMAND);
    rig_connect(r, IRX_CHANNEL_PRESENCE);
}

static void close_now(rig *r)
{
    if (r->medium != NULL) {
        irx__medium_redis.close(r->medium);
        r->medium = NULL;
    }
}

static void submit_ten(rig *r, rig_seat *seat)
{
    for (int i = 0; i < 10; i++) {
        irx_op op = rig_op(r, IRX_OP_READ, A);
        rig_submit(r, seat, &op);
    }
}

static void nothing_is_told_after_a_disconnect_from_within(void **state)
{
    (void)state;
    rig *r = rig_open(redis_server_url(server), "interrex");
    rig_seat *seat = rig_attach(r, "billing", "host:1");
    rig_up_both(r);
    r->on_result = disconnect_now;
    submit_ten(r, seat);
    assert_true(rig_wait(r, &seat->results, 1));
    rig_run_ms(r, 50);
    assert_int_equal(seat->results, 1);
    assert_int_equal(r->downs[IRX_CHANNEL_COMMAND], 0);
    r->on_result = NULL;
    rig_up_both(r);
    r->on_result = reconnect_now;
    submit_ten(r, seat);
    assert_true(rig_wait(r, &r->ups[IRX_CHANNEL_COMMAND], 3));
    assert_int_equal(seat->results, 2);
    rig_detach(r, seat);
    rig_close(r);
}

static void a_seat_that_left_is_told_nothing(void **state)
{
    (void)state;
    rig *r = rig_open(redis_server_url(server), "interrex");
    rig_seat *stays = rig_attach(r, "billing", "host:1");
    rig_seat *leaves = rig_attach(r, "billing", "host:2");
    rig_up_both(r);
    submit_ten(r, leaves);
    rig_say(r, leaves, 7, "and a word");
    submit_ten(r, stays);
    rig_detach(r, leaves);
    assert_true(rig_wait(r, &stays->results, 10));
    unsigned hints = stays->hints; /* still subscribed: they shared the channel */
    redis_server_say(server, "PUBLISH interrex:{billing}:changed %s", "");
    assert_true(rig_wait(r, &stays->hints, hints + 1));
    rig_detach(r, stays);
    rig_close(r);
}

static void a_medium_may_be_closed_from_within(void **state)
{
    (void)state;
    rig *r = rig_open(redis_server_url(server), "interrex");
    rig_seat *seat = rig_attach(r, "billing", "host:1");
    rig_up_both(r);
    submit_ten(r, seat);
    irx__medium_redis.detach(r->medium, &seat->seat);
    free(seat);
    seat = rig_attach(r, "other", "host:1");
    irx_op op = rig_op(r, IRX_OP_READ, A);
    rig_submit(r, seat, &op);
    r->on_result = close_now;
    assert_true(rig_wait(r, &seat->results, 1));
    rig_run_ms(r, 20);
    free(seat->seat.members);
    free(seat->seat.data);
    free(seat);
    rig_close(r);
}

/* ---- something that is no Redis ---------------------------------------------------------------
 */

typedef struct impostor {
    pthread_t thread;
    int listener;
    int port;
    const char *says;
    size_t length;
} impostor;

static void *impersonate(void *argument)
{
    impostor *i = argument;
    for (;;) {
        int client = accept(i->listener, NULL, NULL);
        if (client < 0)
            return NULL;
        char heard[65536];
        ssize_t heard_length = recv(client, heard, sizeof heard, 0);
        ssize_t said = send(client, i->says, i->length, MSG_NOSIGNAL);
        while (heard_length > 0 && said >= 0)
            heard_length = recv(client, heard, sizeof heard, 0);
        close(client);
    }
}

static void start_impostor(impostor *i, const char *says, size_t length)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    i->says = says;
    i->length = length;
    i->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(i->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(i->listener, 8), 0);
    assert_int_equal(getsockname(i->listener, (struct sockaddr *)&address, &size), 0);
    i->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&i->thread, NULL, impersonate, i), 0);
}

static void stop_impostor(impostor *i)
{
    shutdown(i->listener, SHUT_RDWR);
    pthread_join(i->thread, NULL);
    close(i->listener);
}

static void what_is_no_redis_is_told_and_does_no_harm(void **state)
{
    static const char *const nonsense[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+"
        "OK\r\n",
        "*1000000000\r\n",
        "$99999999999999999999\r\n",
        "*-1\r\n*-1\r\n*-1\r\n",
        "$-1\r\n$-1\r\n$-1\r\n",
        ":1\r\n:2\r\n:3\r\n",
        "*3\r\n:1\r\n:2\r\n:3\r\n*3\r\n:1\r\n:2\r\n:3\r\n*3\r\n:1\r\n:2\r\n:3\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ">3\r\n+message\r\n+a\r\n+b\r\n",
        "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n",
        "-\r\n-\r\n-\r\n",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        for (int channel = 0; channel < 2; channel++) {
            impostor pretender;
            char where[64];
            /* An empty answer is the end of the connection. */
            start_impostor(&pretender, nonsense[i], strlen(nonsense[i]));
            snprintf(where, sizeof where, "redis://127.0.0.1:%d", pretender.port);
            rig *r = rig_open(where, "interrex");
            if (rig_up(r, (irx_channel)channel))
                fail_msg("\"%s\" was taken for Redis", nonsense[i]);
            assert_true(r->why[channel].code == IRX_EPROTOCOL ||
                        r->why[channel].code == IRX_EUNREACHABLE);
            rig_close(r);
            stop_impostor(&pretender);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unix_socket_will_do),
        TEST(a_host_name_is_looked_up),
        TEST(an_unknown_host_name_is_unreachable),
        TEST(a_database_of_ones_own),
        TEST(a_password),
        TEST(the_documented_rights_suffice),
        TEST(a_missing_right_is_told_at_once),
        TEST(a_cluster_node_takes_elections_without_presence),
        TEST(a_thousand_seats_share_two_connections),
        TEST(many_watches_are_one_question),
        TEST(nothing_is_told_after_a_disconnect_from_within),
        TEST(a_seat_that_left_is_told_nothing),
        TEST(a_medium_may_be_closed_from_within),
        TEST(what_is_no_redis_is_told_and_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
