-- READ of one or many: the record and, where the sender's copies are old, the member table and the published
-- value. It locks nothing and writes nothing.
-- $1 epoch; of each election: $2 name, $3 members version, $4 term and $5 index of the published value.
--#include store.sql
q AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
        WITH ORDINALITY AS q (name, members_version, value_term, value_index, index)
)
SELECT
    q.index - 1,
    CASE WHEN store.present <> $1::text THEN 'EPOCH' WHEN a.incarnation IS NULL THEN 'ABSENT' ELSE 'OK' END,
    store.present,
    0,
--#include record.sql
--#include members.sql
--#include value.sql
FROM store CROSS JOIN q LEFT JOIN {ledger} AS a ON a.name = q.name
ORDER BY q.index
