-- Said before the schema, in one transaction with it: another connection that makes the table just now is waited
-- for, and so is the disk, whatever a session of ours waits for a lock otherwise.
SELECT set_config('lock_timeout', '0', true);
