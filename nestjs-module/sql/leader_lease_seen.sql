-- A lock of the old package: who holds it, until when, and whether that is yet to come.
SELECT leader_id, expires_at::text AS until, expires_at > now() AS alive
FROM {schema}.leader_lease
WHERE id = $1
