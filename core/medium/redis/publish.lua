-- PUBLISH: the holder's value for everybody, of up to 64 KiB, with the version after the stored one. It lies
-- beside the record's fields and outlives the term.
-- ARGV: 3 incarnation, 4 term, 5 session, 6 value, 7 version of the published value that the sender has.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, nil, ARGV[7])
    end
    local record = read_record()
    local own = record and record.ours and record.incarnation == ARGV[3] and record.term == ARGV[4] and
        record.session == ARGV[5] and ARGV[5] ~= ''
    if not own then
        return answer(record and 'STALE' or 'ABSENT', epoch, 0, nil, ARGV[7])
    end
    local index = 1
    if record.value_term == record.term then
        index = (tonumber(record.value_index) or 0) + 1
    end
    call('HSET', record_key, 'value', ARGV[6], 'value_term', record.term, 'value_index',
        string.format('%.0f', index))
    hint()
    return answer('OK', epoch, 0) -- the sender has the value itself
end)
