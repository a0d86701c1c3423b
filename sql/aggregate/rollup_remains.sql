-- Those of the given loads that have rows in usage_daily, and how many. Grain: load.
SELECT load_seq, count() AS daily_rows
FROM usage_daily
WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
GROUP BY load_seq
ORDER BY load_seq
