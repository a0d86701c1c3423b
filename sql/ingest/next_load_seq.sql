-- The number of the next load. Grain: one row.
SELECT max(load_seq) + 1 FROM loads
