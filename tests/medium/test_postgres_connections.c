/* Who may connect to a PostgreSQL server, by which way, what a statement answers, and how each of
 * them ends: against real servers, and against listeners that are none. */
#include "cmocka_all.h"

#include "medium/postgres_connection.h"
#include "peer.h"
#include "postgres_server.h"
#include "runtime/url_parts.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static postgres_server *server;
static struct ev_loop *loop;

/* ---- a client ---------------------------------------------------------------------------------
 */

typedef enum moment { NEVER, OPENED, ANSWERED, NOTIFIED, FAILED } moment;

typedef struct client {
    irx_url url;
    irx__pg_place *place;
    irx__pg_connection c;
    unsigned opened, answered, notified, failed;
    moment close_in;
    bool reopen;
    bool in_call; /* no hook may be called now */
    int depth;
    bool refused, harmless;
    char sqlstate[6];
    char cell[256]; /* first column of the first row */
    size_t cell_length;
    int rows;
    char channel[64], payload[64];
    irx_error why; /* of the last refusal or failure */
} client;

static void reached(client *k, moment now)
{
    assert_false(k->in_call);
    assert_int_equal(k->depth, 1);
    ev_break(loop, EVBREAK_ONE); /* who waits for this does not wait on */
    if (k->close_in == now) {
        irx__pg_close(&k->c);
        if (k->reopen)
            irx__pg_open(&k->c);
    }
}

static void on_opened(void *owner, irx__pg_connection *connection)
{
    client *k = owner;
    assert_int_equal(connection->state, IRX_PG_GREETING);
    k->opened++;
    reached(k, OPENED);
}

static void on_answered(void *owner, irx__pg_connection *connection, const irx__pg_outcome *outcome)
{
    client *k = owner;
    assert_false(connection->busy);
    k->answered++;
    k->refused = outcome->rows == NULL;
    k->harmless = outcome->harmless;
    k->why = outcome->why;
    memcpy(k->sqlstate, outcome->sqlstate, sizeof k->sqlstate);
    k->cell[0] = '\0';
    k->rows = k->refused ? 0 : outcome->rows->rows;
    if (k->rows > 0) {
        const char *text = outcome->rows->cell(outcome->rows->source, 0, 0, &k->cell_length);
        snprintf(k->cell, sizeof k->cell, "%s", text != NULL ? text : "(null)");
    }
    reached(k, ANSWERED);
}

static void on_notified(void *owner, irx__pg_connection *connection, const char *channel,
                        const char *payload)
{
    client *k = owner;
    (void)connection;
    k->notified++;
    snprintf(k->channel, sizeof k->channel, "%s", channel);
    snprintf(k->payload, sizeof k->payload, "%s", payload);
    reached(k, NOTIFIED);
}

static void on_failed(void *owner, irx__pg_connection *connection, const irx_error *why)
{
    client *k = owner;
    assert_int_equal(connection->state, IRX_PG_CLOSED);
    assert_null(strstr(why->text, "s3cret"));
    k->failed++;
    k->why = *why;
    reached(k, FAILED);
}

static void on_enter(void *owner)
{
    ((client *)owner)->depth++;
}

static void on_leave(void *owner)
{
    ((client *)owner)->depth--;
}

static const irx__pg_hooks hooks = {on_opened, on_answered, on_notified,
                                    on_failed, on_enter,    on_leave};

static int place_of(client *k, const char *uri, irx_error *error)
{
    memset(k, 0, sizeof *k);
    snprintf(k->url.scheme, sizeof k->url.scheme, "postgres");
    snprintf(k->url.uri, sizeof k->url.uri, "%s", uri);
    irx__url_show(uri, k->url.shown, 161);
    return irx__pg_place_open(&k->url, 300 * INT64_C(1000000), &k->place, error);
}

static client *client_new(const char *uri)
{
    client *k = malloc(sizeof *k);
    irx_error error = {0, ""};
    assert_non_null(k);
    if (place_of(k, uri, &error) != 0)
        fail_msg("%s", error.text);
    irx__pg_connection_init(&k->c, loop, &hooks, k, k->place);
    return k;
}

static void client_free(client *k)
{
    irx__pg_close(&k->c);
    irx__pg_place_close(k->place);
    free(k);
}

static void begin(client *k)
{
    k->in_call = true;
    irx__pg_open(&k->c);
    k->in_call = false;
}

