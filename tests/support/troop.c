/* See troop.h. A member tells by shared memory; it must not tell a belief later than it had it, nor
 * earlier. */
#include "troop.h"

#include "cmocka_all.h"
#include "runtime/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMBER "troop-member"

enum { MEMORY_FD = 3, ARGUMENTS_MAX = 24 };

void troop_pause_ms(int ms)
{
    const struct timespec wait = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&wait, NULL);
}

/* ---- in a member's process --------------------------------------------------------------------
 */

/* The check reads its clock between the two readings here. Stopped in between, `before` may be long
 * ago when it answers yes, and `after` long past when it is written down; so the belief surely was
 * there from `after` on when it is the first, and until `before` when it is the last. */
static void sample(irx_election *election, troop_member *self)
{
    irx_token token;
    int64_t before_ns = irx__clock_boot_ns();
    bool leads = irx_election_leads(election, 0, &token);
    int64_t after_ns = irx__clock_boot_ns();
    unsigned last = self->reigns;

    if (leads && (last == 0 || self->list[last - 1].term != token.term) && last < TROOP_TERMS_MAX) {
        self->list[last].term = token.term;
        self->list[last].first_ns = after_ns;
        self->list[last].last_ns = after_ns;
        self->reigns = last + 1;
    } else if (leads && last > 0 && before_ns > self->list[last - 1].last_ns) {
        self->list[last - 1].last_ns = before_ns;
    }
    self->leads = leads;
}

static void note_end(troop_member *self, const irx_event *event)
{
    for (unsigned i = 0; i < self->reigns; i++) {
        if (self->list[i].term == event->token.term) {
            self->list[i].reason = event->reason;
            self->list[i].over = true;
        }
    }
}

static bool take_events(irx_election *election, troop_member *self)
{
    irx_event *event = NULL;
    bool stopped = false;
    while (irx_election_next_event(election, &event, 1) == 0) {
        sample(election, self);
        if (event->kind == IRX_STARTED)
            self->started = true;
        else if (event->kind == IRX_DEFEATED)
            note_end(self, event);
        else if (event->kind == IRX_STOPPED)
            stopped = true;
        else if (event->kind == IRX_ERROR || event->kind == IRX_WARNING) {
            self->error = event->error;
            self->errors++;
        }
        irx_event_free(event);
    }
    return stopped;
}

/* The child has copies of all descriptors, and nothing of them may live on in it. It ends with the
 * test's memory: when it is told to stop. */
static void fork_child(irx_election *election, troop_member *self)
{
    pid_t pid = fork();
    if (pid == 0) {
        self->child_says = irx_election_is_leader(election) ? 1 : irx_election_resign(election);
        self->child = getpid();
        self->forked = true;
        for (int waited = 0; !self->stop && waited < 2 * TROOP_WAIT_MS; waited++)
            troop_pause_ms(1);
        irx_election_close(election);
        _exit(0);
    }
    self->fork = false;
}

static int take_part(troop_member *self, const char *url, char *const pairs[])
{
    irx_options *options = irx_options_new();
    irx_election *election = NULL;
    irx_error error;
    bool asked = false;

    irx_options_set(options, "name", "chaos");
    for (; pairs[0] != NULL; pairs += 2)
        irx_options_set(options, pairs[0], pairs[1]);
    if (irx_election_open(&election, url, options, &error) != 0) {
        fprintf(stderr, "a member: %s\n", error.text);
        return 1;
    }
    irx_options_free(options);
    irx_election_start(election);
    for (;;) {
        for (int waited = 0; self->silent && waited < TROOP_WAIT_MS; waited++)
            troop_pause_ms(1);
        sample(election, self);
        if (take_events(election, self) && asked)
            break;
        if (self->fork)
            fork_child(election, self);
        if (self->stop && !asked) {
            asked = true;
            irx_election_stop(election);
        }
    }
    self->leads = false;
    irx_election_close(election);
    return 0;
}

static troop *map(int fd)
{
    troop *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return t == MAP_FAILED ? NULL : t;
}

void troop_main(int argc, char **argv)
{
    if (argc < 4 || strcmp(argv[0], MEMBER) != 0)
        return;
    troop *t = map(MEMORY_FD);
    exit(t == NULL ? 1 : take_part(&t->members[atoi(argv[1])], argv[2], argv + 3));
}

/* ---- in the test ------------------------------------------------------------------------------
 */

troop *troop_new(void)
{
    int fd = memfd_create("troop", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, sizeof(troop)) == 0);
    troop *t = map(fd);
    assert_non_null(t);
    t->fd = fd;
    return t;
}

