-- Run once on every new connection: is this a server that takes writes, is the table there, ours, and may we
-- use it? It works before there is a table, on a standby, and without any right.
-- Answers epoch or null, the table's number or null, on a standby, fsync, process of the server, what is
-- missing or null, the statement that gives our role what it needs: to use the table or, where there is none, to
-- make it.
-- Where no schema is named and none of the search_path may be used, it is there all the same, public by default.
WITH place AS MATERIALIZED (
    SELECT CASE WHEN {schema_literal} = '' THEN COALESCE(current_schema(), 'public') ELSE {schema_literal} END
        AS schema
),
named AS MATERIALIZED (
    SELECT CASE WHEN {schema_literal} = '' AND current_schema() IS NOT NULL THEN to_regclass({literal})::oid
        ELSE (
            SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = place.schema AND c.relname = {table_literal}
        ) END AS ledger
    FROM place
),
needed (at, name, type) AS (
    VALUES (1, 'name', 'text'), (2, 'format', 'integer'), (3, 'incarnation', 'text'), (4, 'term', 'bigint'),
        (5, 'session', 'text'), (6, 'process', 'text'), (7, 'label', 'text'), (8, 'beat', 'bigint'),
        (9, 'hold_ns', 'bigint'), (10, 'protocol', 'text'), (11, 'takeover', 'text'),
        (12, 'presence_seen', 'boolean'), (13, 'epoch', 'text'), (14, 'successor', 'text'),
        (15, 'value_term', 'bigint'), (16, 'value_index', 'bigint'), (17, 'value', 'bytea'),
        (18, 'members', 'jsonb'), (19, 'joins', 'bigint'), (20, 'members_version', 'bigint'),
        (21, 'renewed_at', 'timestamp with time zone'), (22, 'created_at', 'timestamp with time zone')
),
missing (at, what) AS (
    SELECT needed.at, 'column ' || needed.name FROM needed, named
    WHERE NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = named.ledger AND a.attname = needed.name AND NOT a.attisdropped
            AND format_type(a.atttypid, NULL) = needed.type
    )
    UNION ALL
    SELECT 0, 'USAGE' FROM named JOIN pg_class AS c ON c.oid = named.ledger
    WHERE NOT has_schema_privilege(c.relnamespace, 'USAGE')
    UNION ALL
    SELECT 30 + at, privilege FROM named,
        unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) WITH ORDINALITY AS p (privilege, at)
    WHERE NOT has_table_privilege(named.ledger, privilege)
)
SELECT
    CASE WHEN named.ledger IS NOT NULL AND NOT pg_is_in_recovery() THEN
--#include epoch.sql
    END,
    named.ledger,
    pg_is_in_recovery()::integer,
    (current_setting('fsync') = 'on')::integer,
    pg_backend_pid(),
    (SELECT what FROM missing WHERE named.ledger IS NOT NULL ORDER BY at LIMIT 1),
    CASE
        WHEN present.relname IS NOT NULL AND NOT has_schema_privilege(present.relnamespace, 'USAGE')
            THEN format('GRANT USAGE ON SCHEMA %I TO %I', present.nspname, current_user)
        WHEN present.relname IS NOT NULL
            THEN format('GRANT SELECT, INSERT, UPDATE ON %I.%I TO %I', present.nspname, present.relname,
                current_user)
        WHEN space.oid IS NULL
            THEN format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user)
        ELSE format('GRANT %s ON SCHEMA %I TO %I',
            CASE WHEN has_schema_privilege(space.oid, 'USAGE') THEN 'CREATE' ELSE 'USAGE, CREATE' END,
            place.schema, current_user)
    END
FROM named
CROSS JOIN place
LEFT JOIN pg_namespace AS space ON space.nspname = place.schema
LEFT JOIN (
    SELECT c.oid, c.relname, c.relnamespace, n.nspname
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
) AS present ON present.oid = named.ledger
