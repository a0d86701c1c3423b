-- Removes rows of usage_daily that a killed rollup left: rows of these loads, which no row of rollups speaks of.
-- on: shards
DELETE FROM usage_daily
WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
