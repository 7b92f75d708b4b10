-- Run once on every new connection for commands: compares the store's identity, gives the epoch, and tries
-- what a claim will need, so that a missing right is told now and not in an election.
-- KEYS[1] is the store's identity. ARGV: 1 namespace, 2 fresh epoch.
-- Answers {epoch, version, maxmemory, eviction policy, cluster enabled}.
--#include record.lua
--#include identity.lua

return run(function()
    local epoch = identified_epoch(ARGV[2])
    is_present('none')
    call('PUBLISH', presence_channel('none'), '')
    call('TIME')
    call('EXISTS', store_key)
    call('HGET', store_key, 'epoch')
    call('HGETALL', store_key)
    call('HLEN', store_key)
    call('HDEL', store_key, 'none')
    local memory = call('INFO', 'memory')
    local cluster = call('INFO', 'cluster')
    return {
        epoch,
        string.match(call('INFO', 'server'), '\nredis_version:([%d.]+)') or '',
        string.match(memory, '\nmaxmemory:(%d+)') or '0',
        string.match(memory, '\nmaxmemory_policy:([%w-]+)') or '',
        string.match(cluster, '\ncluster_enabled:(%d)') or '0',
    }
end)
