/* Messages of the application: who receives which, what is refused at once, and what becomes of
 * each ticket. Over every medium that carries them. */
#include "bent.h"
#include "cmocka_all.h"
#include "handles.h"
#include "redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *url; /* of the medium under test */

enum { MEMBERS = 3 };

#define GREETING "here I am"

/* Three members that know each other; the first leads. */
typedef struct group {
    irx_election *member[MEMBERS];
    irx_id session[MEMBERS];
} group;

static irx_id session_of(irx_election *e)
{
    irx_status status;
    assert_int_equal(irx_election_status(e, &status), 0);
    return status.session;
}

static void await_members(irx_election *e, size_t want)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    size_t count = 0;
    while (count != want) {
        irx_member_info *members;
        assert_int_equal(irx_election_members(e, &members, &count), 0);
        irx_members_free(members);
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
    }
}

static void await_leader(irx_election *e, irx_id session)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    irx_status status;
    do {
        assert_true(now_ms() < until_ms);
        sleep_ms(1);
        assert_int_equal(irx_election_status(e, &status), 0);
    } while (!status.has_leader || !irx_id_equal(status.leader_session, session));
}

static int send_text(irx_election *e, irx_audience audience, irx_id to, const char *text,
                     uint64_t *ticket)
{
    return irx_election_send(e, audience, to, text, strlen(text), ticket);
}

static const irx_id nobody = {0, 0};

/* The next message but a greeting, which must be this one. The caller frees it. */
static irx_event *await_words(irx_election *e, const char *text)
{
    irx_event *event = await_event(e, IRX_MESSAGE);
    while (event->length == strlen(GREETING) && memcmp(event->data, GREETING, event->length) == 0) {
        irx_event_free(event);
        event = await_event(e, IRX_MESSAGE);
    }
    assert_int_equal(event->length, strlen(text));
    assert_memory_equal(event->data, text, event->length);
    return event;
}

static void gather(group *g, const char *name)
{
    for (int i = 0; i < MEMBERS; i++) {
        g->member[i] = open_election(url, name, NULL);
        assert_int_equal(irx_election_start(g->member[i]), 0);
        if (i == 0)
            await_leading(g->member[0]);
        expect_event(g->member[i], IRX_STARTED);
        g->session[i] = session_of(g->member[i]);
    }
    /* A table is read again once per time-out, or when somebody speaks who is not in it. */
    for (int i = 1; i < MEMBERS; i++)
        assert_int_equal(send_text(g->member[i], IRX_TO_ALL, nobody, GREETING, NULL), 0);
    for (int i = 0; i < MEMBERS; i++) {
        await_members(g->member[i], MEMBERS);
        await_leader(g->member[i], g->session[0]);
    }
}

static void disperse(group *g)
{
    for (int i = MEMBERS - 1; i >= 0; i--)
        irx_election_close(g->member[i]);
}

/* One more message: what the sender sent before has arrived when it does, or never will. */
static void expect_silence(group *g, int from, int at)
{
    assert_int_equal(
        send_text(g->member[from], IRX_TO_MEMBER, g->session[at], "the last one", NULL), 0);
    irx_event_free(await_words(g->member[at], "the last one"));
}

static void a_message_reaches_its_member_alone(void **state)
{
    (void)state;
    group g;
    gather(&g, "one");
    uint64_t ticket;
    assert_int_equal(send_text(g.member[0], IRX_TO_MEMBER, g.session[1], "to you", &ticket), 0);
    assert_int_equal(await_settled(g.member[0], ticket, NULL), 0);
    irx_event *event = await_words(g.member[1], "to you");
    assert_true(irx_id_equal(event->from, g.session[0]));
    assert_true(event->from_leader);
    irx_event_free(event);
    assert_int_equal(send_text(g.member[1], IRX_TO_MEMBER, g.session[0], "and back", NULL), 0);
    event = await_words(g.member[0], "and back");
    assert_true(irx_id_equal(event->from, g.session[1]));
    assert_false(event->from_leader);
    irx_event_free(event);
    expect_silence(&g, 0, 2);
    disperse(&g);
}

