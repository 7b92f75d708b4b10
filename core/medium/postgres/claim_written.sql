-- Included by claim.sql and claim_if_gone.sql after `taken`, never run alone. Makes the claimant the holder.
-- `taken` is one row where it may be: the session whose member row goes too, or none. The value stays.
presence AS MATERIALIZED (
    SELECT CASE WHEN $8::text = '' THEN false
        ELSE NOT pg_try_advisory_xact_lock_shared(('x' || right($8::text, 16))::bit(64)::bigint)
    END AS seen
    FROM taken
),
written AS (
    UPDATE {ledger} AS l SET
        format = 1,
        incarnation = $4::text,
        term = CASE WHEN $6::integer = 1 THEN GREATEST($5::bigint, store.now_us / 1000) ELSE $5::bigint END,
        session = $7::text,
        process = $8::text,
        label = $9::text,
        beat = $10::bigint,
        hold_ns = $11::bigint,
        protocol = $12::text,
        takeover = $13::text,
        presence_seen = presence.seen,
        epoch = store.present,
        successor = '',
        renewed_at = to_timestamp(store.now_us / 1000000.0),
        members = CASE WHEN l.members ? taken.struck THEN l.members - taken.struck ELSE l.members END,
        members_version = CASE WHEN l.members ? taken.struck
            THEN GREATEST(l.members_version + 1, store.now_us)
            ELSE l.members_version
        END
    FROM taken, presence, store
    WHERE l.name = $2::text
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
        ELSE 'CONFLICT'
    END,
    store.present,
    0,
--#include record.sql
    NULL, NULL, NULL
--#include answer.sql
