-- Stores a run's balances. Input: the table new_balances. Grain: as balances.
INSERT INTO balances (run_seq, customer_id, credit_system, product, period_start, period_end, granted, used, balance,
    remaining, overage, billable, capped, unrated_events, trial)
SELECT {run_seq:UInt64}, customer_id, credit_system, product, period_start, period_end, if(unlimited, NULL, granted),
    used, if(unlimited, NULL, balance), if(unlimited, NULL, remaining), overage, billable, capped, unrated_events, trial
FROM new_balances