static void a_message_reaches_the_leader_alone(void **state)
{
    (void)state;
    group g;
    gather(&g, "leader");
    assert_int_equal(send_text(g.member[2], IRX_TO_LEADER, nobody, "to whom it leads", NULL), 0);
    irx_event_free(await_words(g.member[0], "to whom it leads"));
    expect_silence(&g, 2, 1);
    assert_int_equal(send_text(g.member[0], IRX_TO_LEADER, nobody, "to myself", NULL), IRX_ESTATE);
    disperse(&g);
}

static void followers_are_all_but_the_leader_and_the_sender(void **state)
{
    (void)state;
    group g;
    gather(&g, "followers");
    uint64_t ticket;
    assert_int_equal(send_text(g.member[0], IRX_TO_FOLLOWERS, nobody, "follow me", &ticket), 0);
    assert_int_equal(await_settled(g.member[0], ticket, NULL), 0);
    irx_event_free(await_words(g.member[1], "follow me"));
    irx_event_free(await_words(g.member[2], "follow me"));
    assert_int_equal(send_text(g.member[1], IRX_TO_FOLLOWERS, nobody, "among us", NULL), 0);
    irx_event_free(await_words(g.member[2], "among us"));
    expect_silence(&g, 1, 0);
    expect_silence(&g, 2, 1);
    disperse(&g);
}

static void all_are_all_but_the_sender(void **state)
{
    (void)state;
    group g;
    gather(&g, "all");
    assert_int_equal(send_text(g.member[1], IRX_TO_ALL, nobody, "everybody", NULL), 0);
    irx_event *event = await_words(g.member[0], "everybody");
    assert_true(irx_id_equal(event->from, g.session[1]));
    assert_false(event->from_leader);
    irx_event_free(event);
    irx_event_free(await_words(g.member[2], "everybody"));
    expect_silence(&g, 0, 1);
    disperse(&g);
}

static void the_order_of_a_sender_is_kept(void **state)
{
    (void)state;
    enum { MANY = 600 };
    group g;
    gather(&g, "order");
    char text[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        irx_audience audience = i % 3 ? IRX_TO_ALL : IRX_TO_MEMBER;
        int code;
        while ((code = send_text(g.member[0], audience, g.session[2], text, NULL)) == IRX_EFULL)
            sleep_ms(1);
        assert_int_equal(code, 0);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        irx_event_free(await_words(g.member[2], text));
    }
    irx_metrics sent, received;
    assert_int_equal(irx_election_metrics(g.member[0], &sent), 0);
    assert_int_equal(irx_election_metrics(g.member[2], &received), 0);
    assert_true(sent.messages_sent >= MANY);
    assert_true(received.messages_received >= MANY);
    assert_int_equal(received.messages_dropped, 0);
    disperse(&g);
}

