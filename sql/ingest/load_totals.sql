-- What the warehouse holds of a load: rows by their fate, quantities by unit of the rows that count and of those that do not,
-- and the list of units of the former, where all have the same and none names a feature. Grain: one row.
WITH (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
    AS quantity_of
SELECT
    sumIf(rows, kind = 'counts'),
    sumIf(rows, kind = 'duplicate'),
    sumIf(rows, kind = 'conflict'),
    (SELECT count() FROM rejects WHERE load_seq = {load_seq:UInt64}),
    CAST(sumMapIf(unit_names, amounts, kind = 'counts'), 'Map(String, Decimal(76, 9))'),
    CAST(sumMapIf(unit_names, amounts, kind != 'counts'), 'Map(String, Decimal(76, 9))'),
    if(countIf(kind = 'counts') = 1 AND sum(featured) = 0, anyIf(list, kind = 'counts'), '')
FROM
(
    SELECT kind, rows, featured, list, splitByChar(',', cutQueryStringAndFragment(list)) AS names,
        arrayMap(name -> replaceOne(name, '.nano', ''), names) AS unit_names,
        arrayMap((name, amount) -> quantity_of(name, amount), names, listed) AS amounts
    FROM
    (
        SELECT 'counts' AS kind, toString(units) AS list, count() AS rows, countIf(feature != '') AS featured,
            sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM usage_events
        WHERE load_seq = {load_seq:UInt64}
        GROUP BY units
        UNION ALL
        SELECT toString(kind) AS kind, toString(units) AS list, count() AS rows, 0 AS featured,
            sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM duplicate_events
        WHERE load_seq = {load_seq:UInt64}
        GROUP BY kind, units
    )
)
