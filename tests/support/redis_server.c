/* Starts and stops a real redis-server. Decides nothing about what is tested. */
#include "redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXTRA_MAX = 24 };

struct redis_server {
    pid_t pid;
    int port;
    char directory[64];
    char url[64];
    char socket_url[128];
    char reply[8192];
    char *extra[EXTRA_MAX + 1];
};

static void give_up(const char *what)
{
    fprintf(stderr, "redis-server for a test: %s (%s)\n", what, strerror(errno));
    abort();
}

static void pause_ms(long ms)
{
    const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        give_up("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static void run(redis_server *server)
{
    char port[8];
    char *argv[20 + EXTRA_MAX];
    char *const own[] = {"redis-server",
                         "--port",
                         port,
                         "--bind",
                         "127.0.0.1",
                         "--dir",
                         server->directory,
                         "--unixsocket",
                         "redis.sock",
                         "--save",
                         "",
                         "--daemonize",
                         "no",
                         "--logfile",
                         "redis.log",
                         "--enable-protected-configs",
                         "yes",
                         "--enable-debug-command",
                         "yes"};
    size_t count = sizeof own / sizeof own[0];

    snprintf(port, sizeof port, "%d", server->port);
    memcpy(argv, own, sizeof own);
    for (int i = 0; server->extra[i] != NULL; i++)
        argv[count++] = server->extra[i];
    argv[count] = NULL;
    server->pid = fork();
    if (server->pid < 0)
        give_up("fork");
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[0], argv);
        _exit(127);
    }
}

/* Null while it does not listen. */
static redisContext *dial(const redis_server *server)
{
    const struct timeval limit = {5, 0};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", server->port, limit);
    if (context == NULL)
        give_up("out of memory");
    if (context->err != 0) {
        redisFree(context);
        return NULL;
    }
    redisSetTimeout(context, limit);
    return context;
}

static bool answers(const redis_server *server)
{
    redisContext *context = dial(server);
    redisReply *reply = context != NULL ? redisCommand(context, "PING") : NULL;
    bool ready = reply != NULL && (reply->str == NULL || strncmp(reply->str, "LOADING", 7) != 0);
    if (reply != NULL)
        freeReplyObject(reply);
    if (context != NULL)
        redisFree(context);
    return ready;
}

static bool has_ended(redis_server *server)
{
    return waitpid(server->pid, NULL, WNOHANG) == server->pid;
}

redis_server *redis_server_start(const char *const extra[])
{
    redis_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        give_up("out of memory");
    strcpy(server->directory, "/tmp/irx-redis-XXXXXX");
    if (mkdtemp(server->directory) == NULL)
        give_up("no directory");
    for (int i = 0; extra != NULL && extra[i] != NULL && i < EXTRA_MAX; i++)
        server->extra[i] = strdup(extra[i]);
    for (int attempt = 0;; attempt++) {
        server->port = free_port();
        run(server);
        for (int i = 0; i < 1000 && server->pid > 0; i++) {
            if (answers(server)) {
                snprintf(server->url, sizeof server->url, "redis://127.0.0.1:%d", server->port);
                snprintf(server->socket_url, sizeof server->socket_url,
                         "redis+socket://%s/redis.sock", server->directory);
                return server;
            }
            if (has_ended(server))
                server->pid = 0; /* somebody else took the port meanwhile */
            pause_ms(10);
        }
        if (attempt == 20) /* in cluster mode a port above 55535 will not do either */
            give_up("it does not start; is the package redis-server installed?");
    }
}

int redis_server_port(const redis_server *server)
{
    return server->port;
}

const char *redis_server_directory(const redis_server *server)
{
    return server->directory;
}

const char *redis_server_url(const redis_server *server)
{
    return server->url;
}

const char *redis_server_socket_url(const redis_server *server)
{
    return server->socket_url;
}

static void print(redis_server *server, const redisReply *reply)
{
    size_t used = strlen(server->reply);
    char *to = server->reply + used;
    size_t room = sizeof server->reply - used;
    const char *before = used > 0 ? " " : "";
    switch (reply->type) {
    case REDIS_REPLY_INTEGER: snprintf(to, room, "%s%lld", before, reply->integer); break;
    case REDIS_REPLY_NIL: snprintf(to, room, "%s(nil)", before); break;
    case REDIS_REPLY_ERROR: snprintf(to, room, "%s-%s", before, reply->str); break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < reply->elements; i++)
            print(server, reply->element[i]);
        break;
    default: snprintf(to, room, "%s%s", before, reply->str); break;
    }
}

const char *redis_server_say(redis_server *server, const char *format, ...)
{
    va_list arguments;
    redisContext *context = dial(server);
    redisReply *reply;

    server->reply[0] = '\0';
    if (context == NULL)
        give_up("it does not listen");
    va_start(arguments, format);
    reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    if (reply != NULL) {
        print(server, reply);
        freeReplyObject(reply);
    }
    redisFree(context);
    return server->reply;
}

void redis_server_signal(redis_server *server, int signal)
{
    if (kill(server->pid, signal) != 0)
        give_up("kill");
}

static void end(redis_server *server, int signal)
{
    if (server->pid == 0)
        return;
    redis_server_signal(server, signal);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    server->pid = 0;
}

void redis_server_kill(redis_server *server)
{
    end(server, SIGKILL);
}

void redis_server_shutdown(redis_server *server)
{
    end(server, SIGTERM);
}

void redis_server_restart(redis_server *server, bool wait)
{
    run(server);
    for (int i = 0; i < 1000; i++) {
        redisContext *context = wait ? NULL : dial(server);
        if (context != NULL)
            redisFree(context);
        if (wait ? answers(server) : context != NULL)
            return;
        if (has_ended(server)) {
            server->pid = 0;
            give_up("it did not start again");
        }
        pause_ms(10);
    }
    give_up("it did not answer again");
}

void redis_server_stop(redis_server *server)
{
    char command[96];
    if (server == NULL)
        return;
    end(server, SIGKILL);
    snprintf(command, sizeof command, "rm -rf '%s'", server->directory);
    if (system(command) != 0)
        give_up("its directory can not be removed");
    for (int i = 0; i < EXTRA_MAX; i++)
        free(server->extra[i]);
    free(server);
}
