-- STRIKE: removes the rows of members whose presence ended. Members without a process have none to end. Where
-- there is none to remove it locks nothing and is answered as a READ is.
-- $1 epoch, $2 name, $3 members version, $4 term and $5 index of the published value, $6 channel of the
-- election.
--#include store.sql
-- One look at all locks, whatever the number of members.
gone AS MATERIALIZED (
    SELECT m.key, m.value
    FROM store, {ledger} AS l, jsonb_each_text(l.members) AS m
    WHERE l.name = $2::text AND store.present = $1::text AND m.value ~ '^\d+ [0-9a-f]{32} [01] '
        AND right(split_part(m.value, ' ', 2), 16) NOT IN (
            SELECT lpad(to_hex(k.classid::bigint), 8, '0') || lpad(to_hex(k.objid::bigint), 8, '0')
            FROM pg_locks AS k
            WHERE k.locktype = 'advisory' AND k.mode = 'ExclusiveLock' AND k.granted AND k.objsubid = 1
                AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
),
locked AS MATERIALIZED (
    SELECT l.* FROM {ledger} AS l WHERE l.name = $2::text AND EXISTS (SELECT FROM gone) FOR UPDATE
),
-- Not the row of one that came back under another process meanwhile.
struck AS MATERIALIZED (
    SELECT array_agg(gone.key) AS sessions
    FROM locked JOIN gone ON locked.members ->> gone.key = gone.value
    HAVING count(*) > 0
),
written AS (
    UPDATE {ledger} AS l SET
        members = l.members - struck.sessions,
        members_version = GREATEST(l.members_version + 1, store.now_us)
    FROM struck, store
    WHERE l.name = $2::text
    RETURNING l.*
),
hinted AS MATERIALIZED (
    SELECT pg_notify($6::text, '') FROM written
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
--#include value.sql
FROM store
LEFT JOIN (
    SELECT * FROM written
    UNION ALL
    SELECT * FROM locked WHERE NOT EXISTS (SELECT FROM written)
    UNION ALL
    SELECT l.* FROM {ledger} AS l WHERE l.name = $2::text AND NOT EXISTS (SELECT FROM locked)
) AS a ON true
--#include known.sql
