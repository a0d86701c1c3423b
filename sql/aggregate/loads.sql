-- Loads that count, and whether they are rolled up for the timezone. Grain: load.
SELECT
    load_seq,
    rolled_events.2 AS rolled,
    rows_loaded + rows_duplicate + rows_conflict AS events,
    occurred_from,
    occurred_to
FROM
(
    SELECT load_seq, rows_loaded, rows_duplicate, rows_conflict, occurred_from, occurred_to
    FROM loads FINAL
    WHERE status = 'committed'
) AS committed
LEFT JOIN
(
    SELECT load_seq, (events, toUInt8(1)) AS rolled_events
    FROM rollups FINAL
    WHERE timezone = {timezone:String}
) AS rolled_up USING (load_seq)
ORDER BY load_seq
