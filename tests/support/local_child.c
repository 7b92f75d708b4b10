/* See local_child.h. The tests that use it start no thread before, so a plain fork is enough. */
#include "local_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "medium/local_text.h"
#include "peer.h"

static void tell(int fd, const child *self)
{
    if (write(fd, self, sizeof *self) != (ssize_t)sizeof *self)
        _exit(1);
    close(fd);
}

static void hold_lock(const char *directory, const char *namespace_name, const char *name)
{
    char election[IRX__LOCAL_NAME_MAX], path[1024];
    irx__local_name(name, election);
    snprintf(path, sizeof path, "%s/%s/%s/lock", directory, namespace_name, election);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        _exit(1);
}

static pid_t fork_knowingly(peer *p)
{
    pid_t pid = fork();
    if (pid == 0) {
        p->class->forked(p->medium);
        alarm(120); /* it outlives its parent on purpose, but not a failed test for ever */
        for (;;)
            pause();
    }
    return pid;
}

size_t child_value(irx_version version, unsigned char *bytes)
{
    size_t length = (size_t)(version.term * 31 + version.index * 977) % IRX_VALUE_MAX;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(version.term + version.index * (i + 1));
    return length;
}

/* Also after a leader that was killed. */
static irx_record lead_after(peer_seat *s)
{
    irx_result read = peer_say(s, IRX_OP_READ);
    if (read.status != IRX_RESULT_OK || irx_id_none(read.record.session))
        return peer_lead(s);
    irx_op claim = peer_claim(s, IRX_OP_CLAIM_IF_GONE, &read.record);
    irx_result result = peer_do(s, &claim);
    if (result.status != IRX_RESULT_OK)
        _exit(1);
    return result.record;
}

_Noreturn static void publish(peer_seat *s, irx_record held, int fd, const child *self)
{
    static unsigned char bytes[IRX_VALUE_MAX];
    tell(fd, self);
    for (irx_version next = {held.term, 1};; next.index++) {
        irx_op op = peer_publish(s, &held, bytes, child_value(next, bytes));
        irx_result result = peer_do(s, &op);
        if (result.status != IRX_RESULT_OK || result.record.value.index != next.index)
            _exit(1);
    }
}

_Noreturn static void live(const char *directory, const char *namespace_name, const char *name,
                           child_part part, int fd)
{
    char url[256];
    child self = {.pid = getpid()};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (part == CHILD_HOLDS_LOCK) {
        hold_lock(directory, namespace_name, name);
        tell(fd, &self);
        for (;;)
            pause();
    }
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    snprintf(url, sizeof url, "local://%s", directory);
    peer *p = peer_open(&irx__medium_local, loop, url, namespace_name);
    peer_seat *s = peer_sit(p, name, "child");
    self.session = s->session;
    if (peer_say(s, IRX_OP_JOIN).status != IRX_RESULT_OK)
        _exit(1);
    if (part == CHILD_PUBLISHES)
        publish(s, lead_after(s), fd, &self);
    if (part != CHILD_JOINS)
        peer_lead(s);
    if (part == CHILD_LEADS_FORKING)
        self.grandchild = fork_knowingly(p);
    tell(fd, &self);
    for (;;)
        ev_run(loop, 0);
}

child child_start(const char *directory, const char *namespace_name, const char *name,
                  child_part part)
{
    int pipes[2];
    child told = {0};
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(pipes[0]);
        live(directory, namespace_name, name, part, pipes[1]);
    }
    close(pipes[1]);
    if (read(pipes[0], &told, sizeof told) != (ssize_t)sizeof told)
        fail_msg("the child process did not get there");
    close(pipes[0]);
    return told;
}

void child_kill(const child *one)
{
    assert_int_equal(kill(one->pid, SIGKILL), 0);
}

void child_reap(child *one)
{
    while (waitpid(one->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    one->pid = 0;
}
