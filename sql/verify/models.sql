-- Models that the rollup of the given loads names. Grain: model.
SELECT DISTINCT toString(model) AS name
FROM usage_daily
WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
ORDER BY name
