// The Node addon: the module that JavaScript loads, once per environment.
#include "handle.h"

namespace interrex
{

// setup(InterrexError): the class that every error of this environment is made of.
static void Setup(const Napi::CallbackInfo &info)
{
    RealmOf(info.Env())->error_class = Napi::Persistent(info[0].As<Napi::Function>());
}

// closeAll(): ends every election of this environment at once; those that lead release, best
// effort.
static void CloseAll(const Napi::CallbackInfo &info)
{
    Handle::CloseTogether(RealmOf(info.Env())->open);
}

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
    env.SetInstanceData(new RealmPointer(std::make_shared<Realm>()));
    exports.Set("version", Napi::String::New(env, IRX_VERSION));
    Napi::Object limits = Napi::Object::New(env);
    limits.Set("meta", static_cast<double>(IRX_META_MAX));
    limits.Set("message", static_cast<double>(IRX_MESSAGE_MAX));
    limits.Set("value", static_cast<double>(IRX_VALUE_MAX));
    exports.Set("limits", limits);
    exports.Set("setup", Napi::Function::New<Setup>(env, "setup"));
    exports.Set("closeAll", Napi::Function::New<CloseAll>(env, "closeAll"));
    exports.Set("Handle", Handle::Define(env));
    return exports;
}

NODE_API_MODULE(interrex, Init)

} // namespace interrex
