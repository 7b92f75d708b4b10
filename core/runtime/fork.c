/* Fork: the child must neither lead nor keep what its parent's leadership hangs on. Before a fork
 * the loop thread is brought to rest; the child closes its copies of all descriptors without a word
 * on the wire, marks every handle as forked and forgets the loop, so that its next handle begins
 * anew. Nothing here may take a lock that another thread could have held, nor touch what the parent
 * still uses. */
#include "runtime/fork.h"

static bool on_loop_thread(const irx__loop *loop)
{
    return pthread_equal(pthread_self(), loop->thread) != 0;
}

static void before_fork(void)
{
    irx__runtime *runtime = &irx__runtime_state;
    pthread_mutex_lock(&runtime->lock);
    if (runtime->loop && !on_loop_thread(runtime->loop))
        pthread_mutex_lock(&runtime->loop->lock);
}

static void after_fork_in_parent(void)
{
    irx__runtime *runtime = &irx__runtime_state;
    if (runtime->loop && !on_loop_thread(runtime->loop))
        pthread_mutex_unlock(&runtime->loop->lock);
    pthread_mutex_unlock(&runtime->lock);
}

static void mark_forked(irx_election *e)
{
    irx__snapshot_forked(&e->snapshot);
    atomic_store(&e->forked, true);
    irx__events_close_fd(&e->events);
}

static void after_fork_in_child(void)
{
    irx__runtime *runtime = &irx__runtime_state;
    for (irx_election *e = runtime->handles; e; e = e->next_handle)
        mark_forked(e);
    runtime->handles = NULL;
    if (runtime->loop) {
        irx__loop_forked(runtime->loop);
        runtime->loop->left_behind = runtime->left_behind;
        runtime->left_behind = runtime->loop;
        runtime->loop = NULL;
    }
    pthread_mutex_unlock(&runtime->lock);
}

static int watch_result;

static void watch(void)
{
    watch_result = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int irx__fork_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
    return watch_result ? IRX_ENOMEM : 0;
}
