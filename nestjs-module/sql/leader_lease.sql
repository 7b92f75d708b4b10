-- The view leader_lease, for whoever monitored the table of that name: one row for each lock that is held.
-- It is made only where nothing of that name exists: a table may be in use by the old package.
DO $interrex$
BEGIN
    PERFORM pg_advisory_xact_lock(1769109624, 1); -- as schema.sql does: several members start at once
    IF EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = {schema_literal} AND c.relname = 'leader_lease'
    ) THEN
        RETURN;
    END IF;
    CREATE VIEW {schema}.leader_lease AS
    SELECT
        substring(name FROM '^nest-leader-election:(-?[0-9]{1,10})$')::integer AS id,
        label AS leader_id,
        renewed_at + hold_ns / 1000 * interval '1 microsecond' AS expires_at,
        created_at
    FROM {schema}.interrex_ledger
    WHERE name ~ '^nest-leader-election:-?[0-9]{1,10}$' AND incarnation IS NOT NULL AND session <> ''
    OFFSET 0; -- which nobody can write through: the old package would delete what it takes for expired
END
$interrex$;
