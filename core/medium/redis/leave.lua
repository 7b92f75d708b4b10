-- LEAVE: removes the sender's member row.
-- ARGV: 3 members version known, 4 session.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, ARGV[3])
    end
    read_record()
    local version = next_version()
    if call('HDEL', members_key, ARGV[4]) == 1 then
        redis.pcall('HSET', members_key, '#version', version)
        hint()
    end
    return answer('OK', epoch, 0, ARGV[3])
end)
