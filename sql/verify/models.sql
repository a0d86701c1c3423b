-- Models and features that the rollup of the given loads names. Grain: model or feature, circumstances.
SELECT DISTINCT toString(model) AS used_model, toString(feature) AS used_feature,
    substring(toString(units), 1 + length(cutQueryStringAndFragment(toString(units)))) AS circumstances
FROM usage_daily
WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
ORDER BY used_model, used_feature, circumstances
