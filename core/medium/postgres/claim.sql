-- CLAIM: the record becomes the claimant's if it is still exactly as expected.
--#include claim_expected.sql
taken AS MATERIALIZED (
    SELECT NULL::text AS struck FROM expected
),
--#include claim_written.sql
