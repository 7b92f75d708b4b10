-- STRIKE of one or many: removes the rows of members whose presence ended. Members without a process have none to
-- end. Where there is none to remove it locks nothing and is answered as a READ is. A row that somebody holds is
-- left for the next time: it must not hold up the others.
-- $1 epoch; of each election: $2 name, $3 members version, $4 term and $5 index of the published value, $6 channel.
--#include store.sql
q AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
        WITH ORDINALITY AS q (name, members_version, value_term, value_index, channel, index)
),
-- One look at all locks, whatever the number of members.
gone AS MATERIALIZED (
    SELECT l.name, m.key, m.value
    FROM store, {ledger} AS l, jsonb_each_text(l.members) AS m
    WHERE l.name = ANY ($2::text[]) AND store.present = $1::text AND m.value ~ '^[0-9]+ [0-9a-f]{32} [01] '
        AND right(split_part(m.value, ' ', 2), 16) NOT IN (
            SELECT lpad(to_hex(k.classid::bigint), 8, '0') || lpad(to_hex(k.objid::bigint), 8, '0')
            FROM pg_locks AS k
            WHERE k.locktype = 'advisory' AND k.mode = 'ExclusiveLock' AND k.granted AND k.objsubid = 1
                AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
),
locked AS MATERIALIZED (
    SELECT l.* FROM {ledger} AS l WHERE l.name IN (SELECT gone.name FROM gone) FOR UPDATE SKIP LOCKED
),
-- Not the row of one that came back under another process meanwhile.
struck AS MATERIALIZED (
    SELECT locked.name, array_agg(gone.key) AS sessions
    FROM locked JOIN gone ON gone.name = locked.name AND locked.members ->> gone.key = gone.value
    GROUP BY locked.name
),
written AS (
    UPDATE {ledger} AS l SET
        members = l.members - struck.sessions,
        members_version = GREATEST(l.members_version + 1, store.now_us)
    FROM struck, store
    WHERE l.name = struck.name
    RETURNING l.*
),
hinted AS MATERIALIZED (
    SELECT pg_notify(q.channel, ''),
--#include commit.sql
    FROM written JOIN q ON q.name = written.name
)
SELECT
    q.index - 1,
    CASE
        WHEN store.present <> $1::text THEN 'EPOCH'
        WHEN (SELECT count(*) FROM hinted) >= 0 THEN 'OK'
    END,
    store.present,
    0,
--#include record.sql
--#include members.sql
--#include value.sql
FROM store CROSS JOIN q LEFT JOIN (
    SELECT * FROM written
    UNION ALL
    SELECT * FROM locked WHERE NOT EXISTS (SELECT FROM written WHERE written.name = locked.name)
    UNION ALL
    SELECT l.* FROM {ledger} AS l
    WHERE l.name = ANY ($2::text[]) AND NOT EXISTS (SELECT FROM locked WHERE locked.name = l.name)
) AS a ON a.name = q.name
ORDER BY q.index
