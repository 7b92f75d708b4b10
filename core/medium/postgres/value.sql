    -- The published value, where it is newer than the sender's; values of a later term are later.
    CASE WHEN (a.value_term, a.value_index) > (q.value_term, q.value_index) THEN encode(a.value, 'hex') END
