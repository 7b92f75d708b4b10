/* Names: each election is its own, whatever it is called. */
#include "contract.h"
#include "runtime/error.h"

#include <stdio.h>
#include <string.h>

/* Leads under each of these names at once and finds each record as it left it. */
static void are_apart(contract *c, const char *const names[], size_t count)
{
    peer_seat *seats[24];
    irx_record records[24];
    peer_seat *home = contract_member(c, "home", "home");
    assert_true(count <= 24);
    for (size_t i = 0; i < count; i++) {
        seats[i] = peer_sit(home->peer, names[i], names[i]);
        assert_int_equal(peer_say(seats[i], IRX_OP_READ).status, IRX_RESULT_ABSENT);
        assert_int_equal(peer_say(seats[i], IRX_OP_JOIN).status, IRX_RESULT_OK);
        assert_int_equal(seats[i]->seat.member_count, 1);
        records[i] = peer_lead(seats[i]);
        assert_string_equal(records[i].label, names[i]);
    }
    for (size_t i = 0; i < count; i++) {
        irx_record seen = peer_read(seats[i]);
        assert_record_equal(&seen, &records[i]);
        assert_int_equal(seats[i]->seat.member_count, 1);
        assert_string_equal(seats[i]->seat.members[0].label, names[i]);
        peer_free(seats[i]);
    }
    peer_end(home);
}

static void names_are_apart(contract *c)
{
    static const char *const names[] = {"billing", "Billing", "billing2", "billin", "b"};
    are_apart(c, names, sizeof names / sizeof *names);
}

static void hostile_names_are_names(contract *c)
{
    static const char *const names[] = {
        "..",      ".",    "/",      "../home",     "a/b",       "a%2Fb",  "{home}",     "home*",
        "*",       "h?me", "[home]", "home:record", "~epoch",    "~",      "record",     "lock",
        "members", "a b",  "'home'", "\"home\"",    "$(reboot)", "\\home", "; DROP -- ", "%s%n"};
    are_apart(c, names, sizeof names / sizeof *names);
}

static void long_names_are_names(contract *c)
{
    char slashes[IRX_NAME_MAX + 1], tildes[IRX_NAME_MAX + 1], longer[IRX_NAME_MAX + 1];
    char utf8[IRX_NAME_MAX + 1] = "";
    memset(slashes, '/', IRX_NAME_MAX);
    memset(tildes, '~', IRX_NAME_MAX);
    memset(longer, '/', IRX_NAME_MAX);
    slashes[IRX_NAME_MAX] = tildes[IRX_NAME_MAX] = longer[IRX_NAME_MAX] = '\0';
    longer[IRX_NAME_MAX - 1] = 'x';
    while (strlen(utf8) + 4 <= IRX_NAME_MAX)
        strcat(utf8, strlen(utf8) % 8 ? "\xf0\x9f\x91\x91" : "\xe7\x8e\x8b!");
    const char *const names[] = {slashes, tildes, longer, utf8};
    are_apart(c, names, sizeof names / sizeof *names);
}

static void namespaces_are_apart(contract *c)
{
    peer_seat *a = contract_member(c, "billing", "a");
    peer_lead(a);
    assert_int_equal(peer_say(a, IRX_OP_JOIN).status, IRX_RESULT_OK);
    char *end = c->namespace_name + strlen(c->namespace_name);
    *end = '2';
    peer_seat *b = contract_member(c, "billing", "b");
    *end = '\0';
    assert_int_equal(peer_say(b, IRX_OP_READ).status, IRX_RESULT_ABSENT);
    assert_int_equal(b->seat.member_count, 0);
    a->hints = 0;
    peer_lead(b);
    peer_run_ms(c->loop, 50);
    assert_int_equal(a->hints, 0);
    assert_id_equal(peer_read(a).session, a->session);
    peer_end(b);
    peer_end(a);
}

static const contract_case CASES[] = {
    CASE(names_are_apart, EVERYWHERE),
    CASE(hostile_names_are_names, EVERYWHERE),
    CASE(long_names_are_names, EVERYWHERE),
    CASE(namespaces_are_apart, EVERYWHERE),
};
const contract_topic CONTRACT_NAMES = TOPIC(CASES);
