#include "handles.h"

#include "cmocka_all.h"
#include "runtime/clock.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void set_pairs(irx_options *options, va_list pairs)
{
    const char *key;
    while ((key = va_arg(pairs, const char *)) != NULL) {
        const char *value = va_arg(pairs, const char *);
        if (irx_options_set(options, key, value))
            fail_msg("%s", irx_options_error(options)->text);
    }
}

irx_options *options_of(const char *name, ...)
{
    irx_options *options = irx_options_new();
    assert_non_null(options);
    assert_int_equal(irx_options_set(options, "name", name), 0);
    va_list pairs;
    va_start(pairs, name);
    set_pairs(options, pairs);
    va_end(pairs);
    return options;
}

irx_election *open_election(const char *url, const char *name, ...)
{
    irx_options *options = irx_options_new();
    assert_non_null(options);
    assert_int_equal(irx_options_set(options, "name", name), 0);
    va_list pairs;
    va_start(pairs, name);
    set_pairs(options, pairs);
    va_end(pairs);
    irx_election *election;
    irx_error error;
    if (irx_election_open(&election, url, options, &error))
        fail_msg("%s", error.text);
    irx_options_free(options);
    return election;
}

void make_directory(char *path, char *url)
{
    snprintf(path, 64, "/tmp/interrex-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    snprintf(url, 80, "local://%s", path);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

void remove_directory(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void sleep_ms(int ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&wait, NULL);
}

int64_t now_ms(void)
{
    return irx__clock_boot_ns() / 1000000;
}

static void complain(irx_election *election, const char *what)
{
    char *history = NULL;
    irx_election_history(election, &history);
    fail_msg("%s; its history:\n%s", what, history ? history : "");
}

void await_leading(irx_election *election)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    while (!irx_election_is_leader(election)) {
        if (now_ms() > until_ms)
            complain(election, "does not lead");
        sleep_ms(1);
    }
}

void await_following(irx_election *election)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    irx_status status;
    do {
        if (now_ms() > until_ms)
            complain(election, "knows no leader");
        sleep_ms(1);
        assert_int_equal(irx_election_status(election, &status), 0);
    } while (!status.has_leader || irx_id_equal(status.leader_session, status.session));
}

irx_event *await_event(irx_election *election, irx_happening kind)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    irx_event *event = NULL;
    for (;;) {
        int64_t left_ms = until_ms - now_ms();
        if (irx_election_next_event(election, &event, left_ms > 0 ? (int)left_ms : 0))
            complain(election, "an event did not come");
        if (event->kind == kind)
            return event;
        irx_event_free(event);
    }
}

void expect_event(irx_election *election, irx_happening kind)
{
    irx_event_free(await_event(election, kind));
}

int await_settled(irx_election *election, uint64_t ticket, irx_version *version)
{
    for (;;) {
        irx_event *event = await_event(election, IRX_SETTLED);
        bool found = event->ticket == ticket;
        int code = event->error.code;
        assert_int_equal(code == 0, event->error.text[0] == '\0');
        if (found && version)
            *version = event->version;
        irx_event_free(event);
        if (found)
            return code;
    }
}

irx_event *await_message(irx_election *election, const char *text)
{
    irx_event *event = await_event(election, IRX_MESSAGE);
    assert_int_equal(event->length, strlen(text));
    assert_memory_equal(event->data, text, event->length);
    return event;
}

bool no_event_waits(irx_election *election, irx_happening kind)
{
    irx_event *event;
    bool none = true;
    while (irx_election_next_event(election, &event, 0) == 0) {
        none = none && event->kind != kind;
        irx_event_free(event);
    }
    return none;
}
