-- The latest finished run and its catalog's text. Grain: no row or one.
SELECT runs.run_seq AS run_seq, runs.as_of AS as_of, runs.finished_at AS finished_at,
    runs.catalog_sha AS catalog_sha, kept.text AS catalog,
    runs.problem_customers AS problem_customers, runs.problem_reasons AS problem_reasons
FROM (SELECT run_seq, as_of, finished_at, catalog_sha, problem_customers, problem_reasons FROM aggregate_runs ORDER BY run_seq DESC LIMIT 1) AS runs
LEFT JOIN (SELECT catalog_sha, text FROM catalogs FINAL) AS kept ON kept.catalog_sha = runs.catalog_sha
