-- A message to everybody at an election, or to one process: that is told only what it is there to hear.
-- $1 channel, $2 payload, $3 key of the process's presence, or null for everybody. Answers t if it left, else
-- f.
WITH receiver AS MATERIALIZED (
    SELECT CASE WHEN $3::bigint IS NULL THEN true
        ELSE NOT pg_try_advisory_xact_lock_shared($3::bigint)
    END AS present,
--#include commit.sql
)
SELECT count(pg_notify($1::text, $2::text)) > 0 FROM receiver WHERE present
