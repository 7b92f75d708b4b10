-- CREATE: a vacant, never-held record where there is none.
-- ARGV: 3 fresh epoch, 4 incarnation, 5 protocol, 6 takeover.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = identified_epoch(ARGV[3])
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0)
    end
    if read_record() then
        return answer('CONFLICT', epoch, 0)
    end
    call('HSET', record_key, 'format', FORMAT, 'incarnation', ARGV[4], 'term', '0', 'session', '',
        'process', '', 'label', '', 'beat', '0', 'hold', '0', 'protocol', ARGV[5], 'takeover',
        ARGV[6], 'presence_seen', '0', 'epoch', epoch, 'successor', '', 'value_term', '0',
        'value_index', '0', 'list', '0', 'voters', '')
    return answer('OK', epoch, 0)
end)
