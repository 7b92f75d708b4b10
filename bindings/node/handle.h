// One irx_election as a JavaScript object.
//
// Decides when a handle lives (loop reference, collection, exit) and how a call crosses over; never
// who leads, what an option means or what an event causes. The background thread only pokes a
// thread-safe function; JavaScript then takes the events with nextEvent. Everything else here runs
// on the thread of the handle's own environment.
#ifndef INTERREX_NODE_HANDLE_H
#define INTERREX_NODE_HANDLE_H

#include <napi.h>

#include <memory>
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

inline RealmPointer &RealmOf(Napi::Env env)
{
    return *env.GetInstanceData<RealmPointer>();
}

inline Napi::Value Throw(Napi::Env env, const Napi::FunctionReference &error_class, int code,
                         const char *text = nullptr)
{
    napi_throw(env, ErrorValue(env, error_class, code, text));
    return env.Undefined();
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

    // Ends them all. Each may wait for its medium to be told, so that they do it at the same time.
    static void CloseTogether(std::unordered_set<Handle *> handles);

  private:
    static napi_value IsLeader(napi_env env, napi_callback_info info);
    static void Ready(void *argument);
    static void Deliver(napi_env env, napi_value callback, void *context, void *data);
    static void EnvironmentEnds(void *argument);

    bool OpenChannel(Napi::Env env);
    irx_election *Leave();
    void DropChannel();
    void Close();
    void KeepLoop(Napi::Env env);
    Napi::Value Answer(Napi::Env env, int code)
    {
        return code == IRX_OK ? env.Undefined() : Throw(env, realm_->error_class, code);
    }

    // The ticket of a request that was accepted; throws for one that was not.
    Napi::Value Ticket(Napi::Env env, int code, uint64_t ticket)
    {
        return code == IRX_OK ? Napi::Value(Napi::Number::New(env, Number(ticket)))
                              : Answer(env, code);
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
    Napi::Value MessageMax(const Napi::CallbackInfo &info);
    Napi::Value Status(const Napi::CallbackInfo &info);
    Napi::Value Members(const Napi::CallbackInfo &info);
    Napi::Value History(const Napi::CallbackInfo &info);
    Napi::Value MetricsNow(const Napi::CallbackInfo &info);
    Napi::Value SetMeta(const Napi::CallbackInfo &info);
    Napi::Value MetaOf(const Napi::CallbackInfo &info);
    Napi::Value Send(const Napi::CallbackInfo &info);
    Napi::Value Publish(const Napi::CallbackInfo &info);
    Napi::Value Published(const Napi::CallbackInfo &info);
    Napi::Value NextEvent(const Napi::CallbackInfo &info);

    RealmPointer realm_;
    irx_election *election_ = nullptr; // null once closed: every question is then answered "no"
    napi_threadsafe_function channel_ = nullptr;
    bool running_ = false;   // from start until JavaScript has taken the stopped event
    bool keep_alive_ = true; // whether a running election keeps the event loop alive
};

} // namespace interrex
#endif
