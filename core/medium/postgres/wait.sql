-- The watch: ends when the process's presence does, or with lock_timeout. $1 key of its presence.
SELECT 1 FROM pg_advisory_xact_lock_shared($1::bigint)
