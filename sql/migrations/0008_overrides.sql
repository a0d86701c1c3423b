-- Customers with prices of their own: prices says whom a price is for.
ALTER TABLE prices
    ADD COLUMN IF NOT EXISTS customer_id String COMMENT 'Whom the price is for; empty for all who have none of their own'
        AFTER catalog_sha,
    MODIFY ORDER BY (catalog_sha, model, credit_system, valid_from, customer_id)
-- next
-- Trials: their overage is capped.
ALTER TABLE balances
    ADD COLUMN IF NOT EXISTS trial Bool DEFAULT false COMMENT 'The period is a trial: none of its overage is billed'
-- next
-- Daily spend. Grain: day, customer, model, credit system. Priced by the catalog of the latest run at each event's own
-- time. A customer with prices of its own for a model has those. Usage without any price stands with an empty credit
-- system. A feature that two credit systems price is shown in both; balances charge the one of the customer's product.
CREATE OR REPLACE VIEW v_spend_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT argMax(timezone, run_seq) FROM aggregate_runs) AS zone,
    current_prices AS
    (
        SELECT * FROM prices FINAL WHERE catalog_sha = (SELECT argMax(catalog_sha, run_seq) FROM aggregate_runs)
    ),
    used AS
    (
        SELECT day, CAST(NULL, 'Nullable(DateTime64(9, \'UTC\'))') AS at, customer_id, model, events,
            if((customer_id, model) IN (SELECT customer_id, model FROM current_prices WHERE customer_id != ''),
                toString(customer_id), '') AS priced_for,
            input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM counted_daily
        WHERE (priced_for, model, day) NOT IN
            (SELECT customer_id, model, arrayJoin(split_days) FROM current_prices)
        UNION ALL
        SELECT toDate(occurred_at, zone) AS day, occurred_at AS at, customer_id, model, 1 AS events,
            if((customer_id, model) IN (SELECT customer_id, model FROM current_prices WHERE customer_id != ''),
                toString(customer_id), '') AS priced_for,
            input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM v_events
        WHERE (priced_for, model, day) IN
            (SELECT customer_id, model, arrayJoin(split_days) FROM current_prices)
            AND load_seq IN (SELECT load_seq FROM rollups WHERE timezone = zone)
    )
SELECT
    used.day AS day,
    used.customer_id AS customer_id,
    used.model AS model,
    current_prices.credit_system AS credit_system,
    current_prices.feature_id AS feature_id,
    sum(used.events) AS events,
    sum(used.input_tokens) AS input_tokens,
    sum(used.cached_input_tokens) AS cached_input_tokens,
    sum(used.cache_write_tokens) AS cache_write_tokens,
    sum(used.output_tokens) AS output_tokens,
    sum(used.reasoning_tokens) AS reasoning_tokens,
    sumIf(used.input_tokens, isNull(current_prices.input))
        + sumIf(used.cached_input_tokens, isNull(current_prices.cached_input))
        + sumIf(used.cache_write_tokens, isNull(current_prices.cache_write))
        + sumIf(used.output_tokens, isNull(current_prices.output))
        + sumIf(used.reasoning_tokens, isNull(current_prices.reasoning)) AS unrated_tokens,
    sum(toDecimal256(used.input_tokens, 0) * ifNull(current_prices.input, 0)
        + toDecimal256(used.cached_input_tokens, 0) * ifNull(current_prices.cached_input, 0)
        + toDecimal256(used.cache_write_tokens, 0) * ifNull(current_prices.cache_write, 0)
        + toDecimal256(used.output_tokens, 0) * ifNull(current_prices.output, 0)
        + toDecimal256(used.reasoning_tokens, 0) * ifNull(current_prices.reasoning, 0)) AS credits
FROM used
LEFT JOIN current_prices ON current_prices.customer_id = used.priced_for AND current_prices.model = used.model
    AND if(isNull(used.at), used.day >= current_prices.first_day AND used.day < current_prices.end_day,
        used.at >= current_prices.valid_from AND used.at < current_prices.valid_to)
GROUP BY day, customer_id, model, credit_system, feature_id
COMMENT 'Tokens and credits per accounting day, customer, model and credit system'