static bool comes_up(client *k)
{
    unsigned failed = k->failed;
    unsigned opened = k->opened;
    begin(k);
    while (k->failed == failed && k->opened == opened)
        ev_run(loop, EVRUN_ONCE); /* an attempt is bounded by itself */
    if (k->opened == opened)
        return false;
    irx__pg_ready(&k->c);
    return true;
}

static void up(client *k)
{
    if (!comes_up(k))
        fail_msg("%s", k->why.text);
}

static client *client_up(const char *uri)
{
    client *k = client_new(uri);
    up(k);
    return k;
}

static void ask(client *k, unsigned number, const char *text, const char *value)
{
    irx__pg_statement statement = {number, text};
    k->in_call = true;
    irx__pg_ask(&k->c, &statement, value != NULL ? 1 : 0, &value);
    k->in_call = false;
}

static const char *answer(client *k)
{
    assert_true(peer_wait(loop, &k->answered, k->answered + 1));
    return k->refused ? k->sqlstate : k->cell;
}

static const char *say(client *k, const char *text)
{
    k->in_call = true;
    irx__pg_say(&k->c, text);
    k->in_call = false;
    return answer(k);
}

static const char *do_ask(client *k, unsigned number, const char *text, const char *value)
{
    ask(k, number, text, value);
    return answer(k);
}

static void await_failure(client *k, int code, const char *words)
{
    unsigned failed = k->failed;
    ev_run(loop, EVRUN_NOWAIT); /* what is fed is told before the loop waits for more */
    assert_true(peer_wait(loop, &k->failed, failed + 1));
    if (k->why.code != code || strstr(k->why.text, words) == NULL)
        fail_msg("%d \"%s\" is not %d \"%s\"", k->why.code, k->why.text, code, words);
}

static void assert_refused(const char *uri, int code, const char *words)
{
    client *k = client_new(uri);
    assert_false(comes_up(k));
    if (k->why.code != code || strstr(k->why.text, words) == NULL)
        fail_msg("%d \"%s\" is not %d \"%s\"", k->why.code, k->why.text, code, words);
    client_free(k);
}

static const char *uri(const char *hosts, const char *after)
{
    static char text[512];
    char filled[256];
    snprintf(filled, sizeof filled, hosts, postgres_server_port(server));
    snprintf(text, sizeof text, "postgres://postgres@%s/postgres%s", filled, after);
    return text;
}

/* ---- listeners that are no servers ------------------------------------------------------------
 */

typedef struct fake {
    int fd;
    int port;
    pthread_t thread;
    const char *hello; /* after the startup message */
    size_t hello_length;
    const char *body; /* after the next one */
    size_t body_length;
    bool endless; /* the body again and again, until nobody reads */
} fake;

static void fake_listen(fake *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->fd >= 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(f->fd, 8), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&address, &length), 0);
    f->port = ntohs(address.sin_port);
}

static void *fake_run(void *argument)
{
    fake *f = argument;
    char bytes[4096];
    int fd = accept(f->fd, NULL, NULL);
    if (fd < 0)
        return NULL;
    if (recv(fd, bytes, sizeof bytes, 0) > 0 && f->hello_length > 0 &&
        send(fd, f->hello, f->hello_length, MSG_NOSIGNAL) > 0 && f->body != NULL &&
        recv(fd, bytes, sizeof bytes, 0) > 0) {
        while (send(fd, f->body, f->body_length, MSG_NOSIGNAL) > 0 && f->endless) {
        }
    }
    close(fd);
    return NULL;
}

static void fake_start(fake *f)
{
    fake_listen(f);
    assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static void fake_stop(fake *f)
{
    shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->fd);
}

static const char *fake_uri(const fake *f)
{
    static char text[128];
    snprintf(text, sizeof text, "postgres://u:s3cret@127.0.0.1:%d/d?sslmode=disable", f->port);
    return text;
}

#define IN "R\0\0\0\10\0\0\0\0Z\0\0\0\5I"
#define BYTES(text) text, sizeof(text) - 1

/* ---- the way in -------------------------------------------------------------------------------
 */

