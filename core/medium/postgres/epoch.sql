        -- A restart, a promotion, a restored copy and a table made anew each give another one, and nothing
        -- has to be written for it.
        substr(encode(sha256(convert_to(concat_ws('/',
            (SELECT system_identifier FROM pg_control_system()),
            substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), -- the timeline
            (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
            ledger), 'UTF8')), 'hex'), 1, 32)
