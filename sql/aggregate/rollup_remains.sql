-- Those of the given loads that have rows in usage_daily. Grain: load.
SELECT DISTINCT load_seq
FROM usage_daily
WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
ORDER BY load_seq
