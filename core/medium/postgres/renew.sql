-- RENEW of one or many. What somebody else has locked is left out and said to be BUSY: one row must not hold
-- up the others.
--#include renew_locked.sql
    SKIP LOCKED
),
skipped (status) AS (VALUES ('BUSY')),
--#include renew_written.sql