/* Would break: that anybody gets in at all, by either kind of socket. */
static void by_tcp_and_by_a_unix_socket(void **state)
{
    (void)state;
    const char *ways[] = {postgres_server_url(server), postgres_server_socket_url(server)};
    for (int i = 0; i < 2; i++) {
        client *k = client_up(ways[i]);
        assert_string_equal(
            do_ask(k, 1, "SELECT $1 || current_setting('application_name')", "I am "),
            "I am interrex");
        assert_true(k->c.server_version >= 120000);
        do_ask(k, 2, "SELECT pg_backend_pid()", NULL);
        assert_int_equal(atoi(k->cell), k->c.backend);
        client_free(k);
    }
}

/* Would break: that a name needs no numeric address, and that one address which refuses (::1 here)
 * leads to the next. */
static void a_name_is_looked_up(void **state)
{
    (void)state;
    client *k = client_up(uri("localhost:%d", ""));
    assert_string_equal(say(k, "SELECT 1"), "1");
    client_free(k);
}

/* Would break: an error that says what is wrong and what helps, and never the password. */
static void refusals_say_what_helps(void **state)
{
    (void)state;
    char text[256];
    snprintf(text, sizeof text, "postgres://postgres@127.0.0.1:%d/nowhere",
             postgres_server_port(server));
    assert_refused(text, IRX_ECONFIG, "create it");
    snprintf(text, sizeof text, "postgres://nobody:s3cret@127.0.0.1:%d/postgres",
             postgres_server_port(server));
    assert_refused(text, IRX_EAUTH, "no such user");
    fake f = {0};
    fake_listen(&f);
    close(f.fd);
    assert_refused(fake_uri(&f), IRX_EUNREACHABLE, "refused");
    assert_refused("postgres://u:s3cret@no-such-host.invalid/d", IRX_EUNREACHABLE,
                   "no-such-host.invalid");
    assert_refused("postgres://u:s3cret@/d?host=/no/such/directory", IRX_EUNREACHABLE, "directory");
    assert_refused(uri("127.0.0.1:%d", "?sslmode=require"), IRX_EUNREACHABLE, "SSL");
    assert_refused(uri("127.0.0.1:%d", "?sslmode=loud"), IRX_ECONFIG, "sslmode");
}

/* Would break: that a URI which libpq can't read is refused when it is opened, without a word of
 * what it quotes. */
static void a_bad_uri_is_a_bad_option(void **state)
{
    (void)state;
    const char *bad[] = {"postgres://u:s3cret@h/d?s3cret=1",
                         "postgres://u:s3cret@[::1/d",
                         "postgres://u:s3cret%zz@h/d",
                         "postgres://u:s3cret@h:99999/d",
                         "postgres://u:s3cret@h,g/d?hostaddr=::1",
                         "postgres://u:s3cret@h:s3cret/d",
                         "postgres://u:s3cret@h/d?s3cret"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        client k;
        irx_error error = {0, ""};
        assert_int_equal(place_of(&k, bad[i], &error), IRX_ECONFIG);
        assert_int_equal(error.code, IRX_ECONFIG);
        const char *rule = strstr(error.text, ": ");
        assert_non_null(rule);
        if (strstr(rule, "s3cret") != NULL || strstr(error.text, "u:s3cret") != NULL)
            fail_msg("%s", error.text);
    }
}

/* What libpq is told of a keyword. */
static const char *told(const irx__pg_parameters *parameters, const char *keyword)
{
    const char *value = NULL;
    for (size_t i = 0; i < parameters->count; i++)
        if (strcmp(parameters->keywords[i], keyword) == 0)
            value = parameters->values[i];
    return value;
}

/* Would break: an answer that libpq has decrypted already, and that no event of the loop tells of:
 * encryption by GSS is never used, and whoever asks for nothing else is told so. */
