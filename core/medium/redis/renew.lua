-- RENEW: the holder's next beat. The answer to a renewal that holds is the integer presence_seen alone; the
-- sender knows the rest, since it wrote it. (The epoch it wrote only if that is still the store's.)
-- ARGV: 3 incarnation, 4 term, 5 session, 6 beat, 7 hold, 8 process.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0)
    end
    local held = call('HMGET', record_key, 'format', 'incarnation', 'term', 'session', 'beat', 'epoch')
    if not held[1] then
        return answer(read_record() and 'STALE' or 'ABSENT', epoch, 0)
    end
    local own = tonumber(held[1]) == FORMAT and held[2] == ARGV[3] and held[3] == ARGV[4] and
        held[4] == ARGV[5] and ARGV[5] ~= ''
    if not own or not (tonumber(held[5]) and tonumber(ARGV[6]) > tonumber(held[5])) then
        return answer('STALE', epoch, 0)
    end
    local seen = is_present(ARGV[8]) and 1 or 0
    call('HSET', record_key, 'beat', ARGV[6], 'hold', ARGV[7], 'process', ARGV[8], 'presence_seen', seen)
    if held[6] ~= epoch then
        return answer('OK', epoch, 0)
    end
    return seen
end)