unsigned troop_add(troop *t, const char *url, const char *const options[])
{
    unsigned number = t->count++;
    troop_member *member = &t->members[number];
    char digits[8];
    char *argv[ARGUMENTS_MAX] = {(char[]){MEMBER}, digits, (char *)(uintptr_t)url};
    assert_true(number < TROOP_MAX);
    snprintf(digits, sizeof digits, "%u", number);
    for (int i = 0; options[i] != NULL && i + 4 < ARGUMENTS_MAX; i++)
        argv[3 + i] = (char *)(uintptr_t)options[i];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Descriptors of the test's would keep connections open that it closed. */
        if (dup2(t->fd, MEMORY_FD) == MEMORY_FD && fcntl(MEMORY_FD, F_SETFD, 0) == 0 &&
            close_range(MEMORY_FD + 1, ~0U, 0) == 0)
            execv("/proc/self/exe", argv);
        _exit(127);
    }
    member->pid = pid;
    return number;
}

void troop_await(const volatile bool *flag, const char *what)
{
    for (int waited = 0; !*flag; waited++) {
        if (waited > TROOP_WAIT_MS)
            fail_msg("%s did not happen", what);
        troop_pause_ms(1);
    }
}

unsigned troop_await_leader(troop *t, unsigned but)
{
    for (int waited = 0; waited < TROOP_WAIT_MS; waited++) {
        for (unsigned i = 0; i < t->count; i++)
            if (i != but && t->members[i].pid != 0 && t->members[i].leads)
                return i;
        troop_pause_ms(1);
    }
    for (unsigned i = 0; i < t->count; i++)
        print_message("member %u: %u leaderships, last trouble: %s\n", i, t->members[i].reigns,
                      t->members[i].error.text);
    fail_msg("nobody leads");
    return TROOP_MAX;
}

const troop_reign *troop_await_end(troop *t, unsigned member, unsigned reigns)
{
    troop_member *of = &t->members[member];
    for (int waited = 0; of->reigns < reigns || !of->list[reigns - 1].over; waited++) {
        if (waited > TROOP_WAIT_MS)
            fail_msg("leadership %u of member %u did not end", reigns, member);
        troop_pause_ms(1);
    }
    return &of->list[reigns - 1];
}

void troop_await_error(troop *t, unsigned member, int code)
{
    troop_member *of = &t->members[member];
    for (int waited = 0; of->errors == 0 || of->error.code != code; waited++) {
        if (waited > TROOP_WAIT_MS)
            fail_msg("no %s; the last trouble was: %s", irx_error_name(code), of->error.text);
        troop_pause_ms(1);
    }
}

void troop_signal(troop *t, unsigned member, int signal)
{
    assert_int_equal(kill(t->members[member].pid, signal), 0);
}

void troop_kill(troop *t, unsigned member)
{
    troop_signal(t, member, SIGKILL);
    assert_int_equal(waitpid(t->members[member].pid, NULL, 0), t->members[member].pid);
    t->members[member].pid = 0;
    t->members[member].leads = false;
}

static void assert_apart(const troop_reign *one, unsigned by_one, const troop_reign *other,
                         unsigned by_other)
{
    const troop_reign *early = one->first_ns <= other->first_ns ? one : other;
    const troop_reign *late = early == one ? other : one;
    if (early->last_ns >= late->first_ns)
        fail_msg("members %u and %u both led for %.3f ms (terms %llu and %llu)", by_one, by_other,
                 (double)((early->last_ns < late->last_ns ? early->last_ns : late->last_ns) -
                          late->first_ns) /
                     1e6,
                 (unsigned long long)one->term, (unsigned long long)other->term);
    if (early->term >= late->term)
        fail_msg("term %llu came after term %llu", (unsigned long long)late->term,
                 (unsigned long long)early->term);
}

void troop_assert_no_overlap(const troop *t)
{
    for (unsigned i = 0; i < t->count; i++)
        for (unsigned j = i; j < t->count; j++)
            for (unsigned a = 0; a < t->members[i].reigns; a++)
                for (unsigned b = i == j ? a + 1 : 0; b < t->members[j].reigns; b++)
                    assert_apart(&t->members[i].list[a], i, &t->members[j].list[b], j);
}

void troop_end(troop *t)
{
    for (unsigned i = 0; i < t->count; i++)
        t->members[i].stop = true;
    for (unsigned i = 0; i < t->count; i++) {
        int status = 0;
        pid_t ended = 0;
        if (t->members[i].pid == 0)
            continue;
        kill(t->members[i].pid, SIGCONT);
        for (int waited = 0; ended == 0 && waited < TROOP_WAIT_MS; waited++) {
            ended = waitpid(t->members[i].pid, &status, WNOHANG);
            troop_pause_ms(ended == 0 ? 1 : 0);
        }
        if (ended == 0) {
            kill(t->members[i].pid, SIGKILL);
            waitpid(t->members[i].pid, &status, 0);
            fail_msg("member %u did not stop", i);
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("member %u ended badly: status 0x%x", i, (unsigned)status);
    }
    close(t->fd);
    munmap(t, sizeof *t);
}
