-- Until when the latest aggregate run counts usage; 1970 where there is none. One row.
SELECT argMax(as_of, run_seq) AS as_of FROM aggregate_runs
