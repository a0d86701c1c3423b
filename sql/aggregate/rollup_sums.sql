-- Events and sums by unit of the given loads, and of what they replace, as rolled up and as they are raw. Grain: load. The span
-- holds all their events.
SELECT
    load_seq,
    sumIf(rows, rolled) AS daily_rows,
    sumIf(event_count, rolled) AS rolled_events,
    sumIf(event_count, NOT rolled) AS raw_events,
    toString(sumMapIf(names, listed, rolled)) AS rolled_units,
    toString(sumMapIf(names, listed, NOT rolled)) AS raw_units
FROM
(
    SELECT load_seq, true AS rolled, splitByChar(',', cutQueryStringAndFragment(toString(units))) AS names, count() AS rows, sum(events) AS event_count,
        sumForEach(quantities) AS listed
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
    GROUP BY load_seq, units
    UNION ALL
    SELECT load_seq, false AS rolled, splitByChar(',', cutQueryStringAndFragment(toString(units))) AS names, count() AS rows, count() AS event_count,
        sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
    FROM usage_events
    WHERE load_seq IN {loads:Array(UInt64)}
        AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at <= {to:DateTime64(9, 'UTC')}
    GROUP BY load_seq, units
    UNION ALL
    SELECT load_seq, false AS rolled, splitByChar(',', cutQueryStringAndFragment(toString(units))) AS names, count() AS rows, count() AS event_count,
        sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
    FROM
    (
        SELECT load_seq, units, quantities FROM duplicate_events WHERE load_seq IN {loads:Array(UInt64)}
        UNION ALL
        SELECT load_seq, units, quantities FROM replaced_events WHERE load_seq IN {loads:Array(UInt64)}
    )
    GROUP BY load_seq, units
)
GROUP BY load_seq
ORDER BY load_seq
