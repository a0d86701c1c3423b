-- How many committed loads have a stored file of that size. Grain: one row.
SELECT count() FROM loads FINAL WHERE status = 'committed' AND size_bytes = {size_bytes:UInt64}
