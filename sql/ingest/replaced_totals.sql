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
    ),
    stored AS
    (
        SELECT true AS before, units, count() AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM counted
        GROUP BY units
        UNION ALL
        SELECT false AS before, units, count() AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM usage_events
        WHERE load_seq = {load_seq:UInt64} AND row_number IN (SELECT row_number FROM counted)
        GROUP BY units
    ),
    amounts AS
    (
        SELECT before, replaceOne(part.1, '.nano', '') AS unit,
            sum(quantity_of(part.1, part.2)) AS amount
        FROM stored
        ARRAY JOIN arrayZip(splitByChar(',', units), listed) AS part
        GROUP BY before, unit
        HAVING amount > 0
    )
SELECT
    (SELECT count() FROM replaced_events WHERE load_seq = {load_seq:UInt64}),
    (SELECT sumIf(rows, before) FROM stored),
    (SELECT sumIf(rows, NOT before) FROM stored),
    (SELECT CAST((groupArray(unit), groupArray(amount)), 'Map(String, Decimal(76, 9))') FROM amounts WHERE before),
    (SELECT CAST((groupArray(unit), groupArray(amount)), 'Map(String, Decimal(76, 9))') FROM amounts WHERE NOT before)
