-- JOIN: writes the sender's member row. A row that is there keeps its number, a sender that brings its own
-- gets it back, anyone else gets the next. A full table gives up a row without a process, of which nobody can
-- tell whether its member lives: behind a pooler all rows are such, and those of the dead would fill it for good.
-- The next one after the newcomer's session, so that it is not always the same one; a living member that loses
-- its row joins again.
-- $1 epoch, $2 name, $3 members version, $4 term and $5 index of the published value, $6 channel of the
-- election if the others are to be told of a row that changed, else null, $7 session, $8 join number or 0, $9
-- the row but for that number (process or -, 0 or 1, meta in hexadecimal or -, label), $10 most members.
--#include store.sql
written AS (
    INSERT INTO {ledger} AS l (name, members, joins, members_version)
    SELECT $2::text, jsonb_build_object($7::text, number || ' ' || $9::text), number, store.now_us
    FROM store, (SELECT GREATEST($8::bigint, 1) AS number) AS first
    WHERE store.present = $1::text
    -- Always written, even if nothing is new: only so is the row, as it stands, there to be answered.
    ON CONFLICT (name) DO UPDATE SET (members, joins, members_version) = (
        SELECT
            CASE WHEN changes THEN l.members - COALESCE(given_up, '') || jsonb_build_object($7::text, put)
                ELSE l.members
            END,
            CASE WHEN changes THEN GREATEST(l.joins, number) ELSE l.joins END,
            CASE WHEN changes THEN GREATEST(l.members_version + 1, excluded.members_version)
                ELSE l.members_version
            END
        FROM (
            SELECT number, put, given_up, put IS DISTINCT FROM l.members ->> $7::text AND
                (NOT needs_room OR given_up IS NOT NULL) AS changes
            FROM (
                SELECT number, number || ' ' || $9::text AS put, needs_room, CASE WHEN needs_room THEN (
                    SELECT m.key FROM jsonb_each_text(l.members) AS m WHERE split_part(m.value, ' ', 2) = '-'
                    ORDER BY m.key COLLATE "C" < $7::text, m.key COLLATE "C" LIMIT 1
                ) END AS given_up
                FROM (
                    SELECT COALESCE(
                        substring(l.members ->> $7::text FROM '^([0-9]{1,15}) ')::bigint,
                        NULLIF($8::bigint, 0),
                        l.joins + 1) AS number,
                        NOT l.members ? $7::text AND
                            (SELECT count(*) FROM jsonb_object_keys(l.members)) >= $10::bigint AS needs_room
                ) AS numbered
            ) AS row_to_put
        ) AS decided
    )
    RETURNING l.*
),
locked AS (
    SELECT l.* FROM {ledger} AS l, store WHERE l.name = $2::text AND store.present <> $1::text
),
-- A version of this moment or later is this statement's, or of a clock that went back: one hint too many.
hinted AS MATERIALIZED (
    SELECT pg_notify($6::text, ''),
--#include commit.sql
    FROM written, store
    WHERE $6::text IS NOT NULL AND written.members_version >= store.now_us
)
SELECT
    0,
    CASE
        WHEN store.present <> $1::text THEN 'EPOCH'
        WHEN NOT a.members ? $7::text THEN 'FULL'
        WHEN (SELECT count(*) FROM hinted) >= 0 THEN 'OK'
    END,
    store.present,
    COALESCE(substring(written.members ->> $7::text FROM '^([0-9]{1,15}) ')::bigint, 0),
--#include record.sql
--#include members.sql
--#include value.sql
--#include answer.sql
--#include known.sql
LEFT JOIN written ON true
