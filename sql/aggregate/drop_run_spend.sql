-- Removes a run's spend.
ALTER TABLE period_spend DROP PARTITION {run_seq:UInt64}
