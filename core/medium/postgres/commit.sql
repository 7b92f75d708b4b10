        -- NOTIFY takes a lock at the commit, which everybody in the database takes, until what another one commits
        -- is on its disk, and its standby's: a moment longer than what somebody's transaction may keep a row. All
        -- rows are locked by now; only what follows in one transaction waits as long for its own.
        CASE WHEN current_setting('lock_timeout')::interval < '250 ms'
            THEN set_config('lock_timeout', '250ms', true)
        END
