-- The watch: which of these processes have no presence any more? It changes nothing, and says no more than it
-- has to: it is asked many times a second.
-- ARGV: 1 what the name of a presence channel begins with, 2 and on the processes. Answers those that are gone.

-- Lua passes a few thousand arguments at most.
local CHUNK = 1000

local gone = {}
for first = 2, #ARGV, CHUNK do
    local channels = {}
    for at = first, math.min(first + CHUNK - 1, #ARGV) do
        channels[#channels + 1] = ARGV[1] .. ARGV[at]
    end
    local counts = redis.call('PUBSUB', 'NUMSUB', unpack(channels))
    for index = 1, #channels do
        if counts[2 * index] == 0 then
            gone[#gone + 1] = ARGV[first + index - 1]
        end
    end
end
return gone
