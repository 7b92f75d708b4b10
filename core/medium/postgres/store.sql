-- Included first by every operation, never run alone. Decides under which epoch the store is, what time it
-- is, that a commit is on the server's own disk before it is told, and that nothing waits for somebody's lock
-- without end: behind a pooler no session has our settings, and what waits there would do so when its sender
-- is long gone. MATERIALIZED: all of it once, in any plan. The table is looked up when this is carried out and
-- its lock is held (a literal would be when it is parsed): while it waited, another one may have taken its place.
WITH store AS MATERIALIZED (
    SELECT
--#include epoch.sql
        AS present,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us,
        CASE WHEN current_setting('synchronous_commit') = 'off'
            THEN set_config('synchronous_commit', 'local', true)
        END AS synchronous_commit,
        CASE WHEN current_setting('lock_timeout') = '0' THEN set_config('lock_timeout', '250ms', true)
        END AS lock_timeout
    FROM (SELECT to_regclass({literal})::oid AS ledger) AS named
),