static void encryption_by_gss_is_not_used(void **state)
{
    static const struct {
        const char *in_url;
        const char *in_environment;
        const char *told; /* null: refused */
    } cases[] = {
        {"", NULL, "disable"},
        {"?gssencmode=prefer", NULL, "disable"},
        {"", "prefer", "disable"},
        {"?gssencmode=disable", "require", "disable"},
        {"?gssencmode=require", NULL, NULL},
        {"", "require", NULL},
        {"?service=any", "require", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client k;
        irx_error error = {0, ""};
        irx__pg_parameters parameters;
        char url[128];
        if (cases[i].in_environment != NULL)
            setenv("PGGSSENCMODE", cases[i].in_environment, 1);
        snprintf(url, sizeof url, "postgres://u@127.0.0.1/d%s", cases[i].in_url);
        int code = place_of(&k, url, &error);
        unsetenv("PGGSSENCMODE");
        if (code != (cases[i].told != NULL ? 0 : IRX_ECONFIG))
            fail_msg("case %zu: %s", i, error.text);
        if (code != 0) {
            assert_non_null(strstr(error.text, "gssencmode"));
            continue;
        }
        assert_int_equal(irx__pg_place_parameters(k.place, &parameters, &error), 0);
        assert_string_equal(told(&parameters, "gssencmode"), cases[i].told);
        irx__pg_parameters_free(&parameters);
        irx__pg_place_close(k.place);
    }
}

/* Would break: that of several hosts one suffices, whether the others refuse, have no address, or
 * take no writes. */
static void of_several_hosts_one_will_do(void **state)
{
    (void)state;
    fake f = {0};
    char hosts[128];
    fake_listen(&f);
    close(f.fd);
    snprintf(hosts, sizeof hosts, "127.0.0.1:%d,no-such-host.invalid:1,127.0.0.1:%%d", f.port);
    client *k = client_up(uri(hosts, "?target_session_attrs=read-write"));
    assert_true(irx__pg_place_is_plural(k->place));
    client_free(k);
    k = client_new(uri("127.0.0.1:%d", ""));
    assert_false(irx__pg_place_is_plural(k->place));
    client_free(k);
    assert_refused(uri("127.0.0.1:%d", "?target_session_attrs=read-write&options=-c%20default_"
                                       "transaction_read_only%3Don"),
                   IRX_EUNAVAILABLE, "target_session_attrs");
}

/* Would break: that a first host which never answers keeps the second one from being tried for
 * ever, also where two connections run out of time together. */
static void a_host_that_hangs_comes_last_next_time(void **state)
{
    (void)state;
    fake f = {0};
    char hosts[128];
    fake_listen(&f); /* the system takes connections, nobody ever answers */
    snprintf(hosts, sizeof hosts, "127.0.0.1:%d,127.0.0.1:%%d", f.port);
    client *k = client_new(uri(hosts, ""));
    client other = {.place = k->place};
    irx__pg_connection_init(&other.c, loop, &hooks, &other, k->place);
    irx__pg_open(&other.c);
    assert_false(comes_up(k));
    assert_int_equal(k->why.code, IRX_EUNREACHABLE);
    snprintf(hosts, sizeof hosts, "let nobody in within 2 s (host 127.0.0.1, port %d)", f.port);
    assert_non_null(strstr(k->why.text, hosts));
    assert_true(peer_wait(loop, &other.failed, 1));
    up(k);
    irx__pg_close(&other.c);
    client_free(k);
    close(f.fd);
}

/* Would break: that a stopped server ends an attempt in time, with the phase, and that the next
 * attempt is not hurt by it. */
static void a_server_that_is_stopped(void **state)
{
    (void)state;
    client *k = client_new(postgres_server_url(server));
    postgres_server_signal(server, SIGSTOP);
    bool is_up = comes_up(k);
    postgres_server_signal(server, SIGCONT);
    assert_false(is_up);
    assert_non_null(strstr(k->why.text, "within 2 s"));
    up(k);
    client_free(k);
}

/* ---- statements -------------------------------------------------------------------------------
 */

/* Would break: that a statement is prepared once, and anew where the server lost it or its table
 * changed; both are refusals that applied nothing. */
static void statements_are_prepared_once(void **state)
{
    (void)state;
    const char *count = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'interrex%'";
    client *k = client_up(postgres_server_url(server));
    assert_string_equal(do_ask(k, 3, count, NULL), "1");
    assert_string_equal(do_ask(k, 3, count, NULL), "1");
    say(k, "DISCARD ALL");
    assert_string_equal(do_ask(k, 3, count, NULL), "26000");
    assert_true(k->harmless);
    assert_string_equal(do_ask(k, 3, count, NULL), "1");
    say(k, "CREATE TABLE changing (a int); INSERT INTO changing VALUES (7)");
    assert_string_equal(do_ask(k, 31, "SELECT * FROM changing", NULL), "7");
    say(k, "ALTER TABLE changing ADD COLUMN b int");
    assert_string_equal(do_ask(k, 31, "SELECT * FROM changing", NULL), "0A000");
    assert_true(k->harmless);
    assert_string_equal(do_ask(k, 31, "SELECT * FROM changing", NULL), "7");
    assert_string_equal(do_ask(k, 4, "SELECT nonsense", NULL), "42703");
    assert_true(k->harmless);
    assert_int_equal(k->why.code, IRX_EFOREIGN);
    k->c.pooled = true;
    say(k, "DEALLOCATE ALL");
    assert_string_equal(do_ask(k, 3, count, NULL), "0");
    say(k, "DROP TABLE changing");
    client_free(k);
}

static const char *do_prepare(client *k, unsigned number, const char *text)
{
    const irx__pg_statement statement = {number, text};
    k->in_call = true;
    irx__pg_prepare(&k->c, &statement);
    k->in_call = false;
    return answer(k);
}

/* Would break: that what is prepared ahead is not carried out, is known under its name, and is not
 * prepared again when it is asked. */
static void a_statement_is_prepared_ahead(void **state)
{
    (void)state;
    const char *insert = "INSERT INTO ahead VALUES (1) RETURNING a";
    char name[IRX_PG_PREPARED_MAX];
    char explain[64];
    client *k = client_up(postgres_server_url(server));
    say(k, "CREATE TABLE ahead (a int)");
    do_prepare(k, 5, insert);
    assert_false(k->refused);
    assert_true(irx__pg_is_prepared(&k->c, 5));
    irx__pg_prepared_name(&k->c, 5, name);
    snprintf(explain, sizeof explain, "EXPLAIN EXECUTE %s", name);
    say(k, explain);
    assert_false(k->refused);
    assert_string_equal(do_ask(k, 6, "SELECT count(*) FROM ahead", NULL), "0");
    assert_string_equal(do_ask(k, 5, insert, NULL), "1");
    assert_string_equal(do_ask(k, 6, "SELECT count(*) FROM ahead", NULL), "1");
    assert_string_equal(do_prepare(k, 7, "SELECT nonsense"), "42703");
    assert_false(irx__pg_is_prepared(&k->c, 7));
    say(k, "DROP TABLE ahead");
    client_free(k);
}

static const char *do_say_many(client *k, const char *text, int count)
{
    k->in_call = true;
    irx__pg_say_many(&k->c, text, count);
    k->in_call = false;
    return answer(k);
}

/* Would break: that many statements are answered by a row of each, in order, and that a refusal of
 * one leaves nothing of the others. */
static void many_statements_are_one_transaction(void **state)
{
    (void)state;
    client *k = client_up(postgres_server_url(server));
    say(k, "CREATE TABLE many (a int)");
    assert_string_equal(do_say_many(k, "SELECT 7; SELECT 8; SELECT 9", 3), "7");
    assert_int_equal(k->rows, 3);
    assert_string_equal(do_say_many(k,
                                    "INSERT INTO many VALUES (1) RETURNING a;"
                                    "INSERT INTO many VALUES (1 / (a - a)) RETURNING a;"
                                    "INSERT INTO many VALUES (2) RETURNING a",
                                    3),
                        "42703");
    assert_true(k->harmless);
    assert_string_equal(do_ask(k, 6, "SELECT count(*) FROM many", NULL), "0");
    say(k, "DROP TABLE many");
    client_free(k);
}

/* Would break: that a row is never taken for the answer to another statement. */
static void many_statements_give_a_row_each(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int count;
    } bad[] = {{"SELECT 7; SELECT 8", 3},
               {"SELECT 7; SELECT 8; SELECT 9", 2},
               {"SELECT 7; SELECT 8 WHERE false", 2},
               {"SELECT generate_series(1, 2); SELECT 8", 2}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        client *k = client_up(postgres_server_url(server));
        k->in_call = true;
        irx__pg_say_many(&k->c, bad[i].text, bad[i].count);
        k->in_call = false;
        await_failure(k, IRX_EPROTOCOL, "");
        assert_int_equal(k->answered, 0);
        client_free(k);
    }
}

