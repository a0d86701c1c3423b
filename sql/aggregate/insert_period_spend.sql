-- Stores a run's spend. Input: the table new_spend. Grain: as period_spend.
INSERT INTO period_spend (run_seq, customer_id, credit_system, period_start, feature_id, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, credits)
SELECT {run_seq:UInt64}, customer_id, credit_system, period_start, feature_id, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, credits
FROM new_spend
