-- What counted events used, with the lists of units that they count, and, if asked for by_unit, the places in the list of
-- those that there are any of: without it no quantity is read. rolled and totalled tell that rows of the rollup, or of totals,
-- say so. Grain: model or feature, list of units. Input: the table
-- counted (load_seq, rolled, totalled, daily); totalled loads are read from their totals, which lack what is superseded.
WITH
    amounts -> if({by_unit:Bool}, CAST(amounts, 'Array(UInt128)'), CAST([], 'Array(UInt128)')) AS asked
SELECT used_model AS model, used_feature AS feature, used_units AS units, rolled, totalled,
    arrayFilter((place, amount) -> amount > 0, arrayEnumerate(most), most) AS present
FROM
(
    SELECT toString(model) AS used_model, toString(feature) AS used_feature, toString(units) AS used_units,
        max(from_rollup) AS rolled, max(from_totals) AS totalled, maxForEach(asked(quantities)) AS most
    FROM
    (
        SELECT model, feature, units, quantities, toUInt8(1) AS from_rollup, toUInt8(0) AS from_totals
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE daily = 1)
            AND replaced_load_seq = 0
            AND (load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by))
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
        UNION ALL
        SELECT model, feature, units, quantities, toUInt8(1), toUInt8(1)
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64}
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
-- if any_unrolled
        UNION ALL
        SELECT model, feature, units, CAST(quantities, 'Array(UInt128)'), toUInt8(0), toUInt8(0)
        FROM usage_events
        WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0)
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
        UNION ALL
        SELECT model, feature, units, CAST(quantities, 'Array(UInt128)'), toUInt8(0), toUInt8(0)
        FROM duplicate_events
        WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0)
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
-- end if
    )
    GROUP BY used_model, used_feature, used_units
)
ORDER BY model, feature, units
