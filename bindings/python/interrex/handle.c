/* The type `Handle`: one C election as a Python object, made from a URL and options, freed with the
 * object. It decides nothing: the options go to the core as text, and its refusal comes back as an
 * exception. The core's thread touches a handle in one place, the flag `ready`, and never takes the
 * global lock. */
#include "binding.h"

static void on_ready(void *argument)
{
    atomic_store_explicit((atomic_bool *)argument, true, memory_order_release);
}

static void handle_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    irx__py_shut((irx__py_handle *)object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static bool set_options(irx_options *options, PyObject *given)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(given, &position, &key, &value)) {
        const char *key_text = PyUnicode_AsUTF8AndSize(key, NULL);
        const char *value_text = key_text != NULL ? PyUnicode_AsUTF8AndSize(value, NULL) : NULL;
        if (value_text == NULL) {
            return false;
        }
        /* The story of a refusal stays with the options: irx_election_open tells it. */
        (void)irx_options_set(options, key_text, value_text);
    }
    return true;
}

static int handle_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    irx__py_handle *self = (irx__py_handle *)object;
    static char *names[] = {"url", "options", NULL};
    const char *url;
    PyObject *given;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "zO!", names, &url, &PyDict_Type, &given)) {
        return -1;
    }
    if (self->election != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "an election is made once: __init__ was called again");
        return -1;
    }
    irx_options *options = irx_options_new();
    if (options == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (!set_options(options, given)) {
        irx_options_free(options);
        return -1;
    }
    irx_election *election = NULL;
    irx_error error = {0};
    PyThreadState *state = PyEval_SaveThread();
    int code = irx_election_open(&election, url, options, &error);
    irx_options_free(options);
    if (code == 0) {
        code = irx_election_on_ready(election, on_ready, &self->ready);
        if (code != 0) {
            irx_election_close(election);
        }
    }
    PyEval_RestoreThread(state);
    if (code != 0) {
        irx__py_raise(code, error.code != 0 ? error.text : NULL);
        return -1;
    }
    self->owner = getpid();
    self->election = election;
    return 0;
}

PyObject *irx__py_handle_type(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_doc, "One C election; the classes named Election give it its shape."},
        {Py_tp_new, (void *)PyType_GenericNew},
        {Py_tp_init, (void *)handle_init},
        {Py_tp_dealloc, (void *)handle_dealloc},
        {Py_tp_methods, irx__py_methods},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "interrex._interrex.Handle",
        .basicsize = sizeof(irx__py_handle),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    return PyType_FromModuleAndSpec(module, &spec, NULL);
}
