-- RELEASE: the holder vacates the record and names a successor; the record stays, with its term and its beat, so
-- that no token is handed out twice. The member row goes, where that is asked for, whatever became of the record.
-- ARGV: 3 incarnation, 4 term, 5 session, 6 successor, 7 "1" to remove the member row too.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0)
    end
    local record = read_record()
    local own = record and record.ours and record.incarnation == ARGV[3] and record.term == ARGV[4] and
        record.session == ARGV[5] and ARGV[5] ~= ''
    local version = ARGV[7] == '1' and next_version()
    if own then
        call('HSET', record_key, 'session', '', 'process', '', 'label', '', 'presence_seen', '0',
            'successor', ARGV[6], 'voters', '')
    end
    local left = version and redis.pcall('HDEL', members_key, ARGV[5]) == 1
    if left then
        redis.pcall('HSET', members_key, '#version', version)
    end
    if own or left then
        hint()
    end
    return answer(own and 'OK' or record and 'STALE' or 'ABSENT', epoch, 0)
end)
