-- What the events of the given loads used, and those that they replace. Grain: model or feature.
SELECT DISTINCT toString(model) AS used_model, toString(feature) AS used_feature
FROM
(
    SELECT model, feature FROM usage_events WHERE load_seq IN {loads:Array(UInt64)}
    UNION ALL
    SELECT model, feature FROM duplicate_events WHERE load_seq IN {loads:Array(UInt64)}
    UNION ALL
    SELECT model, feature FROM replaced_events WHERE load_seq IN {loads:Array(UInt64)}
)
ORDER BY used_model, used_feature
