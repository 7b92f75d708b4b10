-- PUBLISH: the holder's value for everybody, with the version after the stored one. It outlives the term.
-- $1 epoch, $2 name, $3 channel of the election, $4 incarnation, $5 term, $6 session, $7 value in
-- hexadecimal, $8 term and $9 index of the published value that the sender has.
--#include store.sql
--#include locked.sql
written AS (
    UPDATE {ledger} AS l SET
        value = decode($7::text, 'hex'),
        value_term = locked.term,
        value_index = CASE WHEN locked.value_term = locked.term THEN locked.value_index + 1 ELSE 1 END
    FROM locked, store
    WHERE l.name = locked.name AND store.present = $1::text AND
--#include own.sql
    RETURNING l.*
),
hinted AS MATERIALIZED (
    SELECT pg_notify($3::text, ''),
--#include commit.sql
    FROM written
)
SELECT
    0,
    CASE
        WHEN store.present <> $1::text THEN 'EPOCH'
        WHEN (SELECT count(*) FROM hinted) > 0 THEN 'OK'
        WHEN a.incarnation IS NULL THEN 'ABSENT'
        ELSE 'STALE'
    END,
    store.present,
    0,
--#include record.sql
    NULL, NULL,
    -- The sender has its own.
    CASE WHEN NOT EXISTS (SELECT FROM written) AND (a.value_term, a.value_index) > ($8::bigint, $9::bigint)
        THEN encode(a.value, 'hex')
    END
--#include answer.sql
