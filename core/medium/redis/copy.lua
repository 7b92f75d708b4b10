-- Included, never run alone. Decides whether the copies that the sender has need no more than a word to be
-- current: SAME, or the beat where nothing but that has changed.

-- What is the same in all of these is the same in all the others: they change only together with one of them.
local COPIED = {
    'incarnation', 'term', 'session', 'process', 'hold', 'presence_seen', 'list', 'value_term',
    'value_index', 'beat',
}

-- `key` are those fields of the sender's copy but for the beat, with slashes between, or "" where it has none;
-- `version` is that of its members. Nil where it needs the whole answer.
local function brief(key, beat, version)
    if key == '' or members_version() ~= version then
        return nil
    end
    local found = call('HMGET', record_key, unpack(COPIED))
    for index = 1, #COPIED do
        if not found[index] then
            return nil
        end
    end
    if table.concat(found, '/', 1, #COPIED - 1) ~= key then
        return nil
    end
    if found[#COPIED] == beat then
        return {ok = 'SAME'}
    end
    return tonumber(found[#COPIED])
end
