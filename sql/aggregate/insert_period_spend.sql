-- Stores a run's spend. Input: the table new_spend. Grain: as period_spend.
INSERT INTO period_spend (run_seq, customer_id, credit_system, period_start, feature_id, events,
    quantities, credits)
SELECT {run_seq:UInt64}, customer_id, credit_system, period_start, feature_id, events,
    mapSort(quantities), credits
FROM new_spend
