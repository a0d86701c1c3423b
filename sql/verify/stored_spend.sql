-- The stored spend. Grain: customer, credit system, period, feature; in this order.
SELECT customer_id, toString(credit_system) AS credit_system, period_start, toString(feature_id) AS feature_id, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, credits
FROM v_period_spend
ORDER BY customer_id, credit_system, period_start, feature_id
