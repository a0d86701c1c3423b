-- When the newest event occurred of those that count, and how many loads have any. Grain: one row.
SELECT max(occurred_to) AS newest, count() AS loads
FROM loads FINAL
WHERE status = 'committed' AND rows_loaded > 0
