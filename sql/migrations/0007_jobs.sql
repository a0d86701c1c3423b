-- Runs of scheduled jobs. Grain: job and start; a row when a run starts and one when it ends, of which the later revision holds.
-- A scheduled instant without a successful run at or after it was missed and is caught up.
CREATE TABLE IF NOT EXISTS job_runs
(
    job         LowCardinality(String) COMMENT 'Name of the job: aggregate or invoice',
    started_at  DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC')   COMMENT 'Equal to started_at while it runs',
    status      LowCardinality(String) COMMENT 'registered (first scheduled), running, ok, partial (something held) or error',
    message     String                 COMMENT 'The error, or what remained open',
    revision    UInt8
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (job, started_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'History of scheduled jobs';
