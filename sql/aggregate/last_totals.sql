-- The latest totals, and how many of their rows are there. Grain: no row or one.
SELECT totals_seq, toString(timezone) AS timezone, loads, rows, exact_rows, events,
    (SELECT count() FROM usage_totals WHERE totals_seq = (SELECT max(totals_seq) FROM totals)) AS stored_rows
FROM totals
ORDER BY totals_seq DESC
LIMIT 1
