/* The flight recorder: the last transitions of an election, for people. */
#ifndef IRX_RECORDER_H
#define IRX_RECORDER_H

#include <pthread.h>
#include <stddef.h>

enum { IRX__RECORDER_LINES = 256 };

typedef struct irx__recorder {
    pthread_mutex_t lock;
    char *lines[IRX__RECORDER_LINES];
    size_t count; /* lines ever recorded */
} irx__recorder;

int irx__recorder_init(irx__recorder *recorder);
void irx__recorder_free(irx__recorder *recorder);
/* A forked child's: the lock may be held by a thread that no longer exists. */
void irx__recorder_free_forked(irx__recorder *recorder);

/* Without memory the line is lost, and nothing else. */
void irx__recorder_add(irx__recorder *recorder, const char *line);

/* All lines, oldest first, each with its line feed; the caller frees it. Null without memory. */
char *irx__recorder_text(irx__recorder *recorder);

#endif
