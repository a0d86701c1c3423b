-- The stored spend. Grain: customer, credit system, period, feature; in this order.
SELECT customer_id, toString(credit_system) AS credit_system, period_start, toString(feature_id) AS feature_id, events,
    CAST(quantities, 'Map(String, Decimal(76, 9))') AS quantities, credits
FROM period_spend
WHERE run_seq = (SELECT max(run_seq) FROM aggregate_runs)
ORDER BY customer_id, credit_system, period_start, feature_id
