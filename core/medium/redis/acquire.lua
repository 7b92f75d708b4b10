-- Included by claim.lua and claim_if_gone.lua, never run alone. Decides whether the record is still exactly
-- what the claimant expects, and if so makes the claimant its holder.
--
-- ARGV: 3 fresh epoch, 4 incarnation, 5 term, 6 "1" for a first term, 7 session, 8 process, 9 label, 10 beat,
-- 11 hold, 12 protocol, 13 takeover; expected: 14 incarnation, 15 term, 16 session, 17 beat; 18 the sessions that
-- voted, one after another, where the claim is by votes.

local ID = 32 -- characters of a session

-- Votes count against the list that the record carries, whatever the claimant believes it is.
local function is_voted(record, votes)
    local voted, count, voters = {}, 0, #record.voters / ID
    for at = 1, #votes, ID do
        voted[string.sub(votes, at, at + ID - 1)] = true
    end
    for at = 1, #record.voters, ID do
        if voted[string.sub(record.voters, at, at + ID - 1)] then
            count = count + 1
        end
    end
    return count * 2 > voters
end

-- `may_take(record)` is a further condition. With `strikes` the member row of the former holder goes too.
local function acquire(may_take, strikes)
    local epoch = identified_epoch(ARGV[3])
    if epoch ~= ARGV[2] then
        return answer('EPOCH', epoch, 0)
    end
    local record = read_record()
    if not record then
        return answer('ABSENT', epoch, 0)
    end
    local expected = record.ours and record.incarnation == ARGV[14] and
        record.term == ARGV[15] and record.session == ARGV[16] and record.beat == ARGV[17]
    if not expected or not may_take(record) then
        return answer('CONFLICT', epoch, 0)
    end
    if ARGV[18] and not is_voted(record, ARGV[18]) then
        return answer('CONFLICT', epoch, 0)
    end
    local term = ARGV[5]
    if ARGV[6] == '1' then
        local time = call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        term = string.format('%.0f', math.max(tonumber(term), now))
    end
    local seen = is_present(ARGV[8]) and '1' or '0'
    local version = strikes and next_version()
    -- Only an acknowledgement of this very term makes anyone else a voter. The published value stays.
    local quorum = ARGV[12] == 'quorum'
    call('HSET', record_key, 'format', FORMAT, 'incarnation', ARGV[4], 'term', term, 'session',
        ARGV[7], 'process', ARGV[8], 'label', ARGV[9], 'beat', ARGV[10], 'hold', ARGV[11],
        'protocol', ARGV[12], 'takeover', ARGV[13], 'presence_seen', seen, 'epoch', epoch,
        'successor', '', 'list', quorum and '1' or '0', 'voters', quorum and ARGV[7] or '')
    if version and redis.pcall('HDEL', members_key, record.session) == 1 then
        redis.pcall('HSET', members_key, '#version', version)
    end
    hint()
    return answer('OK', epoch, 0)
end
