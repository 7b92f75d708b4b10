-- STRIKE: removes the rows of members whose presence ended. Members without a process have none to end.
-- Where there is none to remove it is answered as a READ is.
-- ARGV: 3 key and 4 beat of the sender's copy (see copy.lua), 5 its members version, 6 version of its value.
--#include record.lua
--#include identity.lua
--#include copy.lua

-- Lua passes a few thousand arguments at most. What is over is struck the next time.
local CHUNK = 1000

local function gone_sessions()
    local rows = call('HGETALL', members_key)
    local gone, sessions, channels = {}, {}, {}
    local function ask()
        if #channels > 0 then
            local counts = call('PUBSUB', 'NUMSUB', unpack(channels))
            for index, session in ipairs(sessions) do
                if counts[2 * index] == 0 then
                    gone[#gone + 1] = session
                end
            end
        end
        sessions, channels = {}, {}
    end
    for index = 1, #rows, 2 do
        local session, row = rows[index], rows[index + 1]
        local process = string.match(row, '^%d+ (%x+) [01] ')
        if process and string.sub(session, 1, 1) ~= '#' then
            sessions[#sessions + 1] = session
            channels[#channels + 1] = presence_channel(process)
            if #channels == CHUNK then
                ask()
            end
        end
    end
    ask()
    return gone
end

return run(function()
    local epoch = present_epoch()
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0, ARGV[5], ARGV[6])
    end
    read_record()
    local gone = gone_sessions()
    if #gone > 0 then
        local version = next_version()
        call('HDEL', members_key, unpack(gone, 1, math.min(#gone, CHUNK)))
        redis.pcall('HSET', members_key, '#version', version)
        hint()
    end
    return brief(ARGV[3], ARGV[4], ARGV[5]) or answer('OK', epoch, 0, ARGV[5], ARGV[6])
end)
