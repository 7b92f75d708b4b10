-- Included by renew.sql and renew_one.sql after `locked` and `skipped`, never run alone: the holder's next
-- beat. Nobody is told: a NOTIFY would hold a lock on the whole database until the commit is on disk. A presence
-- that this record has seen stays seen: a renewal may land after the death of who sent it, and must not hide it.
presence AS MATERIALIZED (
    SELECT p.process, CASE WHEN p.process = '' THEN false
        ELSE NOT pg_try_advisory_xact_lock_shared(('x' || right(p.process, 16))::bit(64)::bigint)
    END AS seen
    FROM (SELECT DISTINCT q.process FROM q) AS p
),
written AS (
    UPDATE {ledger} AS l SET
        beat = q.beat,
        hold_ns = q.hold_ns,
        process = q.process,
        presence_seen = presence.seen OR (locked.presence_seen AND locked.process = q.process),
        renewed_at = to_timestamp(store.now_us / 1000000.0)
    FROM locked, q, presence, store
    WHERE l.name = locked.name AND q.name = locked.name AND presence.process = q.process
        AND store.present = $1::text AND locked.format = 1 AND locked.incarnation = q.incarnation
        AND locked.term = q.term AND locked.session = q.session AND locked.session <> ''
        AND locked.beat < q.beat
    RETURNING l.*, q.index
)
SELECT
    q.index - 1,
    CASE
        WHEN store.present <> $1::text THEN 'EPOCH'
        WHEN a.index = q.index THEN 'OK'
        WHEN a.name IS NULL AND EXISTS (SELECT FROM {ledger} AS l WHERE l.name = q.name) THEN skipped.status
        WHEN a.incarnation IS NULL THEN 'ABSENT'
        ELSE 'STALE'
    END,
    store.present,
    0,
--#include record.sql
    NULL, NULL, NULL
FROM store CROSS JOIN skipped CROSS JOIN q
LEFT JOIN (
    SELECT * FROM written
    UNION ALL
    SELECT locked.*, NULL FROM locked
    WHERE NOT EXISTS (SELECT FROM written WHERE written.name = locked.name)
) AS a ON a.name = q.name
ORDER BY q.index
