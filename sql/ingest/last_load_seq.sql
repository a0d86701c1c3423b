-- The highest number of a load; 0 where there is none. Grain: one row.
SELECT max(load_seq) FROM loads
