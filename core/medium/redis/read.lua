-- READ: the record and, where the sender's copy is old, the member table. Where both are what the sender
-- has, under its own epoch, the answer is the one word SAME.
-- ARGV: 3 "incarnation/term/session/beat" of the sender's copy or "", 4 its members version.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, ARGV[4])
    end
    if ARGV[3] ~= '' and members_version() == ARGV[4] then
        local key = call('HMGET', record_key, 'incarnation', 'term', 'session', 'beat')
        if key[1] and key[2] and key[3] and key[4] and table.concat(key, '/') == ARGV[3] then
            return {ok = 'SAME'}
        end
    end
    return answer(read_record() and 'OK' or 'ABSENT', epoch, 0, ARGV[4])
end)
