/* The module `interrex._interrex`: multi-phase initialisation and nothing else. It keeps no state
 * of its own, static or per module, so that loading it twice in a process harms nobody.
 *
 * The slots that came after 3.11 are filled in by the version that runs, because one abi3 binary
 * serves them all. Interpreters other than the main one are refused where Python lets us say so:
 * nothing tests them. The global lock is asked for: is_leader relies on it to stay clear of _close.
 */
#include "binding.h"
#include "runtime/clock.h"

/* Numbers from moduleobject.h of 3.12 and 3.13, which the limited API of 3.11 hides. */
enum { SLOT_MULTIPLE_INTERPRETERS = 3, SLOT_GIL = 4 };
#define MULTIPLE_INTERPRETERS_NOT_SUPPORTED ((void *)0)
#define GIL_USED ((void *)0)

static int execute(PyObject *module)
{
    PyObject *type = irx__py_handle_type(module);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddObjectRef(module, "Handle", type);
    Py_DECREF(type);
    if (failed == 0) {
        failed = PyModule_AddStringConstant(module, "VERSION", IRX_VERSION);
    }
    return failed;
}

/* Waits with a limit are told the time by the core, as everything is. */
static PyObject *now(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyFloat_FromDouble((double)irx__clock_boot_ns() / 1e9);
}

/* The SQL, or None where PostgreSQL can't have such names. */
static PyObject *schema(PyObject *module, PyObject *args)
{
    const char *schema_name;
    const char *namespace_name;
    (void)module;
    if (!PyArg_ParseTuple(args, "zz", &schema_name, &namespace_name)) {
        return NULL;
    }
    size_t length = irx_schema(schema_name, namespace_name, NULL, 0);
    if (length == 0) {
        return Py_NewRef(Py_None);
    }
    char *text = PyMem_Malloc(length + 1);
    if (text == NULL) {
        return PyErr_NoMemory();
    }
    length = irx_schema(schema_name, namespace_name, text, length + 1);
    PyObject *made =
        length > 0 ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : PyErr_NoMemory();
    PyMem_Free(text);
    return made;
}

static PyMethodDef functions[] = {
    {"now", now, METH_NOARGS, "Seconds of the boot-time clock, which goes on through suspend."},
    {"schema", schema, METH_VARARGS, "The SQL that a postgres:// election's table is made by."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[4];

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "interrex._interrex",
    .m_doc = "The C core's election handle; use the package interrex.",
    .m_size = 0,
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__interrex(void)
{
    size_t used = 0;
    slots[used++] = (PyModuleDef_Slot){Py_mod_exec, (void *)execute};
    if (Py_Version >= 0x030C0000) {
        slots[used++] =
            (PyModuleDef_Slot){SLOT_MULTIPLE_INTERPRETERS, MULTIPLE_INTERPRETERS_NOT_SUPPORTED};
    }
    if (Py_Version >= 0x030D0000) {
        slots[used++] = (PyModuleDef_Slot){SLOT_GIL, GIL_USED};
    }
    slots[used] = (PyModuleDef_Slot){0, NULL};
    return PyModuleDef_Init(&definition);
}
