-- Included by claim.sql and claim_if_gone.sql, never run alone. Decides whether the record is still exactly
-- what the claimant expects.
-- $1 epoch, $2 name, $3 channel of the election, $4 incarnation, $5 term, $6 1 for a first term, $7 session,
-- $8 process or empty, $9 label, $10 beat, $11 hold, $12 protocol, $13 takeover; expected: $14 incarnation,
-- $15 term, $16 session or empty, $17 beat.
--#include store.sql
--#include locked.sql
expected AS MATERIALIZED (
    SELECT locked.session, locked.process, locked.takeover, locked.presence_seen
    FROM locked, store
    WHERE store.present = $1::text AND locked.format = 1
        AND locked.incarnation = $14::text AND locked.term = $15::bigint
        AND locked.session = $16::text AND locked.beat = $17::bigint
),
