-- CLAIM_IF_GONE: as CLAIM, and only if the holder lets itself be taken over fast, this store has seen its
-- presence, and sees now that it ended. The holder's member row goes with it: the next deputy must not wait
-- behind the dead.
--#include record.lua
--#include identity.lua
--#include acquire.lua

return run(function()
    return acquire(function(record)
        return record.takeover == 'fast' and record.presence_seen == '1' and
            record.process ~= '' and not is_present(record.process)
    end, true)
end)
