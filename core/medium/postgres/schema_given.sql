-- Not CREATE SCHEMA IF NOT EXISTS, for which one needs the right to create schemas even where it exists.
DO $interrex$
BEGIN
    PERFORM pg_advisory_xact_lock(1769109624, 1);
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {schema_literal}) THEN
        CREATE SCHEMA {schema};
    END IF;
END
$interrex$;
--#include schema.sql
