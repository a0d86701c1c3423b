-- Makes a run visible.
INSERT INTO aggregate_runs (run_seq, run_id, as_of, catalog_sha, timezone, loads, customers, unrated_rows,
    balance_rows, spend_rows, finished_at, elapsed_ms, problem_customers, problem_reasons)
SELECT {run_seq:UInt64}, {run_id:String}, {as_of:DateTime64(9, 'UTC')}, {catalog_sha:String}, {timezone:String},
    {loads:UInt64}, {customers:UInt64}, {unrated_rows:UInt64}, {balance_rows:UInt64}, {spend_rows:UInt64},
    {finished_at:DateTime64(3, 'UTC')}, {elapsed_ms:UInt64},
    {problem_customers:Array(String)}, {problem_reasons:Array(String)}
