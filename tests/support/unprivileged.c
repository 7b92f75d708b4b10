/* Steps down from root, starts and keeps what has stepped down. Decides nothing about what is
 * started, and must leave nothing running behind a test program, however that ended. */
#include "unprivileged.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOG_END = 8192, ENDED_BY_STEP = 126, ENDED_BY_EXEC = 127 };

void unprivileged_pause_ms(long ms)
{
    const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

void unprivileged_print_log(const char *directory)
{
    char path[TEMP_PATH_MAX + 8];
    char text[LOG_END + 1];
    snprintf(path, sizeof path, "%s/log", directory);
    FILE *log = fopen(path, "r");
    if (log == NULL) {
        fprintf(stderr, "(no log: %s: %s)\n", path, strerror(errno));
        return;
    }
    if (fseek(log, -LOG_END, SEEK_END) != 0)
        rewind(log);
    text[fread(text, 1, LOG_END, log)] = '\0';
    fprintf(stderr, "---- %s\n%s----\n", path, text);
    fclose(log);
}

void unprivileged_give_up(const char *what, const char *directory)
{
    fprintf(stderr, "a server for a test: %s (%s)\n", what, strerror(errno));
    if (directory != NULL)
        unprivileged_print_log(directory);
    abort();
}

int unprivileged_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        unprivileged_give_up("no free port", NULL);
    close(fd);
    return ntohs(address.sin_port);
}

static const struct passwd *nobody(void)
{
    const struct passwd *user = getpwnam("nobody");
    if (user == NULL)
        unprivileged_give_up("there is no user nobody", NULL);
    return user;
}

void unprivileged_directory(char path[TEMP_PATH_MAX], const char *kind)
{
    snprintf(path, TEMP_PATH_MAX, "/tmp/irx-%s-XXXXXX", kind);
    if (mkdtemp(path) == NULL)
        unprivileged_give_up("no directory", NULL);
    if (geteuid() == 0 && chown(path, nobody()->pw_uid, nobody()->pw_gid) != 0)
        unprivileged_give_up("the directory can not be given away", NULL);
}

/* Leaves the process this one capability, also over exec, or none where we have not got it. It must
 * be the only permitted one: exec would otherwise clear the signal that comes with our end. */
static bool keep_capability(unsigned capability)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    const unsigned kept = data[0].permitted & 1U << capability;
    memset(data, 0, sizeof data);
    data[0].effective = data[0].permitted = data[0].inheritable = kept;
    return syscall(SYS_capset, &header, data) == 0 &&
           (kept == 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0);
}

static bool step_down(const struct passwd *user)
{
    /* Without this bit, which not everybody may set, access(2) asks for another user's rights than
     * all else does: it forgets the capability, and PostgreSQL believes it. */
    const int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    if (bits >= 0)
        prctl(PR_SET_SECUREBITS, (unsigned)bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
           setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0 &&
           keep_capability(CAP_DAC_READ_SEARCH);
}

pid_t unprivileged_fork(void)
{
    const struct passwd *user = geteuid() == 0 ? nobody() : NULL;
    pid_t pid = fork();
    if (pid < 0)
        unprivileged_give_up("fork", NULL);
    if (pid > 0)
        return pid;
    syscall(SYS_close_range, 3U, ~0U, 0U);
    if (user != NULL && !step_down(user)) {
        perror("a server for a test can not step down from root");
        _exit(ENDED_BY_STEP);
    }
    return 0;
}

pid_t unprivileged_start(const char *directory, char *const argv[], int last_signal)
{
    const pid_t parent = getpid();
    pid_t pid = unprivileged_fork();
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, last_signal); /* after the step, which would clear it */
    if (getppid() != parent || chdir(directory) != 0)
        _exit(ENDED_BY_STEP);
    int log = open("log", O_WRONLY | O_APPEND | O_CREAT, 0600);
    int nothing = open("/dev/null", O_RDONLY);
    if (log < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(ENDED_BY_STEP);
    setenv("TZ", "UTC", 1); /* initdb looks for the machine's time zone at length otherwise */
    setenv("LC_ALL", "C", 1);
    execvp(argv[0], argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(ENDED_BY_EXEC);
}

void unprivileged_reap(pid_t *pid)
{
    while (*pid > 0 && waitpid(*pid, NULL, 0) < 0 && errno == EINTR) {
    }
    *pid = 0;
}

void unprivileged_run(const char *what, const char *directory, char *const argv[])
{
    int status;
    pid_t pid = unprivileged_start(directory, argv, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        unprivileged_give_up(what, directory);
}

pid_t unprivileged_keeper(const char *directory, void (*sweep)(const char *directory))
{
    const pid_t test = getpid();
    pid_t pid = unprivileged_fork();
    if (pid > 0)
        return pid;
    /* It holds none of the test's pipes open, and outlives what kills the test's process group. */
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(nothing, fd);
    setsid();
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, test, 0), .events = POLLIN};
    if (end.fd < 0 && errno != ESRCH)
        _exit(ENDED_BY_STEP);
    while (getppid() == test && poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
    sweep(directory);
    temp_remove(directory);
    _exit(0);
}

void unprivileged_dismiss(pid_t *keeper, const char *directory)
{
    kill(*keeper, SIGKILL);
    unprivileged_reap(keeper);
    temp_remove(directory);
}
