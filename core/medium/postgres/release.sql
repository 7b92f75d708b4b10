-- RELEASE: the holder vacates the record and names a successor; the record stays, with its term and its beat,
-- so that no token is handed out twice. The member row goes, where that is asked for, whatever became of the
-- record.
-- $1 epoch, $2 name, $3 channel of the election, $4 incarnation, $5 term, $6 session, $7 successor or empty,
-- $8 1 to remove the member row too.
--#include store.sql
--#include locked.sql
decided AS MATERIALIZED (
    SELECT
        (
--#include own.sql
        ) IS TRUE AS own,
        $8::integer = 1 AND locked.members ? $6::text AS leaves
    FROM locked, store
    WHERE store.present = $1::text
),
written AS (
    UPDATE {ledger} AS l SET
        session = CASE WHEN own THEN '' ELSE l.session END,
        process = CASE WHEN own THEN '' ELSE l.process END,
        label = CASE WHEN own THEN '' ELSE l.label END,
        presence_seen = NOT own AND l.presence_seen,
        successor = CASE WHEN own THEN $7::text ELSE l.successor END,
        members = CASE WHEN leaves THEN l.members - $6::text ELSE l.members END,
        members_version = CASE WHEN leaves
            THEN GREATEST(l.members_version + 1, store.now_us)
            ELSE l.members_version
        END
    FROM decided, store
    WHERE l.name = $2::text AND (own OR leaves)
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
        WHEN (SELECT count(*) FROM hinted) > 0 AND (SELECT own FROM decided) THEN 'OK'
        WHEN a.incarnation IS NULL THEN 'ABSENT'
        ELSE 'STALE'
    END,
    store.present,
    0,
--#include record.sql
    NULL, NULL, NULL
--#include answer.sql
