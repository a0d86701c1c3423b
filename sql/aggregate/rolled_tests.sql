-- Which tests of prices the rollups of the given loads tell events apart by. Grain: load, model or feature, tests.
SELECT DISTINCT load_seq, toString(model) AS used_model, toString(feature) AS used_feature,
    concat('#', fragment(toString(units))) AS circumstances
FROM usage_daily
WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
ORDER BY load_seq, used_model, used_feature, circumstances
