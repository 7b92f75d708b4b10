/* What the files of the Python extension share. Only shapes are turned here: C structs into tuples,
 * error codes into exceptions. Nothing in this folder decides who leads, waits for longer than a
 * slice, or tries again. */
#ifndef IRX_PYTHON_BINDING_H
#define IRX_PYTHON_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "interrex.h"

typedef struct irx__py_handle {
    PyObject base;
    irx_election *election; /* null: not open yet, or closed; changed under the global lock */
    irx_event *kept;        /* taken, but there was no memory to hand it out */
    atomic_bool ready;      /* events wait; set by the core's thread */
    atomic_int waiters;     /* C calls under way without the global lock */
    pid_t owner;            /* waiters of a parent process never leave in a child */
} irx__py_handle;

/* The heap type `Handle`, a new reference. */
PyObject *irx__py_handle_type(PyObject *module);

/* Its methods: those of calls.c, of exchange.c and of wait.c. */
extern PyMethodDef irx__py_methods[];
PyObject *irx__py_set_meta(PyObject *object, PyObject *meta);
PyObject *irx__py_send(PyObject *object, PyObject *args);
PyObject *irx__py_publish(PyObject *object, PyObject *value);
PyObject *irx__py_value(PyObject *object, PyObject *unused);
PyObject *irx__py_take(PyObject *object, PyObject *args);
PyObject *irx__py_close(PyObject *object, PyObject *unused);

/* The election of an open handle, or null with an exception. */
irx_election *irx__py_opened(PyObject *object);

/* Frees the election, once, with the global lock let go; waits for the calls under way. */
void irx__py_shut(irx__py_handle *self);

/* Sets the exception that interrex._errors has for `code`; `text` may be null. Always returns null.
 */
PyObject *irx__py_raise(int code, const char *text);

/* New references, or null with an exception. */
PyObject *irx__py_token(irx_token token); /* (term, incarnation), or None for term 0 */
PyObject *irx__py_status(const irx_status *status);
PyObject *irx__py_members(const irx_member_info *members, size_t count);
PyObject *irx__py_meta_of(const irx_member_info *members, size_t count, irx_id session);
PyObject *irx__py_published(const irx_value *value); /* ((term, index), bytes), or None */
PyObject *irx__py_metrics(const irx_metrics *metrics);
PyObject *irx__py_event(const irx_event *event);

#endif
