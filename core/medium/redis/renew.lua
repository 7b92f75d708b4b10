-- RENEW: the holder's next beat. The answer to a renewal that holds is the integer presence_seen alone; the
-- sender knows the rest, since it wrote it. Where it may not know it (an epoch of before, a list or a published
-- value whose writing had no answer), the record comes back.
-- ARGV: 3 incarnation, 4 term, 5 session, 6 beat, 7 hold, 8 process, 9 version of the published value that it
-- knows; under protocol quorum also: 10 what everybody is to be told, 11 the list in force and, only where that
-- list is to be written, 12 its voters.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0)
    end
    local held = call('HMGET', record_key, 'format', 'incarnation', 'term', 'session', 'beat', 'epoch',
        'protocol', 'list', 'value_term', 'value_index', 'process', 'presence_seen')
    if not held[1] then
        return answer(read_record() and 'STALE' or 'ABSENT', epoch, 0)
    end
    local own = tonumber(held[1]) == FORMAT and held[2] == ARGV[3] and held[3] == ARGV[4] and
        held[4] == ARGV[5] and ARGV[5] ~= ''
    local whole = held[8] and held[9] and held[10]
    if not own or not whole or not (tonumber(held[5]) and tonumber(ARGV[6]) > tonumber(held[5])) then
        return answer('STALE', epoch, 0)
    end
    local quorum, list = held[7] == 'quorum', held[8]
    -- Once seen it stays so: this renewal may land after the death of who sent it, and must not hide that.
    local was_seen = held[11] == ARGV[8] and held[12] == '1'
    local seen = (was_seen or is_present(ARGV[8])) and 1 or 0
    local changes = {'beat', ARGV[6], 'hold', ARGV[7], 'process', ARGV[8], 'presence_seen', seen}
    if quorum and ARGV[12] then
        list = ARGV[11]
        changes[9], changes[10], changes[11], changes[12] = 'list', list, 'voters', ARGV[12]
    end
    call('HSET', record_key, unpack(changes))
    if quorum and ARGV[10] then
        redis.pcall('PUBLISH', record_key .. ':changed', ARGV[10])
    end
    local known = held[6] == epoch and held[9] .. '/' .. held[10] == ARGV[9] and
        (not quorum or list == ARGV[11])
    return known and seen or answer('OK', epoch, 0)
end)