/* Would break: the meaning of a refusal: what surely left nothing is said to be harmless. */
static void refusals_of_statements(void **state)
{
    (void)state;
    client *k = client_up(postgres_server_url(server));
    assert_string_equal(say(k, "SELECT 1; SELECT 1/0; SELECT 3"), "22012");
    assert_true(k->harmless);
    assert_string_equal(say(k, "SELECT 1; SELECT 2"), "2");
    assert_string_equal(say(k, ""), "");
    assert_false(k->refused);
    say(k, "CREATE ROLE pauper");
    say(k, "CREATE TABLE rich (a int)");
    assert_string_equal(say(k, "SET ROLE pauper; SELECT * FROM rich"), "42501");
    assert_int_equal(k->why.code, IRX_EAUTH);
    assert_non_null(strstr(k->why.text, "GRANT"));
    assert_string_equal(say(k, "SET statement_timeout = 50; SELECT pg_sleep(100)"), "57014");
    assert_true(k->harmless);
    assert_string_equal(say(k, "SET default_transaction_read_only = on"), "");
    assert_string_equal(say(k, "INSERT INTO rich VALUES (1)"), "25006");
    assert_int_equal(k->why.code, IRX_EUNAVAILABLE);
    say(k, "SET default_transaction_read_only = off");
    assert_string_equal(say(k, "DROP TABLE rich; DROP ROLE pauper"), "");
    client_free(k);
}

