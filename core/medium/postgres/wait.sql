-- The watch: ends when the process's presence does, answering t, or with lock_timeout, answering f. {key} is that of
-- its presence, a number. The time-out is caught here: as an error it would be written to the server's log, round
-- after round. What ends is one transaction, and nothing of it stays locked.
DO $interrex$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({key});
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$interrex$;
SELECT pg_try_advisory_xact_lock_shared({key})
