    -- The member table, a line for each row, where the sender has another version of it.
    COALESCE(a.members_version, 0),
    CASE WHEN COALESCE(a.members_version, 0) <> q.members_version THEN COALESCE(
        (SELECT string_agg(m.key || ' ' || m.value, E'\n') FROM jsonb_each_text(a.members) AS m), '')
    END,
