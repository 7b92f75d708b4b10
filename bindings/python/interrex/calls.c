/* The calls of a handle that return at once: a method per C function. Each turns its arguments and
 * its answer; none waits, keeps anything, or lets the global lock go, so that `_close` can not free
 * the election under it. The core's thread never comes here. is_leader is what applications call in
 * their inner loops: without an argument it parses nothing. */
#include "binding.h"

#include <math.h>

/* The election of an open handle, or null with an exception. */
irx_election *irx__py_opened(PyObject *object)
{
    irx__py_handle *self = (irx__py_handle *)object;
    if (self->election == NULL) {
        irx__py_raise(IRX_ESTOPPED, "the election is closed");
    }
    return self->election;
}

static PyObject *answer(int code)
{
    return code == 0 ? Py_NewRef(Py_None) : irx__py_raise(code, NULL);
}

/* Seconds, rounded up to whole milliseconds; a need that is not a number is the caller's mistake.
 */
static bool need_ms_from(PyObject *value, int64_t *need_ms)
{
    double need_s = PyFloat_AsDouble(value);
    if (need_s == -1.0 && PyErr_Occurred()) {
        return false;
    }
    if (!(need_s >= 0.0)) {
        PyErr_SetString(PyExc_ValueError, "need: a number of seconds, 0 or more, was expected");
        return false;
    }
    *need_ms = need_s >= 9e12 ? INT64_MAX : (int64_t)ceil(need_s * 1000.0);
    return true;
}

/* Lets the class Election, which has this method, take the events that wait. */
static bool take_events(PyObject *object)
{
    PyObject *result = PyObject_CallMethod(object, "_on_ready", NULL);
    Py_XDECREF(result);
    return result != NULL;
}

static bool one_need(PyObject *const *args, Py_ssize_t count, PyObject *names, int64_t *need_ms)
{
    Py_ssize_t named = names != NULL ? PyTuple_Size(names) : 0;
    if (count + named > 1) {
        PyErr_Format(PyExc_TypeError, "one argument, need, was expected, not %zd", count + named);
        return false;
    }
    if (named == 1) {
        PyObject *name = PyTuple_GetItem(names, 0);
        if (PyUnicode_CompareWithASCIIString(name, "need") != 0) {
            PyErr_Format(PyExc_TypeError, "unexpected keyword argument '%U', did you mean 'need'?",
                         name);
            return false;
        }
    }
    *need_ms = 0;
    return count + named == 0 || need_ms_from(args[0], need_ms);
}

PyDoc_STRVAR(
    is_leader_doc,
    "is_leader($self, /, need=0.0)\n--\n\n"
    "Whether this member leads now and for at least ``need`` seconds more.\n\n"
    "Compares the deadline of the leadership with the boot-time clock in the calling\n"
    "thread; takes no lock, and is false while draining. May be called from any thread.\n\n"
    "Parameters\n----------\nneed : float, default 0.0\n"
    "    Seconds of leadership that must be left.\n\n"
    "Returns\n-------\nbool\n");

static PyObject *handle_is_leader(PyObject *object, PyObject *const *args, Py_ssize_t count,
                                  PyObject *names)
{
    irx__py_handle *self = (irx__py_handle *)object;
    int64_t need_ms = 0;
    if (count != 0 || names != NULL) {
        if (!one_need(args, count, names, &need_ms)) {
            return NULL;
        }
    }
    if (atomic_load_explicit(&self->ready, memory_order_relaxed) && !take_events(object)) {
        return NULL;
    }
    if (self->election == NULL) {
        return Py_NewRef(Py_False);
    }
    bool leads = need_ms == 0 ? irx_election_is_leader(self->election)
                              : irx_election_leads(self->election, need_ms, NULL);
    return Py_NewRef(leads ? Py_True : Py_False);
}

typedef bool check_function(irx_election *election, int64_t need_ms, irx_token *token);

static PyObject *token_if(PyObject *object, PyObject *need, check_function *check)
{
    irx__py_handle *self = (irx__py_handle *)object;
    int64_t need_ms;
    if (!need_ms_from(need, &need_ms)) {
        return NULL;
    }
    irx_token token;
    if (self->election == NULL || !check(self->election, need_ms, &token)) {
        return Py_NewRef(Py_None);
    }
    return irx__py_token(token);
}

static PyObject *handle_check(PyObject *object, PyObject *need)
{
    return token_if(object, need, irx_election_check);
}

static PyObject *handle_leads(PyObject *object, PyObject *need)
{
    return token_if(object, need, irx_election_leads);
}

static PyObject *handle_work_begin(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    irx_token token;
    int code = irx_election_work_begin(election, &token);
    if (code == IRX_ENOTLEADER) {
        return Py_NewRef(Py_None);
    }
    return code == 0 ? irx__py_token(token) : irx__py_raise(code, NULL);
}

