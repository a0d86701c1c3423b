-- What must be in each table, by both copies of the record, and the number of the last count that either holds. No row at
-- all: the record is lost. Grain: table.
SELECT
    toString(table_name) AS table_name,
    max(stored_rows) AS stored_rows,
    max(versions) AS versions,
    max(parts).2 AS parts,
    maxIf(counted, copy = 1) AS counted_first,
    maxIf(counted, copy = 2) AS counted_second,
    countIf(copy = 1) > 0 AS in_first,
    countIf(copy = 2) > 0 AS in_second
FROM
(
    SELECT table_name, stored_rows, versions, parts, counted, 1 AS copy FROM expected_rows
    UNION ALL
    SELECT table_name, stored_rows, versions, parts, counted, 2 AS copy FROM expected_rows_copy
)
GROUP BY table_name
ORDER BY table_name
