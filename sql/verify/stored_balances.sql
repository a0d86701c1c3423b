-- The stored balances. Grain: customer, credit system, period; in this order.
SELECT customer_id, toString(credit_system) AS credit_system, toString(product) AS product, period_start, period_end,
    granted, used, balance, remaining, overage, billable, capped, unrated_events, trial, seats
FROM v_balances
ORDER BY customer_id, credit_system, period_start
