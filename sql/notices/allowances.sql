-- Customers who used 50, 80 or 100 percent of what they are granted in the period that holds the instant of the latest
-- aggregate. Grain: customer, credit system, share. Inputs: as_of.
SELECT customer_id, credit_system, period_start, toUInt8(share) AS percent, used,
    assumeNotNull(granted) AS allowed
FROM v_balances
ARRAY JOIN [50, 80, 100] AS share
WHERE granted > 0 AND used * 100 >= allowed * share
    AND period_start <= {as_of:DateTime64(9, 'UTC')} AND (period_end IS NULL OR period_end > {as_of:DateTime64(9, 'UTC')})
ORDER BY customer_id, credit_system, percent
