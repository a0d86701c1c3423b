-- Stores a run's balances. Input: the table new_balances, which has what the other figures follow from. Grain: as balances.
INSERT INTO balances (run_seq, customer_id, credit_system, product, period_start, period_end, granted, used, balance,
    remaining, overage, billable, capped, unrated_events, trial, seats)
SELECT {run_seq:UInt64}, customer_id, credit_system, product, period_start, period_end, if(unlimited, NULL, granted),
    used, if(unlimited, NULL, granted - used), if(unlimited, NULL, greatest(granted - used, toDecimal256(0, 18))),
    if(unlimited, toDecimal256(0, 18), greatest(used - granted, toDecimal256(0, 18))) AS overage, billable,
    overage - billable, unrated_events, trial, seats
FROM new_balances
