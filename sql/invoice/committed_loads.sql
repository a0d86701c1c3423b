-- The loads that count, in one array, ascending. Grain: one row.
SELECT groupArray(load_seq)
FROM (SELECT load_seq FROM counted_loads ORDER BY load_seq)
