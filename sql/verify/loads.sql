-- Figures of every load as recorded at its commit and as its rows add up now, side by side. Grain: load; rows without a
-- load come with status ''. The arrays hold: rows loaded, duplicate, conflict, rejected, read and not skipped, masked; tokens of rows
-- loaded by pool; then, for loads with valid rows, first and last time, smallest and largest event_id.
WITH recounted AS
(
    SELECT
        load_seq,
        sum(loaded) AS loaded_rows,
        sum(duplicates) AS duplicate_rows,
        sum(conflicts) AS conflict_rows,
        sum(refused) AS rejected_rows,
        sum(masked) AS masked_rows,
        sumForEach(tokens) AS token_sums,
        minIf(earliest, refused + masked = 0) AS first_time,
        maxIf(latest, refused + masked = 0) AS last_time,
        minIf(smallest_id, refused + masked = 0) AS first_id,
        maxIf(largest_id, refused + masked = 0) AS last_id
    FROM
    (
        SELECT load_seq, count() AS loaded, toUInt64(0) AS duplicates, toUInt64(0) AS conflicts, toUInt64(0) AS refused,
            toUInt64(0) AS masked,
            [sum(toUInt128(input_tokens)), sum(toUInt128(cached_input_tokens)), sum(toUInt128(cache_write_tokens)),
                sum(toUInt128(output_tokens)), sum(toUInt128(reasoning_tokens))] AS tokens,
            min(occurred_at) AS earliest, max(occurred_at) AS latest,
            min(event_id) AS smallest_id, max(event_id) AS largest_id
        FROM usage_events
        GROUP BY load_seq
        UNION ALL
        SELECT load_seq, toUInt64(0), countIf(kind = 'duplicate'), countIf(kind = 'conflict'), toUInt64(0), toUInt64(0),
            arrayResize([toUInt128(0)], 5, toUInt128(0)),
            min(occurred_at), max(occurred_at), min(event_id), max(event_id)
        FROM duplicate_events
        GROUP BY load_seq
        UNION ALL
        SELECT load_seq, toUInt64(0), toUInt64(0), toUInt64(0), count(), toUInt64(0),
            arrayResize([toUInt128(0)], 5, toUInt128(0)),
            toDateTime64(0, 9, 'UTC'), toDateTime64(0, 9, 'UTC'), '', ''
        FROM rejects
        GROUP BY load_seq
        UNION ALL
        SELECT load_seq, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), count(),
            arrayResize([toUInt128(0)], 5, toUInt128(0)),
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
    arrayFlatten(groupArrayIf(figures, side = 2)) AS recounted
FROM
(
    SELECT load_seq, 1 AS side, toString(status) AS load_status, toUInt64(0) AS found_rows,
        arrayConcat(
            arrayMap(x -> toString(x), [rows_loaded, rows_duplicate, rows_conflict, rows_rejected,
                rows_read - rows_skipped, rows_masked]),
            arrayMap(x -> toString(x), [input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
                reasoning_tokens]),
            if(rows_loaded + rows_duplicate + rows_conflict = 0, emptyArrayString(),
                [toString(occurred_from), toString(occurred_to), event_id_min, event_id_max])) AS figures
    FROM loads FINAL
    UNION ALL
    SELECT load_seq, 2 AS side, '' AS load_status, loaded_rows + duplicate_rows + conflict_rows + rejected_rows + masked_rows,
        arrayConcat(
            arrayMap(x -> toString(x), [loaded_rows, duplicate_rows, conflict_rows, rejected_rows,
                loaded_rows + duplicate_rows + conflict_rows + rejected_rows, masked_rows]),
            arrayMap(x -> toString(x), token_sums),
            if(loaded_rows + duplicate_rows + conflict_rows = 0, emptyArrayString(),
                [toString(first_time), toString(last_time), first_id, last_id])) AS figures
    FROM recounted
)
GROUP BY load_seq
ORDER BY load_seq
