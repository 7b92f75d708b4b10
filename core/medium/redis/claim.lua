-- CLAIM: the record becomes the claimant's if it is still exactly as expected.
--#include record.lua
--#include identity.lua
--#include acquire.lua

return run(function()
    return acquire(function()
        return true
    end)
end)
