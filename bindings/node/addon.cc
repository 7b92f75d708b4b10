// The Node addon: a thin wrap of irx_election, one per JavaScript Election.
//
// Decides when a handle lives (loop reference, collection, exit) and how a call crosses over; never
// who leads, what an option means or what an event causes. The background thread only pokes a
// thread-safe function; JavaScript then takes the events with nextEvent. Everything else here runs
// on the thread of the handle's own environment.
#include <napi.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <unordered_set>

#include "interrex.h"

#include "convert.h"

namespace interrex
{

class Handle;

// What belongs to one environment (main thread or worker). Handles share it, since it may be
// released before them.
struct Realm {
    Napi::FunctionReference error_class;
    std::unordered_set<Handle *> open;
};

using RealmPointer = std::shared_ptr<Realm>;

static RealmPointer &RealmOf(Napi::Env env)
{
    return *env.GetInstanceData<RealmPointer>();
}

static Napi::Value Throw(Napi::Env env, const Napi::FunctionReference &error_class, int code,
                         const char *text = nullptr)
{
    napi_throw(env, ErrorValue(env, error_class, code, text));
    return env.Undefined();
}

// Milliseconds that JavaScript has checked to be a number; rounded up, so that a need is never
// understated.
static int64_t NeedMs(const Napi::Value &value)
{
    double ms = value.IsNumber() ? std::ceil(value.As<Napi::Number>().DoubleValue()) : 0;
    if (std::isnan(ms) || ms >= 9007199254740992.0)
        return INT64_MAX;
    return ms <= 0 ? 0 : static_cast<int64_t>(ms);
}

class Handle : public Napi::ObjectWrap<Handle>
{
  public:
    static Napi::Function Define(Napi::Env env);

    // new Handle(url | null, [key, value, key, value, …])
    explicit Handle(const Napi::CallbackInfo &info);
    ~Handle() override
    {
        Close();
    }

    // Asks without waiting: several elections then end at the same time.
    void BeginEnd()
    {
        if (election_ != nullptr)
            irx_election_stop(election_);
    }

    void Close();

  private:
    static napi_value IsLeader(napi_env env, napi_callback_info info);
    static void Ready(void *argument);
    static void Deliver(napi_env env, napi_value callback, void *context, void *data);
    static void EnvironmentEnds(void *argument);

    bool OpenChannel(Napi::Env env);
    void KeepLoop(Napi::Env env);
    Napi::Value Answer(Napi::Env env, int code)
    {
        return code == IRX_OK ? env.Undefined() : Throw(env, realm_->error_class, code);
    }

    Napi::Value Start(const Napi::CallbackInfo &info);
    Napi::Value Stop(const Napi::CallbackInfo &info);
    Napi::Value Resign(const Napi::CallbackInfo &info);
    Napi::Value Transfer(const Napi::CallbackInfo &info);
    Napi::Value Leads(const Napi::CallbackInfo &info);
    Napi::Value Check(const Napi::CallbackInfo &info);
    Napi::Value WorkBegin(const Napi::CallbackInfo &info);
    void WorkEnd(const Napi::CallbackInfo &info);
    void Pulse(const Napi::CallbackInfo &info);
    void Idle(const Napi::CallbackInfo &info);
    void KeepAlive(const Napi::CallbackInfo &info);
    Napi::Value Status(const Napi::CallbackInfo &info);
    Napi::Value Members(const Napi::CallbackInfo &info);
    Napi::Value History(const Napi::CallbackInfo &info);
    Napi::Value MetricsNow(const Napi::CallbackInfo &info);
    Napi::Value NextEvent(const Napi::CallbackInfo &info);

