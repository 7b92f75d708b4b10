-- What the sender has.
CROSS JOIN (
    SELECT $3::bigint AS members_version, $4::bigint AS value_term, $5::bigint AS value_index
) AS q
