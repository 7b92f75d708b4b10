-- Included, never run alone. Decides whether this server is still the one that the epoch was drawn for, and
-- draws a fresh epoch where it is not. A replica is refused: what it knows is not the truth.

-- The epoch in force after comparing the store's identity; `fresh` is the one to begin otherwise.
local function identified_epoch(fresh)
    local replication = call('INFO', 'replication')
    if string.match(replication, '\nrole:(%a+)') ~= 'master' then
        stop({err = 'READONLY this server is a replica'})
    end
    local replid = string.match(replication, '\nmaster_replid:(%w+)') or ''
    local run_id = string.match(call('INFO', 'server'), '\nrun_id:(%w+)') or ''
    local stored = call('HMGET', store_key, 'epoch', 'run_id', 'replid')
    if stored[1] and stored[2] == run_id and stored[3] == replid then
        return stored[1]
    end
    call('HSET', store_key, 'epoch', fresh, 'run_id', run_id, 'replid', replid)
    return fresh
end

-- The epoch in force for operations that do not compare the identity. Where it is missing (somebody emptied the
-- store under us) that is a change of the store like any other; the fresh epoch is then made here.
local function present_epoch()
    local epoch = call('HGET', store_key, 'epoch')
    if epoch then
        return epoch
    end
    local time = call('TIME')
    local seed = table.concat({ARGV[2], time[1], time[2], record_key}, '/')
    return identified_epoch(string.sub(redis.sha1hex(seed), 1, 32))
end
