-- What the warehouse holds of a load: rows by their fate, and quantities by unit of the rows that count and of those that do not.
-- Grain: one row.
WITH
    (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
        AS quantity_of,
    stored AS
    (
        SELECT 'counts' AS kind, units, count() AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM usage_events
        WHERE load_seq = {load_seq:UInt64}
        GROUP BY units
        UNION ALL
        SELECT toString(kind) AS kind, units, count() AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM duplicate_events
        WHERE load_seq = {load_seq:UInt64}
        GROUP BY kind, units
    ),
    amounts AS
    (
        SELECT kind = 'counts' AS counts, replaceOne(part.1, '.nano', '') AS unit,
            sum(quantity_of(part.1, part.2)) AS amount
        FROM stored
        ARRAY JOIN arrayZip(splitByChar(',', units), listed) AS part
        GROUP BY counts, unit
        HAVING amount > 0
    )
SELECT
    (SELECT sumIf(rows, kind = 'counts') FROM stored),
    (SELECT sumIf(rows, kind = 'duplicate') FROM stored),
    (SELECT sumIf(rows, kind = 'conflict') FROM stored),
    (SELECT count() FROM rejects WHERE load_seq = {load_seq:UInt64}),
    (SELECT CAST((groupArray(unit), groupArray(amount)), 'Map(String, Decimal(76, 9))') FROM amounts WHERE counts),
    (SELECT CAST((groupArray(unit), groupArray(amount)), 'Map(String, Decimal(76, 9))') FROM amounts WHERE NOT counts)
