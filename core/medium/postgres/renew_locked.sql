-- Included by renew.sql and renew_one.sql, never run alone: the questions, and the rows that they are about.
-- $1 epoch; of each election: $2 name, $3 incarnation, $4 term, $5 session, $6 beat, $7 hold, $8 process or
-- empty.
--#include store.sql
q AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[],
            $8::text[])
        WITH ORDINALITY AS q (name, incarnation, term, session, beat, hold_ns, process, index)
),
locked AS MATERIALIZED (
    SELECT l.* FROM {ledger} AS l
    WHERE l.name = ANY ($2::text[]) AND (SELECT now_us > 0 FROM store) -- whose settings come first
    ORDER BY l.name
    FOR UPDATE
