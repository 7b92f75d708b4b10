/* The handles of this process: the first one starts the background thread, the last one ends it.
 * Decides nothing else. The thread itself never takes this lock, so that it may be joined under it.
 */
#include "runtime/fork.h"

#include "runtime/error.h"

irx__runtime irx__runtime_state = {.lock = PTHREAD_MUTEX_INITIALIZER};

int irx__runtime_enter(irx_election *e, irx_error *error)
{
    irx__runtime *runtime = &irx__runtime_state;
    if (irx__fork_watch())
        return irx__error_set(error, IRX_ENOMEM, "no memory to watch for forks");
    pthread_mutex_lock(&runtime->lock);
    int failed = runtime->loop ? 0 : irx__loop_start(&runtime->loop, error);
    if (!failed) {
        e->loop = runtime->loop;
        e->next_handle = runtime->handles;
        e->link_handle = &runtime->handles;
        if (runtime->handles)
            runtime->handles->link_handle = &e->next_handle;
        runtime->handles = e;
    }
    pthread_mutex_unlock(&runtime->lock);
    return failed;
}

void irx__runtime_leave(irx_election *e)
{
    irx__runtime *runtime = &irx__runtime_state;
    pthread_mutex_lock(&runtime->lock);
    *e->link_handle = e->next_handle;
    if (e->next_handle)
        e->next_handle->link_handle = e->link_handle;
    if (!runtime->handles) {
        irx__loop_end(runtime->loop);
        runtime->loop = NULL;
    }
    pthread_mutex_unlock(&runtime->lock);
}
