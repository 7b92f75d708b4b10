-- The watch over many: which of these processes have no presence any more? $1 processes. A row for each of
-- them.
SELECT p.process
FROM unnest($1::text[]) AS p (process)
WHERE pg_try_advisory_xact_lock_shared(('x' || right(p.process, 16))::bit(64)::bigint)
