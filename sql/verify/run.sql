-- The latest finished run, the text of its catalog, and the customers changed since, whose figures it cannot have had.
-- Grain: no row or one.
SELECT
    runs.run_seq AS run_seq, runs.as_of AS as_of, runs.catalog_sha AS catalog_sha, toString(runs.timezone) AS timezone, runs.loads AS loads,
    runs.customers AS customers, runs.unrated_rows AS unrated_rows, runs.finished_at AS finished_at, kept.text AS catalog,
    (
        SELECT arraySort(groupUniqArray(customer_id))
        FROM
        (
            SELECT customer_id FROM customers FINAL
            WHERE changed_at >= (SELECT argMax(finished_at, run_seq) FROM aggregate_runs)
            UNION ALL
            SELECT customer_id FROM subscriptions FINAL
            WHERE changed_at >= (SELECT argMax(finished_at, run_seq) FROM aggregate_runs)
            UNION ALL
            SELECT customer_id FROM grants
            WHERE granted_at >= (SELECT argMax(finished_at, run_seq) FROM aggregate_runs)
            UNION ALL
            SELECT customer_id FROM grant_revocations
            WHERE stored_at >= (SELECT argMax(finished_at, run_seq) FROM aggregate_runs)
        )
    ) AS changed
FROM (SELECT * FROM aggregate_runs ORDER BY run_seq DESC LIMIT 1) AS runs
LEFT JOIN (SELECT catalog_sha, text FROM catalogs FINAL) AS kept ON kept.catalog_sha = runs.catalog_sha
SETTINGS join_use_nulls = 0
