-- What analysts read. Each view says its grain; all of them show committed loads only.
-- Loads that count. Grain: load.
CREATE OR REPLACE VIEW counted_loads
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq
FROM loads FINAL
WHERE status = 'committed'
COMMENT 'Loads that count: committed and not withdrawn'
-- next
-- Events that count. Grain: one row per event; no (source, event_id) twice.
CREATE OR REPLACE VIEW v_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, properties
FROM usage_events
WHERE load_seq IN (SELECT load_seq FROM counted_loads)
UNION ALL
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, properties
FROM duplicate_events
WHERE load_seq IN (SELECT load_seq FROM counted_loads)
    AND NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
COMMENT 'Usage events that count; grain: one row per event'
-- next
-- Daily usage that counts, by load. Grain: load, superseded_by, day, customer, model. Timezone and prices are those of the
-- latest aggregate run; loads newer than it are not rolled up yet and are not here.
CREATE OR REPLACE VIEW counted_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, day, customer_id, model, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
FROM usage_daily
WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
    AND load_seq IN (
        SELECT load_seq FROM rollups
        WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
            AND load_seq IN (SELECT load_seq FROM counted_loads))
    AND (empty(superseded_by) OR NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads)))
COMMENT 'Rows of usage_daily that count, in the timezone of the latest run'
-- next
-- Daily usage. Grain: day, customer, model. Days are those of the catalog's timezone.
CREATE OR REPLACE VIEW v_usage_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT day, customer_id, model,
    sum(events) AS events,
    sum(input_tokens) AS input_tokens,
    sum(cached_input_tokens) AS cached_input_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens
FROM counted_daily
GROUP BY day, customer_id, model
COMMENT 'Tokens per accounting day, customer and model; what is loaded since the last aggregate is not here yet'
-- next
-- Daily spend. Grain: day, customer, model, credit system. Priced by the catalog of the latest run at each event's own
-- time. Usage without any price stands with an empty credit system. A feature that two credit systems price is shown in
-- both; balances charge the one of the customer's product.
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
            input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM counted_daily
        WHERE (model, day) NOT IN (SELECT model, arrayJoin(split_days) FROM current_prices)
        UNION ALL
        SELECT toDate(occurred_at, zone) AS day, occurred_at AS at, customer_id, model, 1 AS events,
            input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM v_events
        WHERE (model, day) IN (SELECT model, arrayJoin(split_days) FROM current_prices)
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
LEFT JOIN current_prices ON current_prices.model = used.model
    AND if(isNull(used.at), used.day >= current_prices.first_day AND used.day < current_prices.end_day,
        used.at >= current_prices.valid_from AND used.at < current_prices.valid_to)
GROUP BY day, customer_id, model, credit_system, feature_id
COMMENT 'Tokens and credits per accounting day, customer, model and credit system'
-- next
-- Balances of the latest aggregate run. Grain: customer, credit system, period.
CREATE OR REPLACE VIEW v_balances
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT customer_id, credit_system, product, period_start, period_end, granted, used, balance, remaining,
    overage, billable, capped, unrated_events
FROM balances
WHERE run_seq = (SELECT max(run_seq) FROM aggregate_runs)
COMMENT 'Credits per customer, credit system and period, as of the latest aggregate run'