static void messages_are_bytes_of_any_kind_up_to_the_limit(void **state)
{
    (void)state;
    group g;
    gather(&g, "bytes");
    unsigned char *bytes = malloc(IRX_MESSAGE_MAX + 1);
    for (size_t i = 0; i <= IRX_MESSAGE_MAX; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    irx_election *from = g.member[1];
    assert_int_equal(irx_election_send(from, IRX_TO_ALL, nobody, bytes, IRX_MESSAGE_MAX + 1, NULL),
                     IRX_ETOOLARGE);
    assert_int_equal(irx_election_send(from, IRX_TO_ALL, nobody, bytes, IRX_MESSAGE_MAX, NULL), 0);
    irx_event *event = await_event(g.member[2], IRX_MESSAGE);
    while (event->length < IRX_MESSAGE_MAX) { /* a greeting */
        irx_event_free(event);
        event = await_event(g.member[2], IRX_MESSAGE);
    }
    assert_int_equal(event->length, IRX_MESSAGE_MAX);
    assert_memory_equal(event->data, bytes, IRX_MESSAGE_MAX);
    irx_event_free(event);
    assert_int_equal(irx_election_send(from, IRX_TO_ALL, nobody, NULL, 0, NULL), 0);
    irx_event_free(await_words(g.member[2], ""));
    free(bytes);
    disperse(&g);
}

static void what_can_not_be_sent_is_refused_at_once(void **state)
{
    (void)state;
    group g;
    gather(&g, "refused");
    irx_election *e = g.member[1];
    assert_int_equal(send_text(e, IRX_TO_MEMBER, (irx_id){1, 2}, "x", NULL), IRX_ENOMEMBER);
    assert_int_equal(send_text(e, IRX_TO_MEMBER, nobody, "x", NULL), IRX_ENOMEMBER);
    assert_int_equal(send_text(e, IRX_TO_MEMBER, g.session[1], "x", NULL), IRX_ESTATE);
    assert_int_equal(send_text(e, (irx_audience)0, nobody, "x", NULL), IRX_ENOMEMBER);
    assert_int_equal(send_text(e, (irx_audience)5, nobody, "x", NULL), IRX_ENOMEMBER);
    assert_int_equal(send_text(NULL, IRX_TO_ALL, nobody, "x", NULL), IRX_ESTATE);
    irx_election_stop(e);
    assert_int_equal(send_text(e, IRX_TO_ALL, nobody, "x", NULL), IRX_ESTOPPED);
    irx_election *never = open_election(url, "refused", NULL);
    assert_int_equal(send_text(never, IRX_TO_ALL, nobody, "x", NULL), IRX_ESTOPPED);
    irx_election_close(never);
    irx_election *observer = open_election(url, "leaderless", "candidate", "false", NULL);
    irx_election_start(observer);
    expect_event(observer, IRX_STARTED);
    assert_int_equal(send_text(observer, IRX_TO_LEADER, nobody, "x", NULL), IRX_ENOMEMBER);
    irx_election_close(observer);
    disperse(&g);
}

/* Work that goes on while leadership is given up may still speak. */
static void a_draining_leader_may_send(void **state)
{
    (void)state;
    group g;
    gather(&g, "draining");
    assert_int_equal(irx_election_work_begin(g.member[0], NULL), 0);
    irx_election_stop(g.member[0]);
    expect_event(g.member[0], IRX_DRAINING);
    uint64_t ticket;
    assert_int_equal(send_text(g.member[0], IRX_TO_FOLLOWERS, nobody, "the last word", &ticket), 0);
    irx_event *event = await_words(g.member[1], "the last word");
    assert_true(event->from_leader);
    irx_event_free(event);
    assert_int_equal(await_settled(g.member[0], ticket, NULL), 0);
    irx_election_work_end(g.member[0]);
    expect_event(g.member[0], IRX_STOPPED);
    disperse(&g);
}

/* What was asked for before a stop leaves before it. */
static void a_farewell_arrives(void **state)
{
    (void)state;
    group g;
    gather(&g, "farewell");
    uint64_t ticket;
    hold_loop(g.member[1]);
    assert_int_equal(send_text(g.member[1], IRX_TO_LEADER, nobody, "farewell", &ticket), 0);
    irx_election_stop(g.member[1]);
    let_loop(g.member[1]);
    irx_event_free(await_words(g.member[0], "farewell"));
    assert_int_equal(await_settled(g.member[1], ticket, NULL), 0);
    expect_event(g.member[1], IRX_STOPPED);
    disperse(&g);
}

static void a_close_waits_for_what_leaves(void **state)
{
    (void)state;
    group g;
    gather(&g, "closing");
    assert_int_equal(send_text(g.member[1], IRX_TO_LEADER, nobody, "gone", NULL), 0);
    irx_election_close(g.member[1]);
    irx_event_free(await_words(g.member[0], "gone"));
    g.member[1] = NULL;
    disperse(&g);
}

/* Who is connected to nothing can send nothing, and hears so. */
static void without_a_connection_nothing_leaves(void **state)
{
    (void)state;
    irx_election *e = open_election(url, "alone", NULL);
    uint64_t ticket;
    hold_loop(e);
    irx_election_start(e);
    assert_int_equal(send_text(e, IRX_TO_ALL, nobody, "x", &ticket), 0);
    let_loop(e);
    assert_int_equal(await_settled(e, ticket, NULL), IRX_EUNREACHABLE);
    irx_election_close(e);
}

static void who_left_receives_nothing(void **state)
{
    (void)state;
    group g;
    gather(&g, "left");
    hold_loop(g.member[0]);
    uint64_t ticket;
    irx_election_stop(g.member[2]);
    assert_int_equal(send_text(g.member[0], IRX_TO_MEMBER, g.session[2], "too late", &ticket), 0);
    let_loop(g.member[0]);
    int code = await_settled(g.member[0], ticket, NULL);
    assert_true(code == 0 || code == IRX_ENOMEMBER); /* as far as the medium can tell */
    irx_event *event = await_event(g.member[2], IRX_STOPPED);
    irx_event_free(event);
    assert_int_equal(irx_election_next_event(g.member[2], &event, 20), IRX_ETIMEOUT);
    await_members(g.member[0], MEMBERS - 1);
    assert_int_equal(send_text(g.member[0], IRX_TO_MEMBER, g.session[2], "x", NULL), IRX_ENOMEMBER);
    disperse(&g);
}

/* A request is under way until its outcome was taken: nothing piles up without bound. */
static void requests_are_bounded(void **state)
{
    (void)state;
    group g;
    gather(&g, "bounded");
    uint64_t ticket = 0;
    int accepted = 0;
    hold_loop(g.member[0]);
    while (send_text(g.member[0], IRX_TO_ALL, nobody, "x", &ticket) == 0)
        accepted++;
    assert_int_equal(accepted, IRX_REQUESTS_MAX);
    let_loop(g.member[0]);
    uint64_t refused = 77;
    assert_int_equal(send_text(g.member[0], IRX_TO_ALL, nobody, "x", &refused), IRX_EFULL);
    assert_int_equal(refused, 77);
    expect_event(g.member[0], IRX_SETTLED);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (send_text(g.member[0], IRX_TO_ALL, nobody, "x", NULL) == IRX_EFULL)
        assert_true(now_ms() < until_ms);
    disperse(&g);
}

/* Through stops and starts at any moment every ticket settles once, and none twice. */
static void every_ticket_settles_once(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    group g;
    gather(&g, "tickets");
    irx_election *e = g.member[1];
    uint64_t last = 0;
    static unsigned char settled[4 * ROUNDS];
    memset(settled, 0, sizeof settled);
    size_t accepted = 0, told = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t ticket;
        int code = i % 4 == 3
                       ? irx_election_set_meta(e, &i, sizeof i, &ticket)
                       : send_text(e, i % 2 ? IRX_TO_ALL : IRX_TO_LEADER, nobody, "x", &ticket);
        if (code == 0) {
            assert_true(ticket > last);
            last = ticket;
            accepted++;
        } else {
            assert_true(code == IRX_ESTOPPED || code == IRX_ENOMEMBER || code == IRX_ESTATE);
        }
        if (i % 7 == 6)
            irx_election_stop(e);
        if (i % 7 == 6 || i % 11 == 5)
            irx_election_start(e);
        if (i % 20 == 19)
            sleep_ms(5);
    }
    irx_election_stop(e);
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (told < accepted && now_ms() < until_ms) {
        irx_event *event = await_event(e, IRX_SETTLED);
        assert_true(event->ticket > 0 && event->ticket < sizeof settled);
        assert_int_equal(settled[event->ticket]++, 0);
        told++;
        irx_event_free(event);
    }
    assert_int_equal(told, accepted);
    assert_true(no_event_waits(e, IRX_SETTLED));
    disperse(&g);
}

