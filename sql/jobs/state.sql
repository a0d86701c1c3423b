-- The latest run of each scheduled job. Grain: job.
SELECT job, status, started_at, finished_at, elapsed_ms, message, succeeded_at, failures
FROM v_jobs
ORDER BY job
