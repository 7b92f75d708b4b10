-- CLAIM_IF_GONE: as CLAIM, and only if the holder lets itself be taken over fast, this store has seen its
-- presence, and sees now that it ended. The holder's member row goes with it: the next deputy must not wait
-- behind the dead.
--#include claim_expected.sql
taken AS MATERIALIZED (
    SELECT expected.session AS struck
    FROM expected
    -- Only a CASE is sure to be evaluated in this order.
    WHERE CASE WHEN expected.takeover = 'fast' AND expected.presence_seen
            AND expected.session <> '' AND expected.process ~ '^[0-9a-f]{32}$'
        THEN pg_try_advisory_xact_lock_shared(('x' || right(expected.process, 16))::bit(64)::bigint)
        ELSE false
    END
),
--#include claim_written.sql