static PyObject *handle_work_end(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx__py_handle *self = (irx__py_handle *)object;
    if (self->election != NULL) {
        irx_election_work_end(self->election);
    }
    return Py_NewRef(Py_None);
}

static PyObject *handle_pulse(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx__py_handle *self = (irx__py_handle *)object;
    if (self->election != NULL) {
        irx_election_pulse(self->election);
    }
    return Py_NewRef(Py_None);
}

static PyObject *handle_start(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    return election != NULL ? answer(irx_election_start(election)) : NULL;
}

static PyObject *handle_stop(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    return election != NULL ? answer(irx_election_stop(election)) : NULL;
}

static PyObject *handle_resign(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    return election != NULL ? answer(irx_election_resign(election)) : NULL;
}

static PyObject *handle_transfer(PyObject *object, PyObject *session)
{
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    if (!PyUnicode_Check(session)) {
        PyErr_SetString(PyExc_TypeError, "id: a member's id, a str, was expected");
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(session, NULL);
    if (text == NULL) {
        return NULL;
    }
    irx_id id;
    if (!irx_id_parse(text, &id)) {
        return irx__py_raise(IRX_ENOMEMBER,
                             "id: 32 hexadecimal digits name a member, see members()");
    }
    return answer(irx_election_transfer(election, id));
}

static PyObject *handle_status(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    irx_status status;
    int code = irx_election_status(election, &status);
    return code == 0 ? irx__py_status(&status) : irx__py_raise(code, NULL);
}

static PyObject *handle_members(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    irx_member_info *members = NULL;
    size_t count = 0;
    int code = irx_election_members(election, &members, &count);
    if (code != 0) {
        return irx__py_raise(code, NULL);
    }
    PyObject *list = irx__py_members(members, count);
    irx_members_free(members);
    return list;
}

/* The meta of one member, as bytes: of the leader, mostly. */
static PyObject *handle_meta_of(PyObject *object, PyObject *session)
{
    irx_election *election = irx__py_opened(object);
    irx_id id;
    const char *text = election != NULL ? PyUnicode_AsUTF8AndSize(session, NULL) : NULL;
    if (text == NULL) {
        return NULL;
    }
    if (!irx_id_parse(text, &id)) {
        return Py_NewRef(Py_None);
    }
    irx_member_info *members = NULL;
    size_t count = 0;
    int code = irx_election_members(election, &members, &count);
    if (code != 0) {
        return irx__py_raise(code, NULL);
    }
    PyObject *meta = irx__py_meta_of(members, count, id);
    irx_members_free(members);
    return meta;
}

static PyObject *handle_metrics(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    irx_metrics metrics;
    int code = irx_election_metrics(election, &metrics);
    return code == 0 ? irx__py_metrics(&metrics) : irx__py_raise(code, NULL);
}

static PyObject *handle_history(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    char *text = NULL;
    int code = irx_election_history(election, &text);
    if (code != 0) {
        return irx__py_raise(code, NULL);
    }
    PyObject *result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    irx_text_free(text);
    return result;
}

static PyObject *handle_event_fd(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    return election != NULL ? PyLong_FromLong(irx_election_event_fd(election)) : NULL;
}

PyMethodDef irx__py_methods[] = {
    {"is_leader", (PyCFunction)(void (*)(void))handle_is_leader, METH_FASTCALL | METH_KEYWORDS,
     is_leader_doc},
    {"_check", handle_check, METH_O, NULL},
    {"_leads", handle_leads, METH_O, NULL},
    {"_work_begin", handle_work_begin, METH_NOARGS, NULL},
    {"_work_end", handle_work_end, METH_NOARGS, NULL},
    {"_pulse", handle_pulse, METH_NOARGS, NULL},
    {"_start", handle_start, METH_NOARGS, NULL},
    {"_stop", handle_stop, METH_NOARGS, NULL},
    {"_resign", handle_resign, METH_NOARGS, NULL},
    {"_transfer", handle_transfer, METH_O, NULL},
    {"_status", handle_status, METH_NOARGS, NULL},
    {"_members", handle_members, METH_NOARGS, NULL},
    {"_meta_of", handle_meta_of, METH_O, NULL},
    {"_set_meta", irx__py_set_meta, METH_O, NULL},
    {"_send", irx__py_send, METH_VARARGS, NULL},
    {"_publish", irx__py_publish, METH_O, NULL},
    {"_value", irx__py_value, METH_NOARGS, NULL},
    {"_metrics", handle_metrics, METH_NOARGS, NULL},
    {"_history", handle_history, METH_NOARGS, NULL},
    {"_take", irx__py_take, METH_VARARGS, NULL},
    {"_event_fd", handle_event_fd, METH_NOARGS, NULL},
    {"_close", irx__py_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
