// C values as JavaScript values, and errors as the InterrexError class that JavaScript handed over.
//
// Decides how a token, a leader, a member, an event, bytes look to JavaScript. Never calls into an
// election.
#ifndef INTERREX_NODE_CONVERT_H
#define INTERREX_NODE_CONVERT_H

#include <napi.h>

#include <limits>
#include <string>

#include "interrex.h"

namespace interrex
{

inline double Number(uint64_t value)
{
    return static_cast<double>(value); // terms stay under 2^53; counters may round
}

// Milliseconds from C: INT64_MAX stands for "no deadline".
inline Napi::Value Milliseconds(Napi::Env env, int64_t ms)
{
    double value =
        ms == INT64_MAX ? std::numeric_limits<double>::infinity() : static_cast<double>(ms);
    return Napi::Number::New(env, value);
}

inline Napi::Value Id(Napi::Env env, irx_id id)
{
    if (irx_id_none(id))
        return env.Null();
    char text[33];
    irx_id_print(id, text);
    return Napi::String::New(env, text, 32);
}

// {term, incarnation}, or null where there is no leadership.
inline Napi::Value Token(Napi::Env env, const irx_token &token)
{
    if (token.term == 0)
        return env.Null();
    Napi::Object object = Napi::Object::New(env);
    object.Set("term", Number(token.term));
    object.Set("incarnation", Id(env, token.incarnation));
    return object;
}

// {id, label, term}, or null where nobody is known to lead.
inline Napi::Value Leader(Napi::Env env, bool known, irx_id session, const char *label,
                          uint64_t term)
{
    if (!known)
        return env.Null();
    Napi::Object object = Napi::Object::New(env);
    object.Set("id", Id(env, session));
    object.Set("label", Napi::String::New(env, label));
    object.Set("term", Number(term));
    return object;
}

// A copy of bytes that belong to the core.
inline Napi::Value Bytes(Napi::Env env, const void *data, size_t length)
{
    return Napi::Buffer<uint8_t>::Copy(env, static_cast<const uint8_t *>(data), length);
}

// {term, index}
inline Napi::Object Version(Napi::Env env, const irx_version &version)
{
    Napi::Object object = Napi::Object::New(env);
    object.Set("term", Number(version.term));
    object.Set("index", Number(version.index));
    return object;
}

// `meta` is the member's bytes, or null where it says nothing.
inline Napi::Object Member(Napi::Env env, const irx_member_info &member)
{
    Napi::Object object = Napi::Object::New(env);
    object.Set("id", Id(env, member.session));
    object.Set("label", Napi::String::New(env, member.label));
    object.Set("role", Napi::String::New(env, irx_role_text(member.role)));
    object.Set("candidate", Napi::Boolean::New(env, member.candidate));
    object.Set("meta", member.meta_length > 0 ? Bytes(env, member.meta, member.meta_length)
                                              : Napi::Value(env.Null()));
    object.Set("lastSeenMs", Milliseconds(env, member.last_seen_ms));
    return object;
}

inline Napi::Object Metrics(Napi::Env env, const irx_metrics &metrics)
{
    Napi::Object by = Napi::Object::New(env);
#define X(name, text)                                                                              \
    if (IRX_REASON_##name != IRX_REASON_NONE)                                                      \
        by.Set(text, Number(metrics.defeated_by[IRX_REASON_##name]));
    IRX_REASON_MAP(X)
#undef X
    Napi::Object object = Napi::Object::New(env);
    object.Set("elected", Number(metrics.elected));
    object.Set("defeated", Number(metrics.defeated));
    object.Set("defeatedBy", by);
    object.Set("renewals", Number(metrics.renewals));
    object.Set("operations", Number(metrics.operations));
    object.Set("failures", Number(metrics.failures));
    object.Set("reconnects", Number(metrics.reconnects));
    object.Set("eventsDropped", Number(metrics.events_dropped));
    object.Set("messagesSent", Number(metrics.messages_sent));
    object.Set("messagesReceived", Number(metrics.messages_received));
    object.Set("messagesDropped", Number(metrics.messages_dropped));
    object.Set("lastRoundTripMs", static_cast<double>(metrics.last_round_trip_ns) / 1e6);
    return object;
}

inline const char *HappeningText(irx_happening kind)
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

// An InterrexError with the text and the code's name ("CONFIG", …).
inline Napi::Value ErrorValue(Napi::Env env, const Napi::FunctionReference &error_class, int code,
                              const char *text)
{
    const char *story = text != nullptr && text[0] != '\0' ? text : irx_error_text(code);
    return error_class.New(
        {Napi::String::New(env, story), Napi::String::New(env, irx_error_name(code))});
}

// {kind, …}: only the fields that belong to the kind.
inline Napi::Object Event(Napi::Env env, const Napi::FunctionReference &error_class,
                          const irx_event &event)
{
    Napi::Object object = Napi::Object::New(env);
    object.Set("kind", Napi::String::New(env, HappeningText(event.kind)));
    switch (event.kind) {
    case IRX_ELECTED: object.Set("token", Token(env, event.token)); break;
    case IRX_DRAINING:
    case IRX_DEFEATED:
        object.Set("token", Token(env, event.token));
        object.Set("reason", Napi::String::New(env, irx_reason_text(event.reason)));
        [[fallthrough]];
    case IRX_LEADER:
        object.Set("leader", Leader(env, event.has_leader, event.leader_session, event.leader_label,
                                    event.leader_term));
        break;
    case IRX_ROLE:
        object.Set("role", Napi::String::New(env, irx_role_text(event.role)));
        object.Set("previous", Napi::String::New(env, irx_role_text(event.previous)));
        break;
    case IRX_WARNING:
    case IRX_ERROR:
        object.Set("error", ErrorValue(env, error_class, event.error.code, event.error.text));
        break;
    case IRX_MESSAGE:
        object.Set("from", Id(env, event.from));
        object.Set("fromLeader", Napi::Boolean::New(env, event.from_leader));
        object.Set("data", Bytes(env, event.data, event.length));
        break;
    case IRX_VALUE:
        object.Set("version", Version(env, event.version));
        object.Set("data", Bytes(env, event.data, event.length));
        break;
    case IRX_SETTLED:
        object.Set("ticket", Number(event.ticket));
        object.Set("version", Version(env, event.version));
        object.Set("error", event.error.code == IRX_OK
                                ? env.Null()
                                : ErrorValue(env, error_class, event.error.code, event.error.text));
        break;
    case IRX_STARTED:
    case IRX_MEMBERS:
    case IRX_STOPPED: break;
    }
    return object;
}

} // namespace interrex
#endif
