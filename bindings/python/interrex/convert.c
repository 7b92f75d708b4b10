/* C structs into plain Python tuples, lists and dicts, and error codes into exceptions. The order
 * of a tuple's fields is written down once more in _interrex.pyi; which class an error becomes is
 * decided in _errors.py. It must never call into the core: it only reads what it is given. */
#include "binding.h"

PyObject *irx__py_raise(int code, const char *text)
{
    if (code == IRX_ENOMEM) {
        return PyErr_NoMemory();
    }
    PyObject *errors = PyImport_ImportModule("interrex._errors");
    if (errors == NULL) {
        return NULL;
    }
    PyObject *error = PyObject_CallMethod(errors, "error_for", "ss", irx_error_name(code),
                                          text != NULL ? text : irx_error_text(code));
    Py_DECREF(errors);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

static PyObject *from_id(irx_id id)
{
    if (irx_id_none(id)) {
        return Py_NewRef(Py_None);
    }
    char text[33];
    irx_id_print(id, text);
    return PyUnicode_FromString(text);
}

/* Labels come from other members: whatever bytes they hold, they must not raise here. */
static PyObject *from_text(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *from_bytes(const void *data, size_t length)
{
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)length);
}

static PyObject *from_version(irx_version version)
{
    return Py_BuildValue("(KK)", (unsigned long long)version.term,
                         (unsigned long long)version.index);
}

static PyObject *from_leader(bool known, irx_id session, const char *label, uint64_t term)
{
    if (!known) {
        return Py_NewRef(Py_None);
    }
    return Py_BuildValue("(NNK)", from_id(session), from_text(label), (unsigned long long)term);
}

PyObject *irx__py_token(irx_token token)
{
    if (token.term == 0) {
        return Py_NewRef(Py_None);
    }
    return Py_BuildValue("(KN)", (unsigned long long)token.term, from_id(token.incarnation));
}

PyObject *irx__py_status(const irx_status *status)
{
    double remaining_s =
        status->remaining_ms == INT64_MAX ? Py_HUGE_VAL : (double)status->remaining_ms / 1000.0;
    PyObject *leader = from_leader(status->has_leader, status->leader_session, status->leader_label,
                                   status->leader_term);
    return Py_BuildValue("(sNNdNsO)", irx_role_text(status->role), from_id(status->session),
                         irx__py_token(status->token), remaining_s, leader,
                         irx_guarantee_text(status->guarantee),
                         status->connected ? Py_True : Py_False);
}

/* What a member says of itself; None where it says nothing. */
static PyObject *from_meta(const irx_member_info *member)
{
    bool says = member->meta != NULL && member->meta_length > 0;
    return says ? from_bytes(member->meta, member->meta_length) : Py_NewRef(Py_None);
}

PyObject *irx__py_meta_of(const irx_member_info *members, size_t count, irx_id session)
{
    for (size_t i = 0; i < count; i++) {
        if (irx_id_equal(members[i].session, session)) {
            return from_meta(&members[i]);
        }
    }
    return Py_NewRef(Py_None);
}

PyObject *irx__py_published(const irx_value *value)
{
    if (value->version.term == 0) {
        return Py_NewRef(Py_None);
    }
    /* Without any bytes too it is a value, though no JSON. */
    return Py_BuildValue("(NN)", from_version(value->version),
                         from_bytes(value->length > 0 ? value->data : "", value->length));
}

PyObject *irx__py_members(const irx_member_info *members, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const irx_member_info *member = &members[i];
        PyObject *item =
            Py_BuildValue("(NNsOOdN)", from_id(member->session), from_text(member->label),
                          irx_role_text(member->role), member->candidate ? Py_True : Py_False,
                          member->self ? Py_True : Py_False, (double)member->last_seen_ms / 1000.0,
                          from_meta(member));
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

static PyObject *from_reasons(const uint64_t counts[16])
{
    PyObject *reasons = PyDict_New();
    for (int i = IRX_REASON_NONE + 1; reasons != NULL && i <= IRX_REASON_FORKED; i++) {
        PyObject *count = PyLong_FromUnsignedLongLong(counts[i]);
        if (count == NULL ||
            PyDict_SetItemString(reasons, irx_reason_text((irx_reason)i), count) != 0) {
            Py_CLEAR(reasons);
        }
        Py_XDECREF(count);
    }
    return reasons;
}

PyObject *irx__py_metrics(const irx_metrics *metrics)
{
    return Py_BuildValue(
        "{sKsKsNsKsKsKsKsKsKsKsKsd}", "elected", (unsigned long long)metrics->elected, "defeated",
        (unsigned long long)metrics->defeated, "defeated_by", from_reasons(metrics->defeated_by),
        "renewals", (unsigned long long)metrics->renewals, "operations",
        (unsigned long long)metrics->operations, "failures", (unsigned long long)metrics->failures,
        "reconnects", (unsigned long long)metrics->reconnects, "events_dropped",
        (unsigned long long)metrics->events_dropped, "messages_sent",
        (unsigned long long)metrics->messages_sent, "messages_received",
        (unsigned long long)metrics->messages_received, "messages_dropped",
        (unsigned long long)metrics->messages_dropped, "last_round_trip",
        (double)metrics->last_round_trip_ns / 1e9);
}

static const char *kind_text(irx_happening kind)
{
    switch (kind) {
    case IRX_STARTED: return "started";
    case IRX_ELECTED: return "elected";
    case IRX_DRAINING: return "draining";
    case IRX_DEFEATED: return "defeated";
    case IRX_LEADER: return "leader";
    case IRX_ROLE: return "role";
    case IRX_MEMBERS: return "members";
    case IRX_WARNING: return "warning";
    case IRX_ERROR: return "error";
    case IRX_STOPPED: return "stopped";
    case IRX_MESSAGE: return "message";
    case IRX_VALUE: return "value";
    case IRX_SETTLED: return "settled";
    }
    return "unknown";
}

/* What members told each other: (from, from leader, data), (version, data), (ticket, version), or
 * None for any other kind. */
static PyObject *from_exchange(const irx_event *event)
{
    const void *data = event->length > 0 ? event->data : "";
    switch (event->kind) {
    case IRX_MESSAGE:
        return Py_BuildValue("(NON)", from_id(event->from), event->from_leader ? Py_True : Py_False,
                             from_bytes(data, event->length));
    case IRX_VALUE:
        return Py_BuildValue("(NN)", from_version(event->version), from_bytes(data, event->length));
    case IRX_SETTLED:
        return Py_BuildValue("(KN)", (unsigned long long)event->ticket,
                             from_version(event->version));
    default: return Py_NewRef(Py_None);
    }
}

PyObject *irx__py_event(const irx_event *event)
{
    bool told = event->kind == IRX_WARNING || event->kind == IRX_ERROR ||
                (event->kind == IRX_SETTLED && event->error.code != 0);
    const char *text =
        event->error.text[0] != '\0' ? event->error.text : irx_error_text(event->error.code);
    bool moved = event->kind == IRX_ROLE;
    PyObject *leader = from_leader(event->has_leader, event->leader_session, event->leader_label,
                                   event->leader_term);
    return Py_BuildValue("(sNzzzNzNN)", kind_text(event->kind), irx__py_token(event->token),
                         event->reason != IRX_REASON_NONE ? irx_reason_text(event->reason) : NULL,
                         moved ? irx_role_text(event->role) : NULL,
                         moved ? irx_role_text(event->previous) : NULL, leader,
                         told ? irx_error_name(event->error.code) : NULL,
                         told ? from_text(text) : Py_NewRef(Py_None), from_exchange(event));
}
