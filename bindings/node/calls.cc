// The calls of a handle: each asks the core one thing and shapes the answer.
#include "handle.h"

#include <cmath>
#include <string>

namespace interrex
{

// Milliseconds that JavaScript has checked to be a number; rounded up, so that a need is never
// understated.
static int64_t NeedMs(const Napi::Value &value)
{
    double ms = value.IsNumber() ? std::ceil(value.As<Napi::Number>().DoubleValue()) : 0;
    if (std::isnan(ms) || ms >= 9007199254740992.0)
        return INT64_MAX;
    return ms <= 0 ? 0 : static_cast<int64_t>(ms);
}

Napi::Value Handle::Start(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    if (election_ == nullptr)
        return Answer(env, IRX_ESTOPPED);
    if (!OpenChannel(env))
        return Answer(env, IRX_ENOMEM);
    int code = irx_election_start(election_);
    if (code == IRX_OK && !running_) {
        running_ = true;
        Ref(); // not collected before it has stopped
    }
    KeepLoop(env);
    Ready(this); // events that were waiting before there was a channel
    return Answer(env, code);
}

Napi::Value Handle::Stop(const Napi::CallbackInfo &info)
{
    return Answer(info.Env(), election_ == nullptr ? IRX_OK : irx_election_stop(election_));
}

// JavaScript has taken the stopped event: the loop may end, and the handle be collected.
void Handle::Idle(const Napi::CallbackInfo &info)
{
    if (!running_)
        return;
    running_ = false;
    Unref();
    KeepLoop(info.Env());
}

void Handle::KeepAlive(const Napi::CallbackInfo &info)
{
    keep_alive_ = info[0].ToBoolean();
    KeepLoop(info.Env());
}

Napi::Value Handle::Resign(const Napi::CallbackInfo &info)
{
    return Answer(info.Env(), election_ == nullptr ? IRX_ESTOPPED : irx_election_resign(election_));
}

Napi::Value Handle::Transfer(const Napi::CallbackInfo &info)
{
    if (election_ == nullptr)
        return Answer(info.Env(), IRX_ESTOPPED);
    irx_id session{};
    std::string text = info[0].ToString();
    if (!irx_id_parse(text.c_str(), &session))
        return Answer(info.Env(), IRX_ENOMEMBER);
    return Answer(info.Env(), irx_election_transfer(election_, session));
}

Napi::Value Handle::Leads(const Napi::CallbackInfo &info)
{
    return Napi::Boolean::New(info.Env(),
                              election_ != nullptr &&
                                  irx_election_leads(election_, NeedMs(info[0]), nullptr));
}

// check(needMs, term, incarnation): of that leadership, not of a later one.
Napi::Value Handle::Check(const Napi::CallbackInfo &info)
{
    irx_token token{};
    irx_id incarnation{};
    char text[33] = "";
    napi_get_value_string_latin1(info.Env(), info[2], text, sizeof text, nullptr);
    bool holds = election_ != nullptr && irx_id_parse(text, &incarnation) &&
                 irx_election_check(election_, NeedMs(info[0]), &token) &&
                 Number(token.term) == info[1].As<Napi::Number>().DoubleValue() &&
                 irx_id_equal(token.incarnation, incarnation);
    return Napi::Boolean::New(info.Env(), holds);
}

// The token, or null where this member does not lead (any more).
Napi::Value Handle::WorkBegin(const Napi::CallbackInfo &info)
{
    irx_token token{};
    int code = election_ == nullptr ? IRX_ENOTLEADER : irx_election_work_begin(election_, &token);
    if (code == IRX_ENOTLEADER || code == IRX_ESTOPPED)
        return info.Env().Null();
    if (code != IRX_OK)
        return Answer(info.Env(), code);
    return Token(info.Env(), token);
}

void Handle::WorkEnd(const Napi::CallbackInfo &)
{
    if (election_ != nullptr)
        irx_election_work_end(election_);
}

void Handle::Pulse(const Napi::CallbackInfo &)
{
    if (election_ != nullptr)
        irx_election_pulse(election_);
}

Napi::Value Handle::MessageMax(const Napi::CallbackInfo &info)
{
    size_t most = election_ == nullptr ? IRX_MESSAGE_MAX : irx_election_message_max(election_);
    return Napi::Number::New(info.Env(), static_cast<double>(most));
}

Napi::Value Handle::Status(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    irx_status status{};
    if (election_ != nullptr) {
        int code = irx_election_status(election_, &status);
        if (code != IRX_OK)
            return Answer(env, code);
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("role", Napi::String::New(env, irx_role_text(status.role)));
    object.Set("id", Id(env, status.session));
    object.Set("token", Token(env, status.token));
    object.Set("remainingMs", Milliseconds(env, status.remaining_ms));
    object.Set("leader", Leader(env, status.has_leader, status.leader_session, status.leader_label,
                                status.leader_term));
    object.Set("guarantee", Napi::String::New(env, irx_guarantee_text(status.guarantee)));
    object.Set("connected", Napi::Boolean::New(env, status.connected));
    return object;
}

Napi::Value Handle::Members(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    if (election_ == nullptr)
        return Napi::Array::New(env);
    irx_member_info *members = nullptr;
    size_t count = 0;
    int code = irx_election_members(election_, &members, &count);
    if (code != IRX_OK)
        return Answer(env, code);
    std::unique_ptr<irx_member_info, decltype(&irx_members_free)> owner(members, irx_members_free);
    Napi::Array list = Napi::Array::New(env, count);
    for (size_t i = 0; i < count; i++) {
        list.Set(static_cast<uint32_t>(i), Member(env, members[i]));
    }
    return list;
}

Napi::Value Handle::History(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    if (election_ == nullptr)
        return Napi::String::New(env, "");
    char *text = nullptr;
    int code = irx_election_history(election_, &text);
    if (code != IRX_OK)
        return Answer(env, code);
    std::unique_ptr<char, decltype(&irx_text_free)> owner(text, irx_text_free);
    return Napi::String::New(env, text);
}

Napi::Value Handle::MetricsNow(const Napi::CallbackInfo &info)
{
    irx_metrics metrics{};
    if (election_ != nullptr) {
        int code = irx_election_metrics(election_, &metrics);
        if (code != IRX_OK)
            return Answer(info.Env(), code);
    }
    return Metrics(info.Env(), metrics);
}

// The next waiting event, or null.
Napi::Value Handle::NextEvent(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    irx_event *event = nullptr;
    if (election_ == nullptr || irx_election_next_event(election_, &event, 0) != IRX_OK) {
        return env.Null();
    }
    std::unique_ptr<irx_event, decltype(&irx_event_free)> owner(event, irx_event_free);
    return Event(env, realm_->error_class, *event);
}

Napi::Function Handle::Define(Napi::Env env)
{
    return DefineClass(env, "Handle", {InstanceMethod<&Handle::Start>("start"),
                                       InstanceMethod<&Handle::Stop>("stop"),
                                       InstanceMethod<&Handle::Idle>("idle"),
                                       InstanceMethod<&Handle::KeepAlive>("keepAlive"),
                                       InstanceMethod<&Handle::Resign>("resign"),
                                       InstanceMethod<&Handle::Transfer>("transfer"),
                                       InstanceMethod<&Handle::Leads>("leads"),
                                       InstanceMethod<&Handle::Check>("check"),
                                       InstanceMethod<&Handle::WorkBegin>("workBegin"),
                                       InstanceMethod<&Handle::WorkEnd>("workEnd"),
                                       InstanceMethod<&Handle::Pulse>("pulse"),
                                       InstanceMethod<&Handle::MessageMax>("messageMax"),
                                       InstanceMethod<&Handle::Status>("status"),
                                       InstanceMethod<&Handle::Members>("members"),
                                       InstanceMethod<&Handle::History>("history"),
                                       InstanceMethod<&Handle::MetricsNow>("metrics"),
                                       InstanceMethod<&Handle::SetMeta>("setMeta"),
                                       InstanceMethod<&Handle::MetaOf>("metaOf"),
                                       InstanceMethod<&Handle::Send>("send"),
                                       InstanceMethod<&Handle::Publish>("publish"),
                                       InstanceMethod<&Handle::Published>("value"),
                                       InstanceMethod<&Handle::NextEvent>("nextEvent")});
}

} // namespace interrex
