// The life of a handle: opening, the channel from the background thread, the ways to end.
#include "handle.h"

#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace interrex
{

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
    napi_add_env_cleanup_hook(env, EnvironmentEnds, this);
    irx_election_on_ready(election_, Ready, this);
    return true;
}

// A worker is terminated, or the process ends: no JavaScript may run any more.
void Handle::EnvironmentEnds(void *argument)
{
    CloseTogether(static_cast<Handle *>(argument)->realm_->open);
}

// ---- the ways to end ---------------------------------------------------------------------------

// From here on no event pokes, and every question has the answer no; the caller closes the
// election.
irx_election *Handle::Leave()
{
    irx_election *election = election_;
    irx_election_on_ready(election, nullptr, nullptr);
    realm_->open.erase(this);
    election_ = nullptr;
    return election;
}

// Only after the election is closed, whose thread it belongs to.
void Handle::DropChannel()
{
    if (channel_ == nullptr)
        return;
    napi_remove_env_cleanup_hook(Env(), EnvironmentEnds, this);
    napi_release_threadsafe_function(channel_, napi_tsfn_abort);
    channel_ = nullptr;
}

void Handle::Close()
{
    if (election_ == nullptr)
        return;
    irx_election_close(Leave());
    DropChannel();
}

void Handle::CloseTogether(std::unordered_set<Handle *> handles)
{
    constexpr size_t at_once = 64;
    std::vector<std::thread> closers;
    auto join = [&closers] {
        for (std::thread &closer : closers)
            closer.join();
        closers.clear();
    };
    for (Handle *handle : handles) {
        irx_election *election = handle->Leave();
        try {
            closers.emplace_back(irx_election_close, election);
        } catch (const std::exception &) {
            irx_election_close(election); // no thread to be had: then one after the other
        }
        if (closers.size() == at_once)
            join();
    }
    join();
    for (Handle *handle : handles)
        handle->DropChannel();
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

} // namespace interrex
