-- Shared by all operations; included, never run alone. Decides how a record, the member table and the
-- epoch are found and answered. It writes nothing.
--
-- KEYS[1] is the record, ARGV[1] the namespace, ARGV[2] the sender's epoch. Every answer is
-- {status, epoch, join, record or nil, members version or nil, members or nil, published value or nil}.
--
-- A script makes all its checks first and then one decisive write; what follows that write (PUBLISH, a
-- second key) goes through redis.pcall and may fail. So an error reply says: surely not applied.

local FORMAT = 1
local FIELDS = {
    'format', 'incarnation', 'term', 'session', 'process', 'label', 'beat', 'hold', 'protocol',
    'takeover', 'presence_seen', 'epoch', 'successor', 'value_term', 'value_index', 'list',
    'voters',
}
local record_key = KEYS[1]
local members_key = record_key .. ':members'
local namespace = ARGV[1]
local store_key = namespace .. ':store'

-- Ends the script with this reply, from any depth.
local function stop(reply)
    error({reply = reply}, 0)
end

local function run(body)
    local done, result = pcall(body)
    if done then
        return result
    end
    if type(result) == 'table' and result.reply then
        return result.reply
    end
    error(result, 0)
end

-- As redis.call; a refusal ends the script with the server's own words, a key of another type with its name.
local function call(...)
    local reply = redis.pcall(...)
    if type(reply) == 'table' and reply.err then
        if string.find(reply.err, 'WRONGTYPE', 1, true) then
            stop({'FOREIGN', (select(2, ...)), 'it is not a hash'})
        end
        -- Redis 6.2 puts the place in the script before its words.
        stop({err = (string.gsub(reply.err, '^@user_script: ?%d+: %-?', ''))})
    end
    return reply
end

-- A table by field name with the list under `fields`, or nil where there is no record.
local function read_record()
    local list = call('HMGET', record_key, unpack(FIELDS))
    if not list[1] then
        if call('EXISTS', record_key) == 1 then
            stop({'FOREIGN', record_key, 'it has no field "format"'})
        end
        return nil
    end
    local record = {fields = list, ours = tonumber(list[1]) == FORMAT}
    for index, field in ipairs(FIELDS) do
        record[field] = list[index]
        record.ours = record.ours and list[index] ~= false
    end
    return record
end

local function members_version()
    return call('HGET', members_key, '#version') or '0'
end

-- Is the published value newer than "term/index", which the sender has? Values of a later term are later.
local function is_newer(record, known)
    local term, index = string.match(known, '^(%d+)/(%d+)$')
    local stored_term, stored_index = tonumber(record.value_term), tonumber(record.value_index)
    if not term or not stored_term or not stored_index then
        return false
    end
    term, index = tonumber(term), tonumber(index)
    return stored_term > term or stored_term == term and stored_index > index
end

-- `known` is the members version that the sender has, `value_known` the version of its published value; nil
-- leaves the table, or the value, out.
local function answer(status, epoch, join, known, value_known)
    local record = read_record()
    local version, rows, value = false, false, false
    if known then
        version = members_version()
        if version ~= known then
            rows = call('HGETALL', members_key)
        end
    end
    if record and record.ours and value_known and is_newer(record, value_known) then
        value = call('HGET', record_key, 'value')
    end
    return {status, epoch, join, record and record.fields or false, version, rows, value}
end

-- Grows with every change and does not begin anew when the table was lost.
local function next_version()
    local time = call('TIME')
    local now = time[1] * 1000000 + time[2]
    return string.format('%.0f', math.max(now, tonumber(members_version()) + 1))
end

local function presence_channel(process)
    return namespace .. ':presence:' .. process
end

local function is_present(process)
    return process ~= '' and call('PUBSUB', 'NUMSUB', presence_channel(process))[2] > 0
end

-- Tells the others that something changed; they read. Not being able to is no failure.
local function hint()
    redis.pcall('PUBLISH', record_key .. ':changed', '')
end
