-- Totals that have rows, usable or not. Grain: totals.
SELECT totals_seq
FROM usage_totals
GROUP BY totals_seq
ORDER BY totals_seq
