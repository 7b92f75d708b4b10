-- JOIN: writes the sender's member row. Without a join number of its own the sender keeps the one it has in
-- the table, or gets the next.
-- ARGV: 3 members version known, 4 version of the published value known, 5 session, 6 join or "0", 7 process,
-- 8 "1" for a candidate, 9 label, 10 meta, 11 "1" to tell the others of a row that changed, 12 most members.
--#include record.lua
--#include identity.lua

-- The row that a full table gives up: one without a process, of which nobody can tell whether its member lives.
-- The next one after the newcomer's session, so that it is not always the same one; a living member that loses
-- its row joins again.
local function doubtful(newcomer)
    local fields, found = call('HGETALL', members_key), nil
    for i = 1, #fields, 2 do
        local session = fields[i]
        if string.match(fields[i + 1], '^%d+ %- ') and string.sub(session, 1, 1) ~= '#' then
            local before, behind = found and found < newcomer, session < newcomer
            if not found or (before == behind and session < found) or (before and not behind) then
                found = session
            end
        end
    end
    return found
end

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, ARGV[3], ARGV[4])
    end
    read_record()
    local present = call('HMGET', members_key, ARGV[5], '#joins')
    local row, joins = present[1], tonumber(present[2] or '0')
    if not joins then
        stop({'FOREIGN', members_key, 'its field "#joins" is no number'})
    end
    local join = tonumber(ARGV[6])
    if join == 0 then
        join = row and tonumber(string.match(row, '^%d+')) or joins + 1
    end
    local process = ARGV[7] ~= '' and ARGV[7] or '-'
    -- Not by string.format, which ends a text at its first zero byte: meta is any bytes.
    local wanted = string.format('%.0f ', join) .. process .. ' ' .. ARGV[8] .. ' ' .. ARGV[9]
    if ARGV[10] ~= '' then
        wanted = wanted .. '\n' .. ARGV[10]
    end
    if row ~= wanted then
        if not row and call('HLEN', members_key) - 2 >= tonumber(ARGV[12]) then
            local given_up = doubtful(ARGV[5]) or stop({'FULL', members_key, ARGV[12]})
            call('HDEL', members_key, given_up)
        end
        call('HSET', members_key, ARGV[5], wanted, '#joins', string.format('%.0f', math.max(join, joins)),
            '#version', next_version())
        if ARGV[11] == '1' then
            hint()
        end
    end
    return answer('OK', epoch, join, ARGV[3], ARGV[4])
end)
