-- What is called leader_lease: no row, or whether it is a table, as the old package makes it.
SELECT c.relkind IN ('r', 'p') AS is_table
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = 'leader_lease'
