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

// schema(schema | null, namespace | null): the SQL, or null where PostgreSQL can't have such names.
static Napi::Value Schema(const Napi::CallbackInfo &info)
{
    const bool has_schema = info[0].IsString();
    const bool has_namespace = info[1].IsString();
    const std::string schema = has_schema ? info[0].As<Napi::String>() : std::string();
    const std::string name = has_namespace ? info[1].As<Napi::String>() : std::string();
    const char *schema_text = has_schema ? schema.c_str() : nullptr;
    const char *name_text = has_namespace ? name.c_str() : nullptr;
    const size_t length = irx_schema(schema_text, name_text, nullptr, 0);
    std::string text(length, '\0');
    if (length == 0 || irx_schema(schema_text, name_text, text.data(), length + 1) != length)
        return info.Env().Null();
    return Napi::String::New(info.Env(), text);
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
    exports.Set("schema", Napi::Function::New<Schema>(env, "schema"));
    exports.Set("Handle", Handle::Define(env));
    return exports;
}

NODE_API_MODULE(interrex, Init)

} // namespace interrex
