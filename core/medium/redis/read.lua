-- READ: the record and, where the sender's copies are old, the member table and the published value. Where all
-- is as the sender has it, under its own epoch, but perhaps for the beat, the answer is one word.
-- ARGV: 3 key and 4 beat of the sender's copy (see copy.lua), 5 its members version, 6 version of its value.
--#include record.lua
--#include identity.lua
--#include copy.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, ARGV[5], ARGV[6])
    end
    return brief(ARGV[3], ARGV[4], ARGV[5]) or
        answer(read_record() and 'OK' or 'ABSENT', epoch, 0, ARGV[5], ARGV[6])
end)
