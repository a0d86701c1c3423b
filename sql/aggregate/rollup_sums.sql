-- Events and sums by unit of the given loads, and of what they replace, as rolled up and as they are raw. Grain: load. The span
-- holds all their events.
WITH
    sums AS
    (
        SELECT load_seq, true AS rolled, units, count() AS rows, sum(events) AS event_count, sumForEach(quantities) AS listed
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
        GROUP BY load_seq, units
        UNION ALL
        SELECT load_seq, false AS rolled, units, count() AS rows, count() AS event_count,
            sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM usage_events
        WHERE load_seq IN {loads:Array(UInt64)}
            AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at <= {to:DateTime64(9, 'UTC')}
        GROUP BY load_seq, units
        UNION ALL
        SELECT load_seq, false AS rolled, units, count() AS rows, count() AS event_count,
            sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM
        (
            SELECT load_seq, units, quantities FROM duplicate_events WHERE load_seq IN {loads:Array(UInt64)}
            UNION ALL
            SELECT load_seq, units, quantities FROM replaced_events WHERE load_seq IN {loads:Array(UInt64)}
        )
        GROUP BY load_seq, units
    ),
    by_unit AS
    (
        SELECT load_seq, rolled, part.1 AS unit, sum(toUInt256(part.2)) AS amount
        FROM sums
        ARRAY JOIN arrayZip(splitByChar(',', units), listed) AS part
        GROUP BY load_seq, rolled, unit
    )
SELECT
    counted.load_seq AS load_seq, daily_rows, rolled_events, raw_events, toString(rolled_amounts) AS rolled_units,
    toString(raw_amounts) AS raw_units
FROM
(
    SELECT load_seq, sumIf(rows, rolled) AS daily_rows, sumIf(event_count, rolled) AS rolled_events,
        sumIf(event_count, NOT rolled) AS raw_events
    FROM sums
    GROUP BY load_seq
) AS counted
LEFT JOIN
(
    SELECT load_seq, arraySort(groupArrayIf((unit, amount), rolled)) AS rolled_amounts,
        arraySort(groupArrayIf((unit, amount), NOT rolled)) AS raw_amounts
    FROM by_unit
    GROUP BY load_seq
) AS amounts ON amounts.load_seq = counted.load_seq
ORDER BY load_seq
