-- Said once on every session of our own, never through a pooler, where it would stay with somebody else's: nobody
-- else's time-outs end what waits on purpose, a lock that somebody's transaction holds is not waited for beyond
-- $1 ms, and the server gives a silent peer up after $2 ms. A statement is planned once: its parameters change
-- nothing about the one row that it finds by its key. Settings that a version does not know are left out.
SELECT set_config(wanted.name, wanted.setting, false)
FROM (
    VALUES ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_session_timeout', '0'),
        ('idle_in_transaction_session_timeout', '0'), ('lock_timeout', $1::text),
        ('default_transaction_isolation', 'read committed'), ('default_transaction_read_only', 'off'),
        ('plan_cache_mode', 'force_generic_plan'), ('jit', 'off'),
        ('tcp_user_timeout', $2::text), ('tcp_keepalives_count', '2'),
        ('tcp_keepalives_idle', (($2::bigint + 999) / 1000)::text),
        ('tcp_keepalives_interval', (($2::bigint + 999) / 1000)::text)
) AS wanted (name, setting)
JOIN pg_settings USING (name)
