-- Balances of a run in the periods that hold the instant. Grain: customer, credit system.
SELECT customer_id, credit_system, product, period_start, period_end, granted, used, balance, remaining,
    overage, billable, capped, unrated_events, trial, seats
FROM balances
WHERE run_seq = {run_seq:UInt64}
    AND period_start <= {as_of:DateTime64(9, 'UTC')}
    AND (period_end IS NULL OR period_end > {as_of:DateTime64(9, 'UTC')})
    AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
ORDER BY customer_id, credit_system