/* Would break: that an answer or a question larger than any buffer passes whole, over plain TCP
 * and over TLS, where a part of it waits inside OpenSSL. */
static void pass_large_ones(const char *where)
{
    client *k = client_up(where);
    char *value = malloc((8 << 20) + 1);
    assert_non_null(value);
    for (int size = 1000; size <= 8 << 20; size *= 3) {
        memset(value, 'x', (size_t)size);
        value[size] = '\0';
        char number[16];
        snprintf(number, sizeof number, "%d", size);
        assert_string_equal(do_ask(k, 5, "SELECT length($1)", value), number);
        do_ask(k, 6, "SELECT repeat('y', $1::int)", number);
        assert_int_equal(k->cell_length, size);
        do_ask(k, 7, "SELECT repeat('y', 100) FROM generate_series(1, $1::int / 100)", number);
        assert_int_equal(k->rows, size / 100);
        do_ask(k, 8, "SELECT $1::text", value);
        assert_int_equal(k->cell_length, size);
    }
    free(value);
    client_free(k);
}

static void large_ones_pass(void **state)
{
    (void)state;
    pass_large_ones(postgres_server_url(server));
    pass_large_ones(postgres_server_socket_url(server));
}

/* Would break: TLS with its certificate checked for the host's name although libpq is given the
 * address; and passwords: a wrong one, and none, are told apart. */
static void tls_and_passwords(void **state)
{
    (void)state;
    const postgres_options options = {.secure = true};
    postgres_server *secure = postgres_server_start(&options);
    char text[512];
    char *at;
    pass_large_ones(postgres_server_url(secure));
    snprintf(text, sizeof text, "%s", postgres_server_url(secure));
    at = strstr(text, ":secret@");
    assert_non_null(at);
    memcpy(at, ":s3cret@", 8);
    assert_refused(text, IRX_EAUTH, "password is wrong");
    memmove(at, at + 7, strlen(at + 7) + 1);
    assert_refused(text, IRX_EAUTH, "asks for a password");
    postgres_server_stop(secure);
}

/* Would break: that notifications come, idle or in the middle of a statement. */
static void notifications_come(void **state)
{
    (void)state;
    client *k = client_up(postgres_server_url(server));
    say(k, "LISTEN \"interrex:1\"");
    postgres_server_say(server, "NOTIFY \"interrex:1\", 'idle'");
    assert_true(peer_wait(loop, &k->notified, 1));
    assert_string_equal(k->channel, "interrex:1");
    assert_string_equal(k->payload, "idle");
    ask(k, 9, "SELECT pg_notify('interrex:1', n::text) FROM generate_series(1, 50) AS n", NULL);
    assert_true(peer_wait(loop, &k->notified, 51));
    assert_string_equal(k->payload, "50");
    client_free(k);
}

/* ---- ends -------------------------------------------------------------------------------------
 */

/* Would break: that the reason of an end is told, not only the end. */
static void an_administrator_ends_it(void **state)
{
    (void)state;
    client *k = client_new(postgres_server_url(server));
    for (int i = 0; i < 20; i++) {
        up(k);
        say(k, "SELECT nonsense"); /* of which nothing must be told later */
        if (i % 2 == 1)
            ask(k, 10, "SELECT pg_sleep(100)", NULL);
        postgres_server_say(server, "SELECT pg_terminate_backend(%d)", k->c.backend);
        await_failure(k, IRX_EUNREACHABLE, "an administrator ended the connection");
    }
    up(k);
    say(k, "SET idle_session_timeout = 20");
    await_failure(k, IRX_EUNREACHABLE, "idle_session_timeout");
    client_free(k);
}

