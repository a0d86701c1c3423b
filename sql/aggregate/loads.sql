-- Loads that count, whether they are rolled up for the timezone, and to how many rows. superseded are those of the events
-- that another load has, too: their rows of usage_daily have superseded_by. replaced are events of other loads that it takes
-- off. expired ones lost their raw rows, but for those of kept_days. unit_list is the list of units of all its rows that stand by
-- themselves, if they have one. changed_at is when it was committed. Grain: load.
SELECT
    load_seq,
    rolled_rows.2 AS rolled,
    rolled_rows.1 AS daily_rows,
    rows_loaded + rows_duplicate + rows_conflict + rows_masked AS events,
    rows_duplicate + rows_conflict AS superseded,
    rows_masked AS replaced,
    unit_list,
    shard,
    occurred_from,
    occurred_to,
    changed_at,
    toUInt8(load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)) AS expired
FROM
(
    SELECT load_seq, rows_loaded, rows_duplicate, rows_conflict, rows_masked, unit_list, shard, occurred_from, occurred_to,
        changed_at
    FROM loads FINAL
    WHERE status = 'committed'
) AS committed
LEFT JOIN
(
    SELECT load_seq, (rows, toUInt8(1)) AS rolled_rows
    FROM rollups FINAL
    WHERE timezone = {timezone:String}
) AS rolled_up USING (load_seq)
ORDER BY load_seq
