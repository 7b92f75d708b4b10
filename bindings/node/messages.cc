// What members say to one another: their meta, messages, the published value. Bytes go in and a
// ticket comes out; what became of it is told by a settled event. What the bytes mean, and to whom
// a message may go, is not decided here.
#include "handle.h"

#include <string>

namespace interrex
{

using Data = Napi::Buffer<uint8_t>;

// setMeta(bytes, waits): a ticket, or 0 where nobody waits.
Napi::Value Handle::SetMeta(const Napi::CallbackInfo &info)
{
    if (election_ == nullptr)
        return Answer(info.Env(), IRX_ESTOPPED);
    uint64_t ticket = 0;
    bool waits = info[1].ToBoolean();
    Data data = info[0].As<Data>();
    int code =
        irx_election_set_meta(election_, data.Data(), data.Length(), waits ? &ticket : nullptr);
    return Ticket(info.Env(), code, ticket);
}

// metaOf(id): the bytes that this member says of itself, or null.
Napi::Value Handle::MetaOf(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    irx_id session{};
    std::string text = info[0].ToString();
    irx_member_info *members = nullptr;
    size_t count = 0;
    if (election_ == nullptr || !irx_id_parse(text.c_str(), &session))
        return env.Null();
    int code = irx_election_members(election_, &members, &count);
    if (code != IRX_OK)
        return Answer(env, code);
    std::unique_ptr<irx_member_info, decltype(&irx_members_free)> owner(members, irx_members_free);
    for (size_t i = 0; i < count; i++) {
        if (irx_id_equal(members[i].session, session))
            return Bytes(env, members[i].meta, members[i].meta_length);
    }
    return env.Null();
}

// send('leader' | 'followers' | 'all' | id, bytes)
Napi::Value Handle::Send(const Napi::CallbackInfo &info)
{
    if (election_ == nullptr)
        return Answer(info.Env(), IRX_ESTOPPED);
    std::string to = info[0].ToString();
    irx_audience audience = IRX_TO_MEMBER;
    irx_id member{};
    if (to == "leader")
        audience = IRX_TO_LEADER;
    else if (to == "followers")
        audience = IRX_TO_FOLLOWERS;
    else if (to == "all")
        audience = IRX_TO_ALL;
    else if (!irx_id_parse(to.c_str(), &member))
        return Answer(info.Env(), IRX_ENOMEMBER);
    uint64_t ticket = 0;
    Data data = info[1].As<Data>();
    int code = irx_election_send(election_, audience, member, data.Data(), data.Length(), &ticket);
    return Ticket(info.Env(), code, ticket);
}

// publish(bytes)
Napi::Value Handle::Publish(const Napi::CallbackInfo &info)
{
    uint64_t ticket = 0;
    Data data = info[0].As<Data>();
    int code = election_ == nullptr
                   ? IRX_ESTOPPED
                   : irx_election_publish(election_, data.Data(), data.Length(), &ticket);
    return Ticket(info.Env(), code, ticket);
}

// value(): the newest published value {version, data} that arrived here, or null.
Napi::Value Handle::Published(const Napi::CallbackInfo &info)
{
    Napi::Env env = info.Env();
    if (election_ == nullptr)
        return env.Null();
    irx_value *value = nullptr;
    int code = irx_election_value(election_, &value);
    if (code != IRX_OK)
        return Answer(env, code);
    std::unique_ptr<irx_value, decltype(&irx_value_free)> owner(value, irx_value_free);
    if (value->version.term == 0 && value->version.index == 0)
        return env.Null();
    Napi::Object object = Napi::Object::New(env);
    object.Set("version", Version(env, value->version));
    object.Set("data", Bytes(env, value->data, value->length));
    return object;
}

} // namespace interrex