/* Would break: that a statement to a server which went silent can be given up at once, also with
 * more to send than the socket takes: nothing may wait for the server then. */
static void closing_waits_for_nobody(void **state)
{
    (void)state;
    client *k = client_up(postgres_server_url(server));
    char *value = malloc((16 << 20) + 1);
    assert_non_null(value);
    memset(value, 'x', 16 << 20);
    value[16 << 20] = '\0';
    assert_string_equal(do_ask(k, 11, "SELECT length($1)", "four"), "4");
    postgres_server_signal_all(server, SIGSTOP);
    ask(k, 11, "SELECT length($1)", value);
    for (int i = 0; i < 20; i++)
        ev_run(loop, EVRUN_NOWAIT);
    assert_true(k->c.busy);
    irx__pg_close(&k->c);
    postgres_server_signal_all(server, SIGCONT);
    free(value);
    up(k);
    client_free(k);
}

/* Would break: that a server which was killed is noticed, and found again when it is back. */
static void a_server_that_was_killed(void **state)
{
    (void)state;
    client *k = client_up(postgres_server_url(server));
    client *busy = client_up(postgres_server_socket_url(server));
    ask(busy, 12, "SELECT pg_sleep(100)", NULL);
    ev_run(loop, EVRUN_NOWAIT);
    postgres_server_kill(server);
    await_failure(k, IRX_EUNREACHABLE, "");
    assert_true(peer_wait(loop, &busy->failed, 1));
    assert_false(comes_up(k));
    assert_int_equal(k->why.code, IRX_EUNREACHABLE);
    postgres_server_restart(server);
    up(k);
    up(busy);
    client_free(k);
    client_free(busy);
}

