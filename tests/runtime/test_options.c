/* Options: what each takes, what is refused and how, and what they mean together. */
#include "cmocka_all.h"
#include "handles.h"
#include "runtime/options.h"

#include <stdlib.h>
#include <string.h>

#define LONG_129                                                                                   \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "12345678901234567890123456789012345678"

static const struct {
    const char *key, *value;
} goods[] = {
    {"name", "x"},
    {"name", "two words"},
    {"name", "\xc3\xa9lection"},
    {"namespace", "a"},
    {"label", "host:1"},
    {"protocol", "lease"},
    {"takeover", "fast"},
    {"takeover", "safe"},
    {"profile", "swift"},
    {"profile", "wide"},
    {"profile", "default"},
    {"heartbeat_ms", "10"},
    {"timeout_ms", "30"},
    {"heartbeat_ms", "60000"},
    {"timeout_ms", "600000"},
    {"probe_ms", "25"},
    {"stall_limit_ms", "0"},
    {"drain_limit_ms", "0"},
    {"candidate", "true"},
    {"start_timeout_ms", "0"},
    {"drift", "0"},
    {"candidate", "false"},
    {"drift", "0.005"},
    {"drift", "0.1"},
    {"protocol", "lease"},
    {"protocol", "quorum"},
    {"meta", ""},
    {"meta", "{\"any\": \"bytes\",\n\xff}"},
    {"drift", "0.000001"},
    {"max_members", "1"},
    {"max_members", "65536"},
    {"create_table", "false"},
};

static void good_values_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        irx_options *options = irx_options_new();
        if (irx_options_set(options, goods[i].key, goods[i].value))
            fail_msg("%s", irx_options_error(options)->text);
        assert_null(irx_options_error(options));
        irx_options_free(options);
    }
}

static const struct {
    const char *key, *value, *says;
} bads[] = {
    {"name", "", "option name"},
    {"name", LONG_129, "1 to 128 bytes"},
    {"name", "a\nb", "control"},
    {"name", "a\x7f", "control"},
    {"name", "\xc2\x80", "control"},
    {"name", "\xff", "malformed"},
    {"name", "\xc3", "malformed"},
    {"name", "\xc0\xaf", "malformed"},
    {"name", "\xed\xa0\x80", "malformed"},
    {"name", "\xf4\x90\x80\x80", "malformed"},
    {"name", NULL, "a value is missing"},
    {"namespace", "", "option namespace"},
    {"label", "", "option label"},
    {"protocol", "raft", "option protocol: \"raft\" must be lease or quorum"},
    {"protocol", "", "lease or quorum"},
    {"takeover", "Fast", "fast or safe"},
    {"profile", "slow", "swift or wide"},
    {"heartbeat_ms", "9", "from 10 to 60000"},
    {"heartbeat_ms", "60001", "from 10 to 60000"},
    {"heartbeat_ms", "300ms", "option heartbeat_ms: \"300ms\""},
    {"heartbeat_ms", "-300", "whole number"},
    {"heartbeat_ms", "3e2", "whole number"},
    {"heartbeat_ms", "", "whole number"},
    {"heartbeat_ms", " 300", "whole number"},
    {"heartbeat_ms", "99999999999999999999999", "whole number"},
    {"timeout_ms", "600001", "to 600000"},
    {"candidate", "yes", "true or false"},
    {"candidate", "1", "true or false"},
    {"drift", "0.2", "0 to 0.1"},
    {"drift", "1", "0 to 0.1"},
    {"drift", ".005", "0 to 0.1"},
    {"drift", "0.", "0 to 0.1"},
    {"drift", "0,005", "0 to 0.1"},
    {"drift", "0.0000001", "at most 6 decimals"},
    {"drift", "0.00a", "0 to 0.1"},
    {"max_members", "0", "from 1"},
    {"create_table", "no", "true or false"},
    {"heartbeat", "300", "did you mean heartbeat_ms?"},
    {"hartbeat_ms", "300", "did you mean heartbeat_ms?"},
    {"timeoutMs", "300", "did you mean timeout_ms?"},
    {"Name", "x", "did you mean name?"},
    {"nmespace", "x", "did you mean namespace?"},
    {"completely_unrelated", "x", "unknown option \"completely_unrelated\""},
    {"", "x", "unknown option \"\""},
    {NULL, "x", "needs a key"},
};

