-- LEAVE: removes the sender's member row.
-- $1 epoch, $2 name, $3 members version, $4 and $5 are not looked at, $6 channel of the election, $7 session.
--#include store.sql
--#include locked.sql
written AS (
    UPDATE {ledger} AS l SET
        members = l.members - $7::text,
        members_version = GREATEST(l.members_version + 1, store.now_us)
    FROM locked, store
    WHERE l.name = locked.name AND store.present = $1::text AND locked.members ? $7::text
    RETURNING l.*
),
hinted AS MATERIALIZED (
    SELECT pg_notify($6::text, ''),
--#include commit.sql
    FROM written
)
SELECT
    0,
    CASE
        WHEN store.present <> $1::text THEN 'EPOCH'
        WHEN (SELECT count(*) FROM hinted) >= 0 THEN 'OK'
    END,
    store.present,
    0,
--#include record.sql
--#include members.sql
    NULL
--#include answer.sql
--#include known.sql
