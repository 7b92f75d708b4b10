-- What the migration made, taken back: the view if it is one, the ledger unless other elections are in it.
DO $interrex$
BEGIN
    IF EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = {schema_literal} AND c.relname = 'leader_lease' AND c.relkind = 'v'
    ) THEN
        DROP VIEW {schema}.leader_lease;
    END IF;
    IF to_regclass({ledger_literal}) IS NULL THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM {schema}.interrex_ledger WHERE name NOT LIKE 'nest-leader-election:%') THEN
        DROP TABLE {schema}.interrex_ledger;
    END IF;
END
$interrex$;
