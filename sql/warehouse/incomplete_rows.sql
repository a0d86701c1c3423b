-- Where tables hold other numbers of rows than those that were written last say: loads counts the rows of each load, rollups
-- the days of each load, totals and aggregate_runs their own rows. Only what counts is looked at: loads that are committed,
-- the latest totals and run. Grain: what is incomplete; a section for each table, since few change at a time.
SELECT table_name, part_of, expected, found
FROM
(
    SELECT '' AS table_name, '' AS part_of, toUInt64(0) AS expected, toUInt64(0) AS found WHERE 0
-- if usage_events
    UNION ALL
    SELECT 'usage_events', concat('ld_', toString(load_seq)), expected, found
    FROM (SELECT load_seq, rows_loaded AS expected FROM loads FINAL WHERE status = 'committed') AS recorded
    LEFT JOIN (SELECT load_seq, count() AS found FROM usage_events GROUP BY load_seq) AS counted USING (load_seq)
    WHERE expected != found
-- end if
-- if duplicate_events
    UNION ALL
    SELECT 'duplicate_events', concat('ld_', toString(load_seq)), expected, found
    FROM
    (
        SELECT load_seq, rows_duplicate + rows_conflict AS expected FROM loads FINAL WHERE status = 'committed'
    ) AS recorded
    LEFT JOIN (SELECT load_seq, count() AS found FROM duplicate_events GROUP BY load_seq) AS counted USING (load_seq)
    WHERE expected != found
-- end if
-- if replaced_events
    UNION ALL
    SELECT 'replaced_events', concat('ld_', toString(load_seq)), expected, found
    FROM (SELECT load_seq, rows_masked AS expected FROM loads FINAL WHERE status = 'committed') AS recorded
    LEFT JOIN (SELECT load_seq, count() AS found FROM replaced_events GROUP BY load_seq) AS counted USING (load_seq)
    WHERE expected != found
-- end if
-- if rejects
    UNION ALL
    SELECT 'rejects', concat('ld_', toString(load_seq)), expected, found
    FROM (SELECT load_seq, rows_rejected AS expected FROM loads FINAL WHERE status = 'committed') AS recorded
    LEFT JOIN (SELECT load_seq, count() AS found FROM rejects GROUP BY load_seq) AS counted USING (load_seq)
    WHERE expected != found
-- end if
-- if usage_daily
    UNION ALL
    SELECT 'usage_daily', concat('ld_', toString(load_seq)), expected, found
    FROM
    (
        SELECT load_seq, timezone, rows AS expected
        FROM rollups FINAL
        WHERE load_seq IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed')
    ) AS recorded
    LEFT JOIN
    (
        SELECT load_seq, timezone, count() AS found FROM usage_daily GROUP BY load_seq, timezone
    ) AS counted USING (load_seq, timezone)
    WHERE expected != found
-- end if
-- if usage_totals
    UNION ALL
    SELECT 'usage_totals', concat('totals ', toString(totals_seq)), rows AS expected, found
    FROM (SELECT totals_seq, rows FROM totals ORDER BY totals_seq DESC LIMIT 1) AS recorded
    LEFT JOIN (SELECT totals_seq, count() AS found FROM usage_totals GROUP BY totals_seq) AS counted USING (totals_seq)
    WHERE expected != found
-- end if
-- if balances
    UNION ALL
    SELECT 'balances', run_id, expected, found
    FROM (SELECT run_seq, run_id, balance_rows AS expected FROM aggregate_runs ORDER BY run_seq DESC LIMIT 1) AS recorded
    LEFT JOIN (SELECT run_seq, count() AS found FROM balances GROUP BY run_seq) AS counted USING (run_seq)
    WHERE expected != found
-- end if
-- if period_spend
    UNION ALL
    SELECT 'period_spend', run_id, expected, found
    FROM (SELECT run_seq, run_id, spend_rows AS expected FROM aggregate_runs ORDER BY run_seq DESC LIMIT 1) AS recorded
    LEFT JOIN (SELECT run_seq, count() AS found FROM period_spend GROUP BY run_seq) AS counted USING (run_seq)
    WHERE expected != found
-- end if
)
ORDER BY table_name, part_of
SETTINGS join_use_nulls = 0
