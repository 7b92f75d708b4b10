-- JOIN: writes the sender's member row. Without a join number of its own the sender keeps the one it has in
-- the table, or gets the next.
-- ARGV: 3 members version known, 4 session, 5 join or "0", 6 process, 7 "1" for a candidate, 8 label, 9 most members.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, ARGV[3])
    end
    read_record()
    local present = call('HMGET', members_key, ARGV[4], '#joins')
    local row, joins = present[1], tonumber(present[2] or '0')
    if not joins then
        stop({'FOREIGN', members_key, 'its field "#joins" is no number'})
    end
    local join = tonumber(ARGV[5])
    if join == 0 then
        join = row and tonumber(string.match(row, '^%d+')) or joins + 1
    end
    local process = ARGV[6] ~= '' and ARGV[6] or '-'
    local wanted = string.format('%.0f %s %s %s', join, process, ARGV[7], ARGV[8])
    if row ~= wanted then
        if not row and call('HLEN', members_key) - 2 >= tonumber(ARGV[9]) then
            stop({'FULL', members_key, ARGV[9]})
        end
        call('HSET', members_key, ARGV[4], wanted, '#joins', string.format('%.0f', math.max(join, joins)),
            '#version', next_version())
    end
    return answer('OK', epoch, join, ARGV[3])
end)
