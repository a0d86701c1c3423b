-- Removes a run's balances.
ALTER TABLE balances DROP PARTITION {run_seq:UInt64}
