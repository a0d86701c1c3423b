-- Marks the given loads as rolled up: their usage_daily rows are complete. One block, so all of them or none.
INSERT INTO rollups (load_seq, timezone, rows, events, rolled_at)
SELECT load_seq, {timezone:String}, daily_rows, events, {now:DateTime64(3, 'UTC')}
FROM rolled_loads
