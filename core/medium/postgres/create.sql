-- CREATE: a vacant, never-held record where there is none; the row may be there already, for its members.
-- $1 epoch, $2 name, $3 incarnation, $4 protocol, $5 takeover. A row without a record has none of a record's
-- fields (see schema.sql), so that these are all there is to say.
--#include store.sql
locked AS (
    SELECT l.* FROM {ledger} AS l WHERE l.name = $2::text
),
written AS (
    INSERT INTO {ledger} AS l (name, incarnation, protocol, takeover, epoch, created_at)
    SELECT $2::text, $3::text, $4::text, $5::text, store.present, to_timestamp(store.now_us / 1000000.0)
    FROM store
    WHERE store.present = $1::text
        AND NOT EXISTS (SELECT FROM locked WHERE locked.incarnation IS NOT NULL)
    ON CONFLICT (name) DO UPDATE SET
        incarnation = COALESCE(l.incarnation, excluded.incarnation),
        protocol = CASE WHEN l.incarnation IS NULL THEN excluded.protocol ELSE l.protocol END,
        takeover = CASE WHEN l.incarnation IS NULL THEN excluded.takeover ELSE l.takeover END,
        epoch = CASE WHEN l.incarnation IS NULL THEN excluded.epoch ELSE l.epoch END,
        created_at = CASE WHEN l.incarnation IS NULL THEN excluded.created_at ELSE l.created_at END
    RETURNING l.*
)
SELECT
    0,
    CASE
        WHEN store.present <> $1::text THEN 'EPOCH'
        -- Another incarnation is of one who came in between, and was not to be seen before.
        WHEN (SELECT incarnation = $3::text FROM written) THEN 'OK'
        ELSE 'CONFLICT'
    END,
    store.present,
    0,
--#include record.sql
    NULL, NULL, NULL
--#include answer.sql
