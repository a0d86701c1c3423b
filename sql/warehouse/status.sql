-- How the warehouse stands. One row. Loads and events are those that count; open charges are frozen ones that Stripe is
-- not known to have; events of a month are those that were loaded since then.
-- Inputs: month_ago.
SELECT
    (SELECT count() FROM loads FINAL WHERE status = 'committed') AS loads,
    (SELECT sum(rows_loaded) FROM loads FINAL WHERE status = 'committed') AS events,
    (SELECT sum(rows_rejected) FROM loads FINAL WHERE status = 'committed') AS rejects,
    (SELECT count() FROM loads FINAL WHERE status = 'loading') AS loads_unfinished,
    (SELECT max(load_seq) FROM loads FINAL WHERE status = 'committed') AS last_load_seq,
    (SELECT argMax(file, load_seq) FROM loads FINAL WHERE status = 'committed') AS last_load_file,
    (SELECT argMax(changed_at, load_seq) FROM loads FINAL WHERE status = 'committed') AS last_load_at,
    (SELECT max(occurred_to) FROM loads FINAL WHERE status = 'committed') AS newest_event_at,
    (SELECT max(run_seq) FROM aggregate_runs) AS last_run_seq,
    (SELECT argMax(run_id, run_seq) FROM aggregate_runs) AS last_run_id,
    (SELECT argMax(as_of, run_seq) FROM aggregate_runs) AS last_run_as_of,
    (SELECT argMax(finished_at, run_seq) FROM aggregate_runs) AS last_run_at,
    (SELECT argMax(unrated_rows, run_seq) FROM aggregate_runs) AS unrated_rows,
    (SELECT count() FROM loads FINAL WHERE status = 'committed'
        AND changed_at > (SELECT argMax(finished_at, run_seq) FROM aggregate_runs)) AS loads_since_run,
    (SELECT sum(rows_loaded) FROM loads FINAL
        WHERE status = 'committed' AND changed_at > {month_ago:DateTime64(3, 'UTC')}) AS events_of_month,
    (SELECT max(toUInt64(greatest(value, 0))) FROM system.metrics WHERE metric = 'MemoryTracking') AS memory_bytes,
    (SELECT count() FROM v_charges WHERE state = 'open') AS charges_open,
    (SELECT count() FROM v_charges WHERE state = 'rejected') AS charges_rejected,
    (SELECT count() FROM v_charges WHERE state = 'posted') AS charges_posted