/* Would break: the process, by whoever pretends to be a server. */
static void whoever_is_no_server(void **state)
{
    (void)state;
    static const struct {
        const char *hello;
        size_t hello_length;
        const char *body;
        size_t body_length;
        bool endless;
    } cases[] = {
        {BYTES(""), NULL, 0, false},
        {BYTES("HTTP/1.1 400 Bad Request\r\n\r\nwhatever this may be"), NULL, 0, false},
        {BYTES("R\177\377\377\377"), NULL, 0, false},
        {BYTES("R\0\0\0\10\0\0"), NULL, 0, false},
        {BYTES("E\0\0\0\20SFATAL\0\0\0\0"), NULL, 0, false},
        {BYTES(IN), BYTES("rubbish, and much of it"), false},
        {BYTES(IN), BYTES("D\0\0\0\10\0\1\0\0"), false},
        {BYTES(IN), BYTES("T\0\0\0\6\0\1"), false},
        {BYTES(IN), BYTES("G\0\0\0\7\0\0\0"), false},
        {BYTES(IN), BYTES("H\0\0\0\7\0\0\0"), false},
        {BYTES(IN), BYTES("Z\0\0\0\5I"), false},
        {BYTES(IN),
         BYTES("T\0\0\0\34\0\1a\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0\0"
               "D\177\377\377\377\0\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
         true},
        {BYTES(IN), BYTES("N\0\0\0\20SNOTICE\0Mx\0\0"), true},
        {BYTES(IN), BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake f = {.hello = cases[i].hello,
                  .hello_length = cases[i].hello_length,
                  .body = cases[i].body,
                  .body_length = cases[i].body_length,
                  .endless = cases[i].endless};
        fake_start(&f);
        client *k = client_new(fake_uri(&f));
        if (comes_up(k)) {
            assert_non_null(cases[i].body);
            irx__pg_say(&k->c, "SELECT 1");
            assert_true(peer_wait(loop, &k->failed, 1));
        }
        assert_true(k->why.code == IRX_EUNREACHABLE || k->why.code == IRX_EPROTOCOL ||
                    (cases[i].endless && k->why.code == IRX_ETOOLARGE));
        client_free(k);
        fake_stop(&f);
    }
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* Would break: that it may be closed at any point of its way, and leaves nothing behind. */
static void closed_at_every_point(void **state)
{
    (void)state;
    const char *ways[] = {uri("localhost:%d", ""), postgres_server_socket_url(server)};
    for (int way = 0; way < 2; way++) {
        client *k = client_new(ways[way]);
        up(k);
        irx__pg_close(&k->c);
        unsigned before = descriptors();
        for (int i = 0; i < 150; i++) {
            begin(k);
            for (int turns = 0; turns < i % 12 && k->c.state == IRX_PG_CONNECTING; turns++)
                ev_run(loop, EVRUN_ONCE);
            if (k->c.state == IRX_PG_GREETING) {
                ask(k, 1, "SELECT 1", NULL);
                ev_run(loop, EVRUN_NOWAIT);
            }
            irx__pg_close(&k->c);
        }
        for (int i = 0; i < 1000; i++) {
            begin(k);
            irx__pg_close(&k->c);
        }
        while (!comes_up(k)) /* its queue of new connections is full */
            assert_int_equal(k->why.code, IRX_EUNREACHABLE);
        irx__pg_close(&k->c);
        assert_true(descriptors() <= before + 2); /* a look-up that nobody waits for */
        client_free(k);
    }
}

/* Would break: owners that close or reopen from within a hook, as every one of them does. */
static void closed_from_within_every_hook(void **state)
{
    (void)state;
    for (moment in = OPENED; in <= FAILED; in++) {
        for (int reopen = 0; reopen < 2; reopen++) {
            client *k = client_new(postgres_server_url(server));
            if (in == OPENED) {
                k->close_in = in;
                k->reopen = reopen != 0;
                begin(k);
                assert_true(peer_wait(loop, &k->opened, 1));
            } else {
                up(k);
                say(k, "LISTEN here");
                k->close_in = in;
                k->reopen = reopen != 0;
                if (in == FAILED) {
                    irx_error why = {IRX_EPROTOCOL, "no more"};
                    k->in_call = true;
                    irx__pg_fail(&k->c, &why);
                    k->in_call = false;
                    await_failure(k, IRX_EPROTOCOL, "no more");
                    if (reopen == 0) { /* closed: nothing is left to fail */
                        irx__pg_fail(&k->c, &why);
                        ev_run(loop, EVRUN_NOWAIT);
                        assert_int_equal(k->failed, 1);
                    }
                } else {
                    unsigned answered = k->answered;
                    irx__pg_say(&k->c, "NOTIFY here");
                    assert_true(peer_wait(loop, in == NOTIFIED ? &k->notified : &k->answered,
                                          in == NOTIFIED ? 1 : answered + 1));
                }
            }
            k->close_in = NEVER;
            if (reopen != 0) {
                assert_true(peer_wait(loop, &k->opened, 2));
                assert_string_equal(say(k, "SELECT 1"), "1");
            }
            assert_int_equal(k->c.state, reopen ? IRX_PG_GREETING : IRX_PG_CLOSED);
            client_free(k);
        }
    }
}

/* Would break: that a forked child closes its copy and says nothing: the session goes on. */
static void a_forked_child_says_nothing(void **state)
{
    (void)state;
    client *k = client_up(postgres_server_url(server));
    int fd = k->c.fd;
    pid_t child = fork();
    if (child == 0) {
        irx__pg_forked(&k->c);
        _exit(write(fd, "X", 1) < 0 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(say(k, "SELECT 1"), "1");
    client_free(k);
}

static int start(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    server = postgres_server_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    postgres_server_stop(server);
    ev_loop_destroy(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_tcp_and_by_a_unix_socket),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(refusals_say_what_helps),
        cmocka_unit_test(a_bad_uri_is_a_bad_option),
        cmocka_unit_test(encryption_by_gss_is_not_used),
        cmocka_unit_test(of_several_hosts_one_will_do),
        cmocka_unit_test(a_host_that_hangs_comes_last_next_time),
        cmocka_unit_test(a_server_that_is_stopped),
        cmocka_unit_test(statements_are_prepared_once),
        cmocka_unit_test(a_statement_is_prepared_ahead),
        cmocka_unit_test(many_statements_are_one_transaction),
        cmocka_unit_test(many_statements_give_a_row_each),
        cmocka_unit_test(refusals_of_statements),
        cmocka_unit_test(large_ones_pass),
        cmocka_unit_test(notifications_come),
        cmocka_unit_test(an_administrator_ends_it),
        cmocka_unit_test(closing_waits_for_nobody),
        cmocka_unit_test(a_server_that_was_killed),
        cmocka_unit_test(whoever_is_no_server),
        cmocka_unit_test(closed_at_every_point),
        cmocka_unit_test(closed_from_within_every_hook),
        cmocka_unit_test(a_forked_child_says_nothing),
        cmocka_unit_test(tls_and_passwords),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
