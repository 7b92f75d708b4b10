/* Finds the processes of one PostgreSQL server, which leave its process group, by how they call
 * themselves, and must never take another's for them. Who may signal them is not decided here. */
#include "postgres_processes.h"

#include "unprivileged.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TITLE_MAX = 512, ATTACHED_STEPS_MAX = 5000 };

void postgres_program(char path[], size_t size, const char *program)
{
    glob_t found;
    int newest = 0;
    snprintf(path, size, "%s", program);
    if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const int version = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));
        if (version <= newest)
            continue;
        newest = version;
        snprintf(path, size, "/usr/lib/postgresql/%d/bin/%s", version, program);
    }
    globfree(&found);
}

/* The postmaster, and whom it has just forked, has "…/postgres -D directory/data" for a command
 * line; all others say "postgres: cluster_name: what they do", and the cluster bears the name of
 * the directory. */
static bool is_of(const char *pid, const char *directory)
{
    char path[64];
    char text[TITLE_MAX + 1];
    char data[TEMP_PATH_MAX + 8];
    char title[TEMP_PATH_MAX + 16];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    snprintf(data, sizeof data, "%s/data", directory);
    snprintf(title, sizeof title, "postgres: %s: ", strrchr(directory, '/') + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd < 0 ? 0 : read(fd, text, TITLE_MAX);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    if (strncmp(text, title, strlen(title)) == 0)
        return true;
    const char *base = strrchr(text, '/') != NULL ? strrchr(text, '/') + 1 : text;
    const char *option = text + strlen(text) + 1;
    return strcmp(base, "postgres") == 0 && option + sizeof "-D" < text + length &&
           strcmp(option, "-D") == 0 && strcmp(option + sizeof "-D", data) == 0;
}

unsigned postgres_processes_signal(const char *directory, int signal)
{
    unsigned count = 0;
    DIR *all = opendir("/proc");
    if (all == NULL)
        unprivileged_give_up("/proc", NULL);
    for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
        struct pollfd end = {.events = POLLIN};
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        /* The descriptor first: what it names can not become another process meanwhile. */
        end.fd = (int)syscall(SYS_pidfd_open, atoi(entry->d_name), 0);
        if (end.fd < 0)
            continue;
        if (is_of(entry->d_name, directory) &&
            syscall(SYS_pidfd_send_signal, end.fd, signal, NULL, 0) == 0) {
            count++;
            while (signal == SIGKILL && poll(&end, 1, -1) < 0 && errno == EINTR) {
            }
        }
        close(end.fd);
    }
    closedir(all);
    return count;
}

/* Beside mmap'ed memory a server has a few bytes of System V's, by which a second one notices the
 * first; its line of postmaster.pid is "key id". Whoever is still attached is about to end. */
static void free_shared_memory(const char *directory)
{
    char path[TEMP_PATH_MAX + 32];
    char line[256] = "";
    unsigned long key;
    struct shmid_ds segment;
    int id;
    snprintf(path, sizeof path, "%s/data/postmaster.pid", directory);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    for (int i = 0; i < 7; i++)
        if (fgets(line, sizeof line, file) == NULL)
            line[0] = '\0';
    fclose(file);
    if (sscanf(line, "%lu %d", &key, &id) != 2)
        return;
    for (int i = 0; i < ATTACHED_STEPS_MAX && shmctl(id, IPC_STAT, &segment) == 0 &&
                    (unsigned long)segment.shm_perm.__key == key;
         i++) {
        if (segment.shm_nattch == 0)
            shmctl(id, IPC_RMID, NULL);
        else
            unprivileged_pause_ms(1);
    }
}

void postgres_processes_sweep(const char *directory)
{
    while (postgres_processes_signal(directory, SIGKILL) > 0) {
    }
    free_shared_memory(directory);
}
