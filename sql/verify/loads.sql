-- Figures of every load as recorded at its commit and as its rows add up now, side by side. Grain: load; rows without a
-- load come with status ''. The arrays hold: rows loaded, duplicate, conflict, rejected, read and not skipped, masked; then, for loads with valid rows, first and last time, smallest and largest event_id.
-- What expired counts as it was written down when it did.
WITH
-- term gone
    (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
        AS quantity_of,
amounts AS
(
    SELECT load_seq, CAST((groupArray(unit), groupArray(total)), 'Map(String, Decimal(76, 9))') AS sums
    FROM
    (
        SELECT load_seq, unit, sum(amount) AS total
        FROM
        (
        SELECT load_seq, replaceOne(part.1, '.nano', '') AS unit, sum(quantity_of(part.1, part.2)) AS amount
        FROM
        (
            SELECT load_seq, toString(units) AS used_units, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
            FROM usage_events
            WHERE NOT is_gone(load_seq, row_number)
            GROUP BY load_seq, used_units
        )
        ARRAY JOIN arrayZip(splitByChar(',', cutQueryStringAndFragment(used_units)), listed) AS part
        GROUP BY load_seq, unit
        HAVING amount > 0
        UNION ALL
        SELECT load_seq, pair.1 AS unit, toDecimal256(pair.2, 9) AS amount
        FROM expired_loads
        ARRAY JOIN arrayZip(mapKeys(quantities), mapValues(quantities)) AS pair
        WHERE step = 'begun'
        )
        GROUP BY load_seq, unit
    )
    GROUP BY load_seq
),
recounted AS
(
    SELECT
        load_seq,
        sum(loaded) AS loaded_rows,
        sum(duplicates) AS duplicate_rows,
        sum(conflicts) AS conflict_rows,
        sum(refused) AS rejected_rows,
        sum(masked) AS masked_rows,
        minIf(earliest, refused + masked = 0) AS first_time,
        maxIf(latest, refused + masked = 0) AS last_time,
        minIf(smallest_id, refused + masked = 0) AS first_id,
        maxIf(largest_id, refused + masked = 0) AS last_id
    FROM
    (
        SELECT load_seq, count() AS loaded, toUInt64(0) AS duplicates, toUInt64(0) AS conflicts, toUInt64(0) AS refused,
            toUInt64(0) AS masked,
            min(occurred_at) AS earliest, max(occurred_at) AS latest,
            min(event_id) AS smallest_id, max(event_id) AS largest_id
        FROM usage_events
        WHERE NOT is_gone(load_seq, row_number)
        GROUP BY load_seq
        UNION ALL
        SELECT load_seq, rows_removed, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), occurred_from, occurred_to,
            event_id_min, event_id_max
        FROM expired_loads
        WHERE step = 'begun' AND rows_removed > 0
        UNION ALL
        SELECT load_seq, toUInt64(0), countIf(kind = 'duplicate'), countIf(kind = 'conflict'), toUInt64(0), toUInt64(0),
            min(occurred_at), max(occurred_at), min(event_id), max(event_id)
        FROM duplicate_events
        GROUP BY load_seq
        UNION ALL
        SELECT load_seq, toUInt64(0), toUInt64(0), toUInt64(0), count(), toUInt64(0),
            toDateTime64(0, 9, 'UTC'), toDateTime64(0, 9, 'UTC'), '', ''
        FROM rejects
        GROUP BY load_seq
        UNION ALL
        SELECT load_seq, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), count(),
            toDateTime64(0, 9, 'UTC'), toDateTime64(0, 9, 'UTC'), '', ''
        FROM replaced_events
        GROUP BY load_seq
    )
    GROUP BY load_seq
)
SELECT
    load_seq,
    max(load_status) AS status,
    toUInt64(sum(found_rows)) AS found_rows,
    arrayFlatten(groupArrayIf(figures, side = 1)) AS recorded,
    arrayFlatten(groupArrayIf(figures, side = 2)) AS recounted,
    anyIf(sums, side = 1) AS recorded_sums,
    anyIf(sums, side = 2) AS recounted_sums
FROM
(
    SELECT load_seq, 1 AS side, toString(status) AS load_status, toUInt64(0) AS found_rows,
        arrayConcat(
            arrayMap(x -> toString(x), [rows_loaded, rows_duplicate, rows_conflict, rows_rejected,
                rows_read - rows_skipped, rows_masked]),
            if(rows_loaded + rows_duplicate + rows_conflict = 0, emptyArrayString(),
                [toString(occurred_from), toString(occurred_to), event_id_min, event_id_max])) AS figures,
        CAST(quantities, 'Map(String, Decimal(76, 9))') AS sums
    FROM loads FINAL
    UNION ALL
    SELECT recounted.load_seq AS load_seq, 2 AS side, '' AS load_status, loaded_rows + duplicate_rows + conflict_rows + rejected_rows + masked_rows,
        arrayConcat(
            arrayMap(x -> toString(x), [loaded_rows, duplicate_rows, conflict_rows, rejected_rows,
                loaded_rows + duplicate_rows + conflict_rows + rejected_rows, masked_rows]),
            if(loaded_rows + duplicate_rows + conflict_rows = 0, emptyArrayString(),
                [toString(first_time), toString(last_time), first_id, last_id])) AS figures,
        amounts.sums AS sums
    FROM recounted
    LEFT JOIN amounts ON amounts.load_seq = recounted.load_seq
)
GROUP BY load_seq
ORDER BY load_seq
