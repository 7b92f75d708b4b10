/* The calls of a handle by which members tell each other something: meta, messages, the published
 * value. Bytes go in and come out as they are; what they mean is decided in _json.py. Each returns
 * at once with the ticket of what it began; none waits, keeps anything, or lets the global lock go,
 * so that `_close` can not free the election under it. Who may do what is the core's to say: here
 * its refusal gets the words that the caller's arguments explain. */
#include "binding.h"

#include <stdio.h>

static PyObject *ticket_or(int code, uint64_t ticket, const char *text)
{
    return code == 0 ? PyLong_FromUnsignedLongLong(ticket) : irx__py_raise(code, text);
}

/* The words for a refusal that depends on nothing but the size, or null: the core's own will do. */
static const char *size_text(int code, const char *what, size_t length, size_t limit, char *text,
                             size_t room)
{
    if (code == IRX_ETOOLARGE) {
        snprintf(text, room, "%s of %zu bytes of JSON is larger than the limit of %zu bytes", what,
                 length, limit);
        return text;
    }
    if (code == IRX_EFULL) {
        snprintf(text, room, "%s was refused: %d requests of this election are under way already",
                 what, (int)IRX_REQUESTS_MAX);
        return text;
    }
    return NULL;
}

PyObject *irx__py_set_meta(PyObject *object, PyObject *meta)
{
    irx_election *election = irx__py_opened(object);
    char *data;
    Py_ssize_t length;
    if (election == NULL || PyBytes_AsStringAndSize(meta, &data, &length) != 0) {
        return NULL;
    }
    uint64_t ticket = 0;
    char text[IRX_ERROR_TEXT_MAX];
    int code = irx_election_set_meta(election, data, (size_t)length, &ticket);
    return ticket_or(code, ticket,
                     size_text(code, "a meta", (size_t)length, IRX_META_MAX, text, sizeof text));
}

/* 'leader', 'followers', 'all' or 32 hexadecimal digits. */
static bool audience_from(const char *to, irx_audience *audience, irx_id *member)
{
    static const struct {
        const char *word;
        irx_audience audience;
    } known[] = {
        {"leader", IRX_TO_LEADER},
        {"followers", IRX_TO_FOLLOWERS},
        {"all", IRX_TO_ALL},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(to, known[i].word) == 0) {
            *audience = known[i].audience;
            return true;
        }
    }
    *audience = IRX_TO_MEMBER;
    return irx_id_parse(to, member);
}

static const char *send_text(int code, irx_audience audience)
{
    if (code == IRX_ENOMEMBER) {
        return audience == IRX_TO_LEADER ? "no leader is known to send to"
                                         : "to: no member has this id, see members()";
    }
    if (code == IRX_ESTATE && audience == IRX_TO_LEADER) {
        return "this member leads: a message never goes to its sender";
    }
    return NULL;
}

PyObject *irx__py_send(PyObject *object, PyObject *args)
{
    irx_election *election = irx__py_opened(object);
    const char *to;
    const char *data;
    Py_ssize_t length;
    if (election == NULL || !PyArg_ParseTuple(args, "sy#:_send", &to, &data, &length)) {
        return NULL;
    }
    irx_audience audience;
    irx_id member = {0, 0};
    if (!audience_from(to, &audience, &member)) {
        return irx__py_raise(IRX_ENOMEMBER,
                             "to: 'leader', 'followers', 'all' or a member's id was expected, 32 "
                             "hexadecimal digits, see members()");
    }
    uint64_t ticket = 0;
    char text[IRX_ERROR_TEXT_MAX];
    int code = irx_election_send(election, audience, member, data, (size_t)length, &ticket);
    const char *story = size_text(code, "a message", (size_t)length,
                                  irx_election_message_max(election), text, sizeof text);
    return ticket_or(code, ticket, story != NULL ? story : send_text(code, audience));
}

PyObject *irx__py_publish(PyObject *object, PyObject *value)
{
    irx_election *election = irx__py_opened(object);
    char *data;
    Py_ssize_t length;
    if (election == NULL || PyBytes_AsStringAndSize(value, &data, &length) != 0) {
        return NULL;
    }
    uint64_t ticket = 0;
    char text[IRX_ERROR_TEXT_MAX];
    int code = irx_election_publish(election, data, (size_t)length, &ticket);
    return ticket_or(code, ticket,
                     size_text(code, "a value", (size_t)length, IRX_VALUE_MAX, text, sizeof text));
}

PyObject *irx__py_value(PyObject *object, PyObject *unused)
{
    (void)unused;
    irx_election *election = irx__py_opened(object);
    if (election == NULL) {
        return NULL;
    }
    irx_value *value = NULL;
    int code = irx_election_value(election, &value);
    if (code != 0) {
        return irx__py_raise(code, NULL);
    }
    PyObject *result = irx__py_published(value);
    irx_value_free(value);
    return result;
}