/* ---- what no medium does on demand ------------------------------------------------------------
 */

static void swallow(irx_medium *medium, irx_seat *seat, irx_id to, irx_id process, uint64_t ticket,
                    const void *bytes, size_t length)
{
    (void)medium, (void)seat, (void)to, (void)process, (void)ticket, (void)bytes, (void)length;
}

static void a_lost_connection_settles_what_was_on_its_way(void **state)
{
    (void)state;
    group g;
    gather(&g, "lost");
    irx_medium_class silent = *g.member[1]->class;
    const irx_medium_class *real = g.member[1]->class;
    silent.send = swallow;
    bend(g.member[1], &silent);
    uint64_t tickets[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(send_text(g.member[1], IRX_TO_LEADER, nobody, "x", &tickets[i]), 0);
    sleep_ms(20);
    assert_true(no_event_waits(g.member[1], IRX_SETTLED));
    cut(g.member[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(await_settled(g.member[1], tickets[i], NULL), IRX_EUNREACHABLE);
    bend(g.member[1], real);
    disperse(&g);
}

static void a_stop_settles_what_was_on_its_way(void **state)
{
    (void)state;
    group g;
    gather(&g, "stop");
    irx_medium_class silent = *g.member[1]->class;
    const irx_medium_class *real = g.member[1]->class;
    silent.send = swallow;
    bend(g.member[1], &silent);
    uint64_t ticket;
    assert_int_equal(send_text(g.member[1], IRX_TO_LEADER, nobody, "x", &ticket), 0);
    irx_election_stop(g.member[1]);
    assert_int_equal(await_settled(g.member[1], ticket, NULL), IRX_ESTOPPED);
    expect_event(g.member[1], IRX_STOPPED);
    bend(g.member[1], real);
    cut(g.member[0]); /* forgets what will never be answered */
    disperse(&g);
}

static void a_medium_without_messages_says_so(void **state)
{
    (void)state;
    group g;
    gather(&g, "mute");
    irx_medium_class mute = *g.member[1]->class;
    const irx_medium_class *real = g.member[1]->class;
    mute.send = NULL;
    bend(g.member[1], &mute);
    assert_int_equal(send_text(g.member[1], IRX_TO_LEADER, nobody, "x", NULL), IRX_EUNSUPPORTED);
    bend(g.member[1], real);
    disperse(&g);
}

#define OVER_EVERY_MEDIUM                                                                          \
    cmocka_unit_test(a_message_reaches_its_member_alone),                                          \
        cmocka_unit_test(a_message_reaches_the_leader_alone),                                      \
        cmocka_unit_test(followers_are_all_but_the_leader_and_the_sender),                         \
        cmocka_unit_test(all_are_all_but_the_sender),                                              \
        cmocka_unit_test(the_order_of_a_sender_is_kept),                                           \
        cmocka_unit_test(messages_are_bytes_of_any_kind_up_to_the_limit),                          \
        cmocka_unit_test(what_can_not_be_sent_is_refused_at_once),                                 \
        cmocka_unit_test(a_draining_leader_may_send), cmocka_unit_test(a_farewell_arrives),        \
        cmocka_unit_test(a_close_waits_for_what_leaves),                                           \
        cmocka_unit_test(without_a_connection_nothing_leaves),                                     \
        cmocka_unit_test(who_left_receives_nothing), cmocka_unit_test(requests_are_bounded),       \
        cmocka_unit_test(every_ticket_settles_once)

int main(void)
{
    const struct CMUnitTest bent[] = {
        OVER_EVERY_MEDIUM,
        cmocka_unit_test(a_lost_connection_settles_what_was_on_its_way),
        cmocka_unit_test(a_stop_settles_what_was_on_its_way),
        cmocka_unit_test(a_medium_without_messages_says_so),
    };
    url = "memory:messages";
    int failed = cmocka_run_group_tests_name("memory", bent, NULL, NULL);
    const struct CMUnitTest plain[] = {OVER_EVERY_MEDIUM};
    redis_server *server = redis_server_start(NULL);
    url = redis_server_url(server);
    failed += cmocka_run_group_tests_name("redis", plain, NULL, NULL);
    redis_server_stop(server);
    const struct CMUnitTest local[] = {OVER_EVERY_MEDIUM};
    char directory[64], local_url[80];
    make_directory(directory, local_url);
    url = local_url;
    failed += cmocka_run_group_tests_name("local", local, NULL, NULL);
    remove_directory(directory);
    return failed;
}
