-- Stores a run's spend, adding up rows of one period. Input: the table new_spend. Grain: as period_spend.
INSERT INTO period_spend (run_seq, customer_id, credit_system, period_start, feature_id, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, credits)
SELECT {run_seq:UInt64}, customer_id, credit_system, period_start, feature_id, sum(events),
    sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens), sum(reasoning_tokens),
    sum(credits)
FROM new_spend
GROUP BY customer_id, credit_system, period_start, feature_id
