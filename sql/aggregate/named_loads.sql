-- Loads by number, whatever became of them since. Grain: load. They are given as not rolled up, so that their raw events are
-- read; but for those whose raw rows expired, for which their roll-up stands.
SELECT load_seq, toUInt8(rolled_rows.2) AS rolled, rolled_rows.1 AS daily_rows,
    rows_loaded + rows_duplicate + rows_conflict AS events, rows_masked AS replaced, occurred_from, occurred_to,
    toUInt8(load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)) AS expired
FROM
(
    SELECT load_seq, rows_loaded, rows_duplicate, rows_conflict, rows_masked, occurred_from, occurred_to
    FROM loads FINAL
    WHERE load_seq IN {loads:Array(UInt64)}
) AS named
LEFT JOIN
(
    SELECT load_seq, (rows, toUInt8(1)) AS rolled_rows
    FROM rollups FINAL
    WHERE timezone = {timezone:String} AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)
) AS rolled_up USING (load_seq)
ORDER BY load_seq
