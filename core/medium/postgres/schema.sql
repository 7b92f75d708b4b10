-- One row for each election: its record, its published value and its member table, so that an operation is
-- one UPDATE of one row. Many may run this at once, and again.
SELECT pg_advisory_xact_lock(1769109624, 1);
CREATE TABLE IF NOT EXISTS {ledger} (
    name text PRIMARY KEY,
    -- The record. A row without an incarnation has none: it is there for its members alone.
    format integer NOT NULL DEFAULT 1 CHECK (format > 0),
    incarnation text CHECK (length(incarnation) = 32),
    term bigint NOT NULL DEFAULT 0 CHECK (term BETWEEN 0 AND 9007199254740991),
    session text NOT NULL DEFAULT '' CHECK (length(session) IN (0, 32)),
    process text NOT NULL DEFAULT '' CHECK (length(process) IN (0, 32)),
    label text NOT NULL DEFAULT '',
    beat bigint NOT NULL DEFAULT 0 CHECK (beat BETWEEN 0 AND 9007199254740991),
    hold_ns bigint NOT NULL DEFAULT 0 CHECK (hold_ns >= 0),
    protocol text NOT NULL DEFAULT 'lease',
    takeover text NOT NULL DEFAULT 'fast',
    presence_seen boolean NOT NULL DEFAULT false,
    epoch text NOT NULL DEFAULT '',
    successor text NOT NULL DEFAULT '' CHECK (length(successor) IN (0, 32)),
    -- The published value and its version.
    value_term bigint NOT NULL DEFAULT 0,
    value_index bigint NOT NULL DEFAULT 0,
    value bytea,
    -- The members: "session": "join-number process-or-dash candidate meta-or-dash label".
    members jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(members) = 'object'),
    joins bigint NOT NULL DEFAULT 0,
    members_version bigint NOT NULL DEFAULT 0,
    -- For people and for monitoring; never compared.
    renewed_at timestamptz,
    created_at timestamptz,
    CHECK (incarnation IS NOT NULL OR (term, beat, session, process, value_term) = (0, 0, '', '', 0)),
    CHECK ((value IS NULL) = (value_term = 0) AND (value_index = 0) = (value_term = 0))
) WITH (
    fillfactor = 50, -- room on the page for the next version of a row, so that no index is touched
    toast_tuple_target = 1024, -- a long member table and the value lie elsewhere: no renewal copies them
    vacuum_truncate = off, -- which would lock everybody out for a moment
    toast.vacuum_truncate = off
);
