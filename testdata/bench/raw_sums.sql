-- What a preview would be by hand, less prices, periods and allowances: each pool's tokens by customer and model, over all
-- raw rows, with no look at whether their load counts. Grain: customer and model.
SELECT customer_id, model, sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens),
    sum(reasoning_tokens)
FROM usage_events
GROUP BY customer_id, model
