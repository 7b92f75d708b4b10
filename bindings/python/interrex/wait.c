/* The one call of a handle that waits, and the one that ends all waits. It decides how long a wait
 * goes without looking for signals, and sees to it that no C call is under way when the election is
 * freed. It must never hold the global lock while it waits. Time is counted in slices waited: no
 * clock is read here. */
#include "binding.h"

#include <time.h>

enum { SLICE_MS = 40 }; /* a wait looks for Ctrl-C this often; the promise is 100 ms */

/* Frees the election, once. Taken out of the handle first, so that nobody enters; then those inside
 * leave. */
void irx__py_shut(irx__py_handle *self)
{
    irx_election *election = self->election;
    self->election = NULL;
    if (election == NULL) {
        return;
    }
    irx_event_free(self->kept);
    self->kept = NULL;
    PyThreadState *state = PyEval_SaveThread();
    const struct timespec pause = {.tv_nsec = 1000000};
    while (atomic_load(&self->waiters) > 0 && self->owner == getpid()) {
        nanosleep(&pause, NULL);
    }
    irx_election_close(election);
    PyEval_RestoreThread(state);
}

/* One slice of a wait, without the global lock; counted, so that shut() does not free the election
 * under it. */
static int wait_slice(irx__py_handle *self, int slice_ms, irx_event **event)
{
    irx_election *election = self->election;
    atomic_store(&self->ready, false); /* before the look: an event that comes now sets it again */
    atomic_fetch_add(&self->waiters, 1);
    PyThreadState *state = PyEval_SaveThread();
    int code = irx_election_next_event(election, event, slice_ms);
    if (code == 0) {
        atomic_store(&self->ready, true); /* more may wait behind it */
    }
    atomic_fetch_sub(&self->waiters, 1); /* before the lock: its holder may be waiting for us */
    PyEval_RestoreThread(state);
    return code;
}

/* Appends the event to `into` before any signal handler can run: what one of them interrupts is
 * then not lost. Only what there is no memory for is kept for the next call. */
static PyObject *hand_out(irx__py_handle *self, irx_event *event, PyObject *into)
{
    PyObject *raw = irx__py_event(event);
    PyObject *done = raw != NULL ? PyObject_CallMethod(into, "append", "(O)", raw) : NULL;
    Py_XDECREF(raw);
    if (done == NULL && self->election != NULL) {
        self->kept = event;
        return NULL;
    }
    irx_event_free(event);
    if (done == NULL) {
        return NULL;
    }
    Py_DECREF(done);
    return PyErr_CheckSignals() == 0 ? Py_NewRef(Py_True) : NULL;
}

PyObject *irx__py_take(PyObject *object, PyObject *args)
{
    irx__py_handle *self = (irx__py_handle *)object;
    long left_ms;
    PyObject *into;
    if (!PyArg_ParseTuple(args, "lO:_take", &left_ms, &into)) {
        return NULL;
    }
    bool forever = left_ms < 0;
    for (;;) {
        if (irx__py_opened(object) == NULL) {
            return NULL;
        }
        int slice_ms = forever || left_ms > SLICE_MS ? SLICE_MS : (int)left_ms;
        irx_event *event = self->kept;
        self->kept = NULL;
        int code = event != NULL ? 0 : wait_slice(self, slice_ms, &event);
        if (code == 0) {
            return hand_out(self, event, into);
        }
        if (code != IRX_ETIMEOUT) {
            return irx__py_raise(code, NULL);
        }
        if (PyErr_CheckSignals() != 0) {
            return NULL;
        }
        left_ms -= forever ? 0 : slice_ms;
        if (left_ms == 0) {
            return Py_NewRef(Py_False);
        }
    }
}

PyObject *irx__py_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx__py_shut((irx__py_handle *)object);
    return Py_NewRef(Py_None);
}