static void bad_values_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        irx_options *options = irx_options_new();
        assert_int_equal(irx_options_set(options, bads[i].key, bads[i].value), IRX_ECONFIG);
        const irx_error *error = irx_options_error(options);
        assert_non_null(error);
        assert_int_equal(error->code, IRX_ECONFIG);
        if (!strstr(error->text, bads[i].says))
            fail_msg("\"%s\" does not say \"%s\"", error->text, bads[i].says);
        irx_options_free(options);
    }
    assert_int_equal(irx_options_set(NULL, "name", "x"), IRX_ECONFIG);
    irx_options_free(NULL);
}

static void an_unrelated_key_gets_no_suggestion(void **state)
{
    (void)state;
    irx_options *options = irx_options_new();
    irx_options_set(options, "zzzzzzzzzz", "x");
    assert_null(strstr(irx_options_error(options)->text, "did you mean"));
    irx_options_free(options);
}

static void expect_times(const char *first, const char *first_value, const char *second,
                         const char *second_value, int64_t heartbeat_ms, int64_t timeout_ms)
{
    irx_options *options = options_of("x", first, first_value, NULL);
    if (second)
        assert_int_equal(irx_options_set(options, second, second_value), 0);
    irx_engine_options engine;
    irx_error error;
    if (irx__options_resolve(&options->settings, &irx__medium_memory, &engine, &error))
        fail_msg("%s", error.text);
    assert_int_equal(engine.heartbeat_ns, heartbeat_ms * 1000000);
    assert_int_equal(engine.timeout_ns, timeout_ms * 1000000);
    irx_options_free(options);
}

/* An explicit number wins over the profile, whichever was said first. */
static void profile_fills_what_is_not_said(void **state)
{
    (void)state;
    expect_times("candidate", "true", NULL, NULL, 300, 1500);
    expect_times("profile", "swift", NULL, NULL, 50, 250);
    expect_times("profile", "wide", NULL, NULL, 1000, 6000);
    expect_times("profile", "swift", "timeout_ms", "400", 50, 400);
    expect_times("timeout_ms", "400", "profile", "swift", 50, 400);
    expect_times("heartbeat_ms", "70", "profile", "swift", 70, 250);
}

static void the_medium_chooses_the_takeover(void **state)
{
    (void)state;
    irx_options *options = options_of("x", NULL);
    irx_engine_options engine;
    irx_error error;
    assert_int_equal(irx__options_resolve(&options->settings, &irx__medium_memory, &engine, &error),
                     0);
    assert_int_equal(engine.takeover, IRX_TAKEOVER_FAST);
    assert_true(engine.has_presence);
    irx_medium_class blind = irx__medium_memory;
    blind.has_presence = false;
    assert_int_equal(irx__options_resolve(&options->settings, &blind, &engine, &error), 0);
    assert_int_equal(engine.takeover, IRX_TAKEOVER_SAFE);
    assert_int_equal(irx_options_set(options, "takeover", "fast"), 0);
    assert_int_equal(irx__options_resolve(&options->settings, &blind, &engine, &error),
                     IRX_ECONFIG);
    assert_non_null(strstr(error.text, "option takeover"));
    irx_options_free(options);
}

/* Quorum is asked for, never fallen back from. */
static void quorum_needs_a_medium_that_has_it(void **state)
{
    (void)state;
    irx_options *options = options_of("x", NULL);
    irx_engine_options engine;
    irx_error error;
    irx_medium_class plain = irx__medium_memory, able = irx__medium_memory;
    plain.has_quorum = false;
    able.has_quorum = true;
    assert_int_equal(irx__options_resolve(&options->settings, &able, &engine, &error), 0);
    assert_int_equal(engine.protocol, IRX_PROTOCOL_LEASE);
    assert_int_equal(irx_options_set(options, "protocol", "quorum"), 0);
    assert_int_equal(irx__options_resolve(&options->settings, &plain, &engine, &error),
                     IRX_ECONFIG);
    assert_non_null(strstr(error.text, "option protocol: \"quorum\""));
    assert_non_null(strstr(error.text, "memory:"));
    assert_int_equal(irx__options_resolve(&options->settings, &able, &engine, &error), 0);
    assert_int_equal(engine.protocol, IRX_PROTOCOL_QUORUM);
    irx_options_free(options);
}

static void meta_is_bounded(void **state)
{
    (void)state;
    char meta[IRX_META_MAX + 2];
    memset(meta, 'm', sizeof meta);
    meta[IRX_META_MAX + 1] = '\0';
    irx_options *options = options_of("x", NULL);
    assert_int_equal(irx_options_set(options, "meta", meta), IRX_ECONFIG);
    assert_non_null(strstr(irx_options_error(options)->text, "option meta: 4097 bytes"));
    irx_options_free(options);
    meta[IRX_META_MAX] = '\0';
    options = options_of("x", "meta", meta, NULL);
    assert_string_equal(options->settings.meta, meta);
    irx_options_free(options);
}

