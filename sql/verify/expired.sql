-- Loads whose rows expired, with what their commit recorded and what their roll-up adds up to: it stands for the rows. Grain:
-- load and timezone that it is rolled up for. The maps hold sums by unit, and events under ''.
WITH
    (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
        AS quantity_of
SELECT recorded.load_seq AS load_seq, rolled.zone AS zone, recorded.sums AS recorded_sums, rolled.sums AS rolled_sums
FROM
(
    SELECT load_seq, CAST((arrayConcat([''], mapKeys(quantities)),
        arrayConcat([toDecimal256(rows_loaded, 9)], arrayMap(amount -> toDecimal256(amount, 9), mapValues(quantities)))),
        'Map(String, Decimal(76, 9))') AS sums
    FROM loads FINAL
    WHERE load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)
) AS recorded
LEFT JOIN
(
    SELECT load_seq, zone, CAST((groupArray(unit), groupArray(amount)), 'Map(String, Decimal(76, 9))') AS sums
    FROM
    (
        SELECT load_seq, zone, replaceOne(part.1, '.nano', '') AS unit, sum(quantity_of(part.1, part.2)) AS amount
        FROM
        (
            SELECT load_seq, toString(timezone) AS zone, toString(units) AS used_units, toUInt128(sum(events)) AS rows,
                sumForEach(quantities) AS listed
            FROM usage_daily
            WHERE load_seq GLOBAL IN (SELECT load_seq FROM expired_loads) AND replaced_load_seq = 0 AND empty(superseded_by)
            GROUP BY load_seq, zone, used_units
        )
        ARRAY JOIN arrayConcat([('', rows)], arrayZip(splitByChar(',', cutQueryStringAndFragment(used_units)), listed)) AS part
        GROUP BY load_seq, zone, unit
        HAVING amount > 0
    )
    GROUP BY load_seq, zone
) AS rolled ON rolled.load_seq = recorded.load_seq
ORDER BY load_seq, zone
SETTINGS join_use_nulls = 0
