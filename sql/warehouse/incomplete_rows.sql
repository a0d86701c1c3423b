-- Where tables hold other numbers of rows than those that were written last say: loads counts the rows of each load, rollups
-- the days of each load, totals and aggregate_runs their own rows. Only what counts is looked at: loads that are committed,
-- the latest totals and run; of a load whose rows expire now, nothing is known, and those of one whose rows expired count as
-- found. Input: the names of the tables to look at. Grain: what is incomplete; a section for each table,
-- since few change at a time. What is expected and what is found are rows of one union: joins would be planned for longer than
-- they run. Rows are counted in the order of the tables' keys, which begin with the load: half the time of a hash table.
SELECT
    table_name,
    concat(multiIf(table_name = 'usage_totals', 'totals ', table_name IN ('balances', 'period_spend'), 'ag_', 'ld_'),
        toString(number)) AS part_of,
    toUInt64(sum(expected_rows)) AS expected,
    toUInt64(sum(found_rows)) AS found
FROM
(
    SELECT counted.1 AS table_name, load_seq AS number, '' AS zone, counted.2 AS expected_rows, 0 AS found_rows, 1 AS is_recorded
    FROM loads FINAL
    ARRAY JOIN [('usage_events', rows_loaded), ('duplicate_events', rows_duplicate + rows_conflict),
        ('replaced_events', rows_masked), ('rejects', rows_rejected),
        ('load_objects', objects)] AS counted
    WHERE status = 'committed' AND counted.1 IN {changed:Array(String)}
        AND NOT (counted.1 = 'usage_events' AND load_seq GLOBAL IN
            (SELECT load_seq FROM expired_loads GROUP BY load_seq HAVING countIf(step = 'done') = 0))
-- if usage_events
    UNION ALL
    SELECT 'usage_events', load_seq, '', 0, count(), 0 FROM usage_events GROUP BY load_seq
    UNION ALL
    SELECT 'usage_events', load_seq, '', 0, rows_removed, 0 FROM expired_loads WHERE step = 'done'
-- end if
-- if duplicate_events
    UNION ALL
    SELECT 'duplicate_events', load_seq, '', 0, count(), 0 FROM duplicate_events GROUP BY load_seq
-- end if
-- if replaced_events
    UNION ALL
    SELECT 'replaced_events', load_seq, '', 0, count(), 0 FROM replaced_events GROUP BY load_seq
-- end if
-- if rejects
    UNION ALL
    SELECT 'rejects', load_seq, '', 0, count(), 0 FROM rejects GROUP BY load_seq
-- end if
-- if load_objects
    UNION ALL
    SELECT 'load_objects', load_seq, '', 0, count(), 0 FROM load_objects GROUP BY load_seq
-- end if
-- if expired_events
    UNION ALL
    SELECT 'expired_events', load_seq, '', rows_removed, 0, 1 FROM expired_loads WHERE step = 'begun'
    UNION ALL
    SELECT 'expired_events', load_seq, '', 0, count(), 0 FROM expired_events GROUP BY load_seq
-- end if
-- if kept_days
    UNION ALL
    SELECT 'kept_days', load_seq, '', days_kept, 0, 1 FROM expired_loads WHERE step = 'begun'
    UNION ALL
    SELECT 'kept_days', load_seq, '', 0, count(), 0 FROM kept_days GROUP BY load_seq
-- end if
-- if usage_daily
    UNION ALL
    SELECT 'usage_daily', load_seq, toString(timezone), rows, 0, 1
    FROM rollups FINAL
    WHERE load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed')
    UNION ALL
    SELECT 'usage_daily', load_seq, toString(timezone), 0, count(), 0 FROM usage_daily GROUP BY load_seq, timezone
-- end if
-- if usage_totals
    UNION ALL
    SELECT * FROM (SELECT 'usage_totals', totals_seq, '', rows, 0, 1 FROM totals ORDER BY totals_seq DESC LIMIT 1)
    UNION ALL
    SELECT 'usage_totals', totals_seq, '', 0, count(), 0 FROM usage_totals GROUP BY totals_seq
-- end if
-- if balances
    UNION ALL
    SELECT * FROM (SELECT 'balances', run_seq, '', balance_rows, 0, 1 FROM aggregate_runs ORDER BY run_seq DESC LIMIT 1)
    UNION ALL
    SELECT 'balances', run_seq, '', 0, count(), 0 FROM balances GROUP BY run_seq
-- end if
-- if period_spend
    UNION ALL
    SELECT * FROM (SELECT 'period_spend', run_seq, '', spend_rows, 0, 1 FROM aggregate_runs ORDER BY run_seq DESC LIMIT 1)
    UNION ALL
    SELECT 'period_spend', run_seq, '', 0, count(), 0 FROM period_spend GROUP BY run_seq
-- end if
)
GROUP BY table_name, number, zone
HAVING max(is_recorded) = 1 AND expected != found
ORDER BY table_name, part_of
SETTINGS optimize_aggregation_in_order = 1