    RealmPointer realm_;
    irx_election *election_ = nullptr; // null once closed: every question is then answered "no"
    napi_threadsafe_function channel_ = nullptr;
    bool hooked_ = false;
    bool running_ = false;   // from start until JavaScript has taken the stopped event
    bool keep_alive_ = true; // whether a running election keeps the event loop alive
};

Handle::Handle(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<Handle>(info), realm_(RealmOf(info.Env()))
{
    Napi::Env env = info.Env();
    std::unique_ptr<irx_options, decltype(&irx_options_free)> options(irx_options_new(),
                                                                      irx_options_free);
    if (!options) {
        Throw(env, realm_->error_class, IRX_ENOMEM);
        return;
    }
    Napi::Array pairs = info[1].As<Napi::Array>();
    for (uint32_t i = 0; i + 1 < pairs.Length(); i += 2) {
        std::string key = pairs.Get(i).ToString();
        std::string value = pairs.Get(i + 1).ToString();
        // A refusal is kept by the options, and irx_election_open reports it.
        (void)irx_options_set(options.get(), key.c_str(), value.c_str());
    }
    std::string url = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
    irx_error error{};
    int code = irx_election_open(&election_, info[0].IsString() ? url.c_str() : nullptr,
                                 options.get(), &error);
    if (code != IRX_OK) {
        election_ = nullptr;
        Throw(env, realm_->error_class, code, error.text);
        return;
    }
    realm_->open.insert(this);

    // The hot question as a function of its own: its data is the handle, so no unwrapping is
    // needed. It holds the handle object, so that the data outlives it.
    napi_value function = nullptr;
    if (napi_create_function(env, "isLeader", NAPI_AUTO_LENGTH, IsLeader, this, &function) ==
        napi_ok) {
        Napi::Object(env, function).Set("handle", info.This());
        info.This().As<Napi::Object>().Set("isLeader", Napi::Value(env, function));
    }
}

napi_value Handle::IsLeader(napi_env env, napi_callback_info info)
{
    void *data = nullptr;
    napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
    const Handle *handle = static_cast<Handle *>(data);
    napi_value answer = nullptr;
    napi_get_boolean(env, handle->election_ != nullptr && irx_election_is_leader(handle->election_),
                     &answer);
    return answer;
}

// ---- the channel from the background thread ----------------------------------------------------

void Handle::Ready(void *argument)
{
    Handle *handle = static_cast<Handle *>(argument);
    napi_call_threadsafe_function(handle->channel_, nullptr, napi_tsfn_nonblocking);
}

// Calls handle.onReady(), which takes the events. A null environment means that the channel is
// being dropped; the handle may be gone then.
void Handle::Deliver(napi_env env, napi_value, void *context, void *)
{
    if (env == nullptr)
        return;
    Handle *handle = static_cast<Handle *>(context);
    Napi::HandleScope scope(env);
    if (handle->election_ == nullptr)
        return;
    Napi::Object self = handle->Value();
    if (self.IsEmpty())
        return;
    napi_value ready = nullptr;
    napi_value result = nullptr;
    if (napi_get_named_property(env, self, "onReady", &ready) != napi_ok)
        return;
    napi_call_function(env, self, ready, 0, nullptr, &result);
}

bool Handle::OpenChannel(Napi::Env env)
{
    if (channel_ != nullptr)
        return true;
    if (napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "interrex"),
                                        0, 1, nullptr, nullptr, this, Deliver,
                                        &channel_) != napi_ok) {
        channel_ = nullptr;
        return false;
    }
    // After the channel's own hook, hence run before it: the thread is joined before the channel
    // goes.
    hooked_ = napi_add_env_cleanup_hook(env, EnvironmentEnds, this) == napi_ok;
    irx_election_on_ready(election_, Ready, this);
    return true;
}

// A worker is terminated, or the process ends: no JavaScript may run any more.
void Handle::EnvironmentEnds(void *argument)
{
    Handle *handle = static_cast<Handle *>(argument);
    handle->hooked_ = false;
    for (Handle *other : handle->realm_->open)
        other->BeginEnd();
    handle->Close();
}

void Handle::Close()
{
    if (election_ == nullptr)
        return;
    realm_->open.erase(this);
    irx_election_on_ready(election_, nullptr, nullptr);
    irx_election_close(election_);
    election_ = nullptr;
    if (channel_ != nullptr) {
        if (hooked_)
            napi_remove_env_cleanup_hook(Env(), EnvironmentEnds, this);
        hooked_ = false;
        napi_release_threadsafe_function(channel_, napi_tsfn_abort);
        channel_ = nullptr;
    }
}

void Handle::KeepLoop(Napi::Env env)
{
    if (channel_ == nullptr)
        return;
    if (running_ && keep_alive_) {
        napi_ref_threadsafe_function(env, channel_);
    } else {
        napi_unref_threadsafe_function(env, channel_);
    }
}

// ---- calls -------------------------------------------------------------------------------------

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
    return DefineClass(
        env, "Handle",
        {InstanceMethod<&Handle::Start>("start"), InstanceMethod<&Handle::Stop>("stop"),
         InstanceMethod<&Handle::Idle>("idle"), InstanceMethod<&Handle::KeepAlive>("keepAlive"),
         InstanceMethod<&Handle::Resign>("resign"), InstanceMethod<&Handle::Transfer>("transfer"),
         InstanceMethod<&Handle::Leads>("leads"), InstanceMethod<&Handle::Check>("check"),
         InstanceMethod<&Handle::WorkBegin>("workBegin"),
         InstanceMethod<&Handle::WorkEnd>("workEnd"), InstanceMethod<&Handle::Pulse>("pulse"),
         InstanceMethod<&Handle::Status>("status"), InstanceMethod<&Handle::Members>("members"),
         InstanceMethod<&Handle::History>("history"),
         InstanceMethod<&Handle::MetricsNow>("metrics"),
         InstanceMethod<&Handle::NextEvent>("nextEvent")});
}

// ---- the module --------------------------------------------------------------------------------

// setup(InterrexError): the class that every error of this environment is made of.
static void Setup(const Napi::CallbackInfo &info)
{
    RealmOf(info.Env())->error_class = Napi::Persistent(info[0].As<Napi::Function>());
}

// closeAll(): ends every election of this environment at once; those that lead release, best
// effort.
static void CloseAll(const Napi::CallbackInfo &info)
{
    std::unordered_set<Handle *> open = RealmOf(info.Env())->open;
    for (Handle *handle : open)
        handle->BeginEnd();
    for (Handle *handle : open)
        handle->Close();
}

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
    env.SetInstanceData(new RealmPointer(std::make_shared<Realm>()));
    exports.Set("version", Napi::String::New(env, IRX_VERSION));
    exports.Set("setup", Napi::Function::New<Setup>(env, "setup"));
    exports.Set("closeAll", Napi::Function::New<CloseAll>(env, "closeAll"));
    exports.Set("Handle", Handle::Define(env));
    return exports;
}

NODE_API_MODULE(interrex, Init)

} // namespace interrex
