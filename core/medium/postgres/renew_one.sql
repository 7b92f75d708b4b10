-- RENEW of what was busy: it waits for whoever holds the row.
--#include renew_locked.sql
),
skipped (status) AS (VALUES ('ABSENT')), -- it was there and is not any more
--#include renew_written.sql
