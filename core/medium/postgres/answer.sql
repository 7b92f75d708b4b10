-- The row as it stands after the operation.
FROM store
LEFT JOIN (
    SELECT * FROM written UNION ALL SELECT * FROM locked WHERE NOT EXISTS (SELECT FROM written)
) AS a ON true
