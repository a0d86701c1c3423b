-- The latest totals. Grain: no row or one.
SELECT totals_seq, toString(timezone) AS timezone, loads, rows, exact_rows, events
FROM totals
ORDER BY totals_seq DESC
LIMIT 1
