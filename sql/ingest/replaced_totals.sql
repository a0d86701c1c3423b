-- What the present load replaces: rows of replaced_events, those of them that counted until now, the load's own rows in their
-- place, and the quantities by unit of the former and the latter. Grain: one row.
WITH
    (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
        AS quantity_of,
    counted AS
    (
        SELECT row_number, units, quantities
        FROM replaced_events
        WHERE load_seq = {load_seq:UInt64}
            AND NOT hasAny(superseded_by,
                (SELECT groupArray(load_seq) FROM loads FINAL WHERE status = 'committed' AND source = {source:String}))
    )
SELECT
    (SELECT count() FROM replaced_events WHERE load_seq = {load_seq:UInt64}),
    sumIf(rows, before),
    sumIf(rows, NOT before),
    CAST(sumMapIf(unit_names, amounts, before), 'Map(String, Decimal(76, 9))'),
    CAST(sumMapIf(unit_names, amounts, NOT before), 'Map(String, Decimal(76, 9))')
FROM
(
    SELECT before, rows, splitByChar(',', cutQueryStringAndFragment(list)) AS names, arrayMap(name -> replaceOne(name, '.nano', ''), names) AS unit_names,
        arrayMap((name, amount) -> quantity_of(name, amount), names, listed) AS amounts
    FROM
    (
        SELECT true AS before, toString(units) AS list, count() AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM counted
        GROUP BY units
        UNION ALL
        SELECT false AS before, toString(units) AS list, count() AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM usage_events
        WHERE load_seq = {load_seq:UInt64} AND row_number GLOBAL IN (SELECT row_number FROM counted)
        GROUP BY units
    )
)
