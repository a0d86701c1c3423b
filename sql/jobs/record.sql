-- Records the start (revision 1) or the end (revision 2) of a job's run.
-- Inputs: job, started_at, finished_at, status, message, revision. Repeating it changes nothing.
INSERT INTO job_runs (job, started_at, finished_at, status, message, revision)
SELECT {job:String}, {started_at:DateTime64(3, 'UTC')}, {finished_at:DateTime64(3, 'UTC')},
       {status:String}, {message:String}, {revision:UInt8}