static void expect_refusal(const char *url, irx_options *options, int code, const char *says)
{
    irx_election *election = (irx_election *)1;
    irx_error error;
    assert_int_equal(irx_election_open(&election, url, options, &error), code);
    assert_null(election);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, says))
        fail_msg("\"%s\" does not say \"%s\"", error.text, says);
    assert_int_equal(irx_election_open(&election, url, options, NULL), code);
    irx_options_free(options);
}

/* open is the one place where a program needs to check. */
static void open_refuses_what_is_wrong(void **state)
{
    (void)state;
    expect_refusal("memory:", NULL, IRX_ECONFIG, "options");
    expect_refusal("memory:", irx_options_new(), IRX_ECONFIG, "option name is missing");
    expect_refusal("", options_of("x", NULL), IRX_ECONFIG, "url");
    expect_refusal("redis://u:secret@h:x", options_of("x", NULL), IRX_ECONFIG, "redis://***@h:x");
    expect_refusal("rediss://h", options_of("x", NULL), IRX_EUNSUPPORTED, "rediss");
    expect_refusal("memory:", options_of("x", "heartbeat_ms", "600", NULL), IRX_ECONFIG,
                   "three heartbeats");
    expect_refusal("local:", options_of("x", "protocol", "quorum", NULL), IRX_ECONFIG,
                   "option protocol");
    irx_options *options = options_of("x", NULL);
    irx_options_set(options, "nme", "y");
    irx_options_set(options, "label", "");
    irx_options_set(options, "name", "good again");
    expect_refusal("memory:", options, IRX_ECONFIG, "did you mean name?");
    irx_error error;
    options = options_of("x", NULL);
    assert_int_equal(irx_election_open(NULL, "memory:", options, &error), IRX_ECONFIG);
    irx_options_free(options);
}

/* No URL: the environment's; an empty one there is an error, none at all is the local directory and
 * a warning. */
static void the_environment_names_the_url(void **state)
{
    (void)state;
    setenv("INTERREX_URL", "memory:environment", 1);
    irx_election *election = open_election(NULL, "x", NULL);
    irx_event *event;
    assert_int_equal(irx_election_next_event(election, &event, 0), IRX_ETIMEOUT);
    assert_null(event);
    irx_election_close(election);
    setenv("INTERREX_URL", "", 1);
    expect_refusal(NULL, options_of("x", NULL), IRX_ECONFIG, "INTERREX_URL is set but empty");
    setenv("INTERREX_URL", "redis://:secret@h:x", 1);
    expect_refusal(NULL, options_of("x", NULL), IRX_ECONFIG, "port");
    unsetenv("INTERREX_URL");
    char path[64], url[80];
    make_directory(path, url);
    setenv("INTERREX_DIR", path, 1);
    election = open_election(NULL, "x", NULL);
    assert_int_equal(irx_election_guarantee(election), IRX_GUARANTEE_KERNEL);
    assert_int_equal(irx_election_next_event(election, &event, 0), 0);
    assert_int_equal(event->kind, IRX_WARNING);
    assert_non_null(strstr(event->error.text, "INTERREX_URL is not set"));
    irx_event_free(event);
    assert_int_equal(irx_election_next_event(election, &event, 0), IRX_ETIMEOUT);
    irx_election_close(election);
    unsetenv("INTERREX_DIR");
    remove_directory(path);
}

static void the_options_are_copied(void **state)
{
    (void)state;
    irx_options *options = options_of("copied", "label", "first", NULL);
    irx_election *election;
    irx_error error;
    assert_int_equal(irx_election_open(&election, "memory:copy", options, &error), 0);
    irx_options_set(options, "label", "second");
    irx_options_free(options);
    assert_int_equal(irx_election_start(election), 0);
    await_leading(election);
    irx_status status;
    assert_int_equal(irx_election_status(election, &status), 0);
    assert_string_equal(status.leader_label, "first");
    irx_election_close(election);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_are_taken),
        cmocka_unit_test(bad_values_are_refused_by_name),
        cmocka_unit_test(an_unrelated_key_gets_no_suggestion),
        cmocka_unit_test(profile_fills_what_is_not_said),
        cmocka_unit_test(the_medium_chooses_the_takeover),
        cmocka_unit_test(quorum_needs_a_medium_that_has_it),
        cmocka_unit_test(meta_is_bounded),
        cmocka_unit_test(open_refuses_what_is_wrong),
        cmocka_unit_test(the_environment_names_the_url),
        cmocka_unit_test(the_options_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
