-- Customers with prices of their own: prices says whom a price is for.
ALTER TABLE prices
    ADD COLUMN IF NOT EXISTS customer_id String COMMENT 'Whom the price is for; empty for all who have none of their own'
        AFTER catalog_sha,
    MODIFY ORDER BY (catalog_sha, model, credit_system, valid_from, customer_id)
-- next
-- Trials: their overage is capped.
ALTER TABLE balances
    ADD COLUMN IF NOT EXISTS trial Bool DEFAULT false COMMENT 'The period is a trial: none of its overage is billed',
    ADD COLUMN IF NOT EXISTS seats UInt64 DEFAULT 1 COMMENT 'Seats that multiply allowance and limit'
-- next
-- Daily spend. Grain: day, customer, model, credit system. Priced by the catalog of the latest run at each event's own
-- time. A customer with prices of its own for a model has those. Usage without any price stands with an empty credit
-- system. A feature that two credit systems price is shown in both; balances charge the one of the customer's product.
CREATE OR REPLACE VIEW v_spend_daily
(
    day                 Date                   COMMENT 'Day by the clock of the catalog timezone',
    customer_id         String COMMENT 'Who used it',
    model               LowCardinality(String) COMMENT 'Model as the log names it',
    credit_system       LowCardinality(String) COMMENT 'Credit system that prices it; empty where none does',
    feature_id          LowCardinality(String) COMMENT 'Feature that the model selects; empty where nothing prices it',
    events              UInt64                 COMMENT 'Number of events',
    input_tokens        UInt128                COMMENT 'Prompt tokens, neither read from nor written to a cache',
    cached_input_tokens UInt128                COMMENT 'Prompt tokens read from a cache',
    cache_write_tokens  UInt128                COMMENT 'Prompt tokens written to a cache',
    output_tokens       UInt128                COMMENT 'Generated tokens without reasoning',
    reasoning_tokens    UInt128                COMMENT 'Generated reasoning tokens',
    unrated_tokens      UInt128                COMMENT 'Those of the tokens, of any pool, that have no price',
    credits             Decimal(76, 18)        COMMENT 'Exact credits of the priced tokens'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    -- There is no row to show before the first run, but the type of day has to be known.
    ifNull((SELECT if(count() = 0, 'UTC', argMax(timezone, run_seq)) FROM aggregate_runs), 'UTC') AS zone,
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
    ifNull(current_prices.credit_system, '') AS credit_system,
    ifNull(current_prices.feature_id, '') AS feature_id,
    toUInt64(sum(used.events)) AS events,
    toUInt128(sum(used.input_tokens)) AS input_tokens,
    toUInt128(sum(used.cached_input_tokens)) AS cached_input_tokens,
    toUInt128(sum(used.cache_write_tokens)) AS cache_write_tokens,
    toUInt128(sum(used.output_tokens)) AS output_tokens,
    toUInt128(sum(used.reasoning_tokens)) AS reasoning_tokens,
    toUInt128(sumIf(used.input_tokens, isNull(current_prices.input))
        + sumIf(used.cached_input_tokens, isNull(current_prices.cached_input))
        + sumIf(used.cache_write_tokens, isNull(current_prices.cache_write))
        + sumIf(used.output_tokens, isNull(current_prices.output))
        + sumIf(used.reasoning_tokens, isNull(current_prices.reasoning))) AS unrated_tokens,
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
HAVING events > 0
COMMENT 'Tokens and credits per accounting day, customer, model and credit system'
-- next
-- Balances of the latest aggregate run. Grain: customer, credit system, period.
CREATE OR REPLACE VIEW v_balances
(
    customer_id    String                         COMMENT 'Whose credits they are',
    credit_system  LowCardinality(String)         COMMENT 'Which credits',
    product        LowCardinality(String)         COMMENT 'Product that the customer has in the period',
    period_start   DateTime64(9, 'UTC')           COMMENT 'Start of the period, inclusive',
    period_end     Nullable(DateTime64(9, 'UTC')) COMMENT 'End of the period, exclusive; null for a period that never ends',
    granted        Nullable(Decimal(76, 18))      COMMENT 'Allowance and grants; null when unlimited',
    used           Decimal(76, 18)                COMMENT 'Credits used',
    balance        Nullable(Decimal(76, 18))      COMMENT 'granted - used, below zero in overage; null when unlimited',
    remaining      Nullable(Decimal(76, 18))      COMMENT 'What is left of granted, never below zero; null when unlimited',
    overage        Decimal(76, 18)                COMMENT 'What was used beyond granted = billable + capped',
    billable       Decimal(76, 18)                COMMENT 'Overage that has a price',
    capped         Decimal(76, 18)                COMMENT 'Overage that has no price or lies beyond a limit',
    unrated_events UInt64                         COMMENT 'Events of the period that no price matched, wholly or in part',
    trial          Bool                           COMMENT 'The period is a trial: none of its overage is billed',
    seats          UInt64                         COMMENT 'Seats that multiply allowance and limit'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT customer_id, credit_system, product, period_start, period_end, granted, used, balance, remaining,
    overage, billable, capped, unrated_events, trial, seats
FROM balances
WHERE run_seq = (SELECT max(run_seq) FROM aggregate_runs)
COMMENT 'Credits per customer, credit system and period, as of the latest aggregate run'
