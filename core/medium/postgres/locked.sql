-- The row as it stands now, whoever changed it a moment ago, and so until the end. Conditions look at this
-- and not at the table, of which the statement sees an older version where it had to wait. The settings come
-- first, whatever the plan.
locked AS MATERIALIZED (
    SELECT l.* FROM {ledger} AS l WHERE l.name = $2::text AND (SELECT now_us > 0 FROM store) FOR UPDATE
),
