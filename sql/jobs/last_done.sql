-- Start of the latest run of a job that did its work, or of its registration. Grain: one row, or none for a job never seen.
-- Inputs: job.
SELECT started_at
FROM job_runs FINAL
WHERE job = {job:String} AND status IN ('ok', 'partial', 'registered')
ORDER BY started_at DESC
LIMIT 1
