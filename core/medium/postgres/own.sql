        -- The sender leads this very term, and the record is not of a newer format.
        locked.format = 1 AND locked.incarnation = $4::text AND locked.term = $5::bigint
        AND locked.session = $6::text AND locked.session <> ''
