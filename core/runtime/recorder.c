/* A ring of the last lines the engine traced. It keeps and hands out; it must never fail an
 * election for want of memory, nor grow past its ring. */
#include "runtime/recorder.h"

#include "interrex_types.h"

#include <stdlib.h>
#include <string.h>

int irx__recorder_init(irx__recorder *recorder)
{
    memset(recorder, 0, sizeof *recorder);
    return pthread_mutex_init(&recorder->lock, NULL) ? IRX_ENOMEM : 0;
}

void irx__recorder_free_forked(irx__recorder *recorder)
{
    for (size_t i = 0; i < IRX__RECORDER_LINES; i++)
        free(recorder->lines[i]);
}

void irx__recorder_free(irx__recorder *recorder)
{
    irx__recorder_free_forked(recorder);
    pthread_mutex_destroy(&recorder->lock);
}

void irx__recorder_add(irx__recorder *recorder, const char *line)
{
    char *copy = strdup(line);
    if (!copy)
        return;
    pthread_mutex_lock(&recorder->lock);
    char **slot = &recorder->lines[recorder->count++ % IRX__RECORDER_LINES];
    char *oldest = *slot;
    *slot = copy;
    pthread_mutex_unlock(&recorder->lock);
    free(oldest);
}

char *irx__recorder_text(irx__recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    size_t first =
        recorder->count > IRX__RECORDER_LINES ? recorder->count - IRX__RECORDER_LINES : 0;
    size_t length = 0;
    for (size_t i = first; i < recorder->count; i++)
        length += strlen(recorder->lines[i % IRX__RECORDER_LINES]) + 1;
    char *text = malloc(length + 1);
    if (text) {
        char *at = text;
        for (size_t i = first; i < recorder->count; i++) {
            at = stpcpy(at, recorder->lines[i % IRX__RECORDER_LINES]);
            *at++ = '\n';
        }
        *at = '\0';
    }
    pthread_mutex_unlock(&recorder->lock);
    return text;
}
