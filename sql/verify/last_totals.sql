-- The latest totals and the loads that they are made of. Grain: no row or one.
SELECT totals_seq, toString(timezone) AS timezone, loads, rows
FROM totals
ORDER BY totals_seq DESC
LIMIT 1
