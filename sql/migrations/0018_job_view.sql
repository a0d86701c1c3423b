-- The latest run of each scheduled job, as people who watch them read it. Grain: job.
CREATE OR REPLACE VIEW v_jobs
(
    job          LowCardinality(String)             COMMENT 'load, aggregate, renewals, expire or invoice',
    status       LowCardinality(String)             COMMENT 'Of the latest run: running, ok, partial (something was left for a person) or error; registered: none yet',
    started_at   DateTime64(3, 'UTC')               COMMENT 'When the latest run began',
    finished_at  Nullable(DateTime64(3, 'UTC'))     COMMENT 'When it ended; NULL while it runs',
    elapsed_ms   Nullable(Int64)                    COMMENT 'How long it took, in milliseconds',
    message      String                             COMMENT 'Its error, or what remained open',
    succeeded_at Nullable(DateTime64(3, 'UTC'))     COMMENT 'When a run last ended with ok or partial',
    failures     UInt64                             COMMENT 'Runs with an error since then'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT job, latest.1 AS status, latest.2 AS started_at, if(status = 'running', NULL, toNullable(latest.3)) AS finished_at,
    dateDiff('millisecond', started_at, finished_at) AS elapsed_ms, latest.4 AS message, succeeded_at,
    arrayCount(ended -> succeeded_at IS NULL OR ended > succeeded_at, failed) AS failures
FROM
(
    SELECT job, argMax((status, job_runs.started_at, job_runs.finished_at, message), job_runs.started_at) AS latest,
        maxIf(toNullable(job_runs.finished_at), status IN ('ok', 'partial')) AS succeeded_at,
        groupArrayIf(job_runs.finished_at, status = 'error') AS failed
    FROM job_runs FINAL
    GROUP BY job
)
COMMENT 'The latest run of each scheduled job; grain: job'
