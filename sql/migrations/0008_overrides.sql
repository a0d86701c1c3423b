-- Customers with prices of their own: prices says whom a price is for.
ALTER TABLE prices
    ADD COLUMN IF NOT EXISTS customer_id String COMMENT 'Whom the price is for; empty for all who have none of their own'
        AFTER catalog_sha,
    MODIFY ORDER BY (catalog_sha, model, feature, credit_system, valid_from, circumstances, customer_id)
-- next
-- Trials: their overage is capped.
ALTER TABLE balances
    ADD COLUMN IF NOT EXISTS trial Bool DEFAULT false COMMENT 'The period is a trial: none of its overage is billed',
    ADD COLUMN IF NOT EXISTS seats UInt64 DEFAULT 1 COMMENT 'Seats that multiply allowance and limit'
-- next
-- Prices of the latest run, those of the units that have columns apart. Grain: as prices.
CREATE OR REPLACE VIEW current_prices
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT customer_id, model, feature, credit_system, feature_id, valid_from, valid_to, first_day, end_day, split_days,
    if(mapContains(costs, 'input'), costs['input'], NULL) AS input,
    if(mapContains(costs, 'cached_input'), costs['cached_input'], NULL) AS cached_input,
    if(mapContains(costs, 'cache_write'), costs['cache_write'], NULL) AS cache_write,
    if(mapContains(costs, 'output'), costs['output'], NULL) AS output,
    if(mapContains(costs, 'reasoning'), costs['reasoning'], NULL) AS reasoning,
    if(mapContains(costs, 'requests'), costs['requests'], NULL) AS requests, costs, circumstances, tests
FROM prices FINAL
WHERE catalog_sha = (SELECT argMax(catalog_sha, run_seq) FROM aggregate_runs)
COMMENT 'Prices of the catalog of the latest run'
-- next
-- Daily usage that counts, and the days that a price change splits event by event: then at is when. Grain: as counted_daily,
-- or event. priced_for is the customer, where it has prices of its own for the model or feature.
CREATE OR REPLACE VIEW priced_usage
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    -- There is no row to show before the first run, but the type of day has to be known.
    ifNull(nullIf((SELECT argMax(timezone, run_seq) FROM aggregate_runs), ''), 'UTC') AS zone,
    splitByChar(',', cutQueryStringAndFragment(units)) AS names
SELECT day, CAST(NULL, 'Nullable(DateTime64(9, \'UTC\'))') AS at, customer_id, model, feature, events,
    if((customer_id, model, feature) IN (SELECT customer_id, model, feature FROM current_prices WHERE customer_id != ''),
        toString(customer_id), '') AS priced_for,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    sign, units, quantities,
    if((model, feature) IN (SELECT model, feature FROM current_prices WHERE circumstances != ''),
        substring(units, 1 + length(cutQueryStringAndFragment(units))), '') AS circumstances
FROM counted_daily
WHERE (priced_for, model, feature, day) NOT IN
    (SELECT customer_id, model, feature, arrayJoin(split_days) FROM current_prices)
UNION ALL
SELECT toDate(occurred_at, zone) AS day, occurred_at AS at, customer_id, model, feature, 1 AS events,
    if((customer_id, model, feature) IN (SELECT customer_id, model, feature FROM current_prices WHERE customer_id != ''),
        toString(customer_id), '') AS priced_for,
    toInt128(quantities[indexOf(names, 'input')]) AS input_tokens,
    toInt128(quantities[indexOf(names, 'cached_input')]) AS cached_input_tokens,
    toInt128(quantities[indexOf(names, 'cache_write')]) AS cache_write_tokens,
    toInt128(quantities[indexOf(names, 'output')]) AS output_tokens,
    toInt128(quantities[indexOf(names, 'reasoning')]) AS reasoning_tokens,
    1 AS sign, units, CAST(quantities, 'Array(UInt128)') AS quantities,
    concat(if(depends, substring(units, 1 + length(cutQueryStringAndFragment(units))), ''), if(empty(tests), '', '#'),
        arrayStringConcat(arrayMap(test -> concat(test, '=', if(startsWith(test, 'context>'),
            toString(toUInt8(context > toUInt128(substring(test, 9)))), '?')), tests), ',')) AS circumstances
FROM
(
    SELECT events.*, tested.tests AS tests, tested.depends AS depends,
        arraySum(arrayMap((name, quantity) -> if(name IN ('input', 'cached_input', 'cache_write', 'cache_write_1h',
                'input_audio', 'cached_input_audio', 'input_image', 'input_video'), toUInt128(quantity), toUInt128(0)),
            splitByChar(',', cutQueryStringAndFragment(events.units)), events.quantities)) AS context
    FROM counted_events AS events
    LEFT JOIN 
    (
        SELECT model, feature, argMax(tests, length(tests)) AS tests, max(circumstances != '') AS depends
        FROM current_prices
        GROUP BY model, feature
    ) AS tested
        ON tested.model = events.model AND tested.feature = events.feature
)
WHERE (priced_for, model, feature, day) IN
    (SELECT customer_id, model, feature, arrayJoin(split_days) FROM current_prices)
    AND load_seq IN (SELECT load_seq FROM rollups WHERE timezone = zone)
COMMENT 'Usage in the pieces that have one price'
-- next
-- Daily spend. Grain: day, customer, model or feature, credit system. Priced by the catalog of the latest run at each event's own
-- time. A customer with prices of its own for a model has those. Usage without any price stands with an empty credit
-- system. A feature that two credit systems price is shown in both; balances charge the one of the customer's product.
CREATE OR REPLACE VIEW v_spend_daily
(
    day                 Date                   COMMENT 'Day by the clock of the catalog timezone',
    customer_id         String COMMENT 'Who used it',
    model               LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature             LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    credit_system       LowCardinality(String) COMMENT 'Credit system that prices it; empty where none does',
    feature_id          LowCardinality(String) COMMENT 'Feature that the model selects, or that the log names; empty where nothing prices it',
    events              UInt64                 COMMENT 'Number of events',
    input_tokens        UInt128                COMMENT 'Prompt tokens, neither read from nor written to a cache',
    cached_input_tokens UInt128                COMMENT 'Prompt tokens read from a cache',
    cache_write_tokens  UInt128                COMMENT 'Prompt tokens written to a cache',
    output_tokens       UInt128                COMMENT 'Generated tokens without reasoning',
    reasoning_tokens    UInt128                COMMENT 'Generated reasoning tokens',
    unrated_tokens      UInt128                COMMENT 'Those of the tokens, of any unit, that have no price',
    credits             Decimal(76, 18)        COMMENT 'Exact credits of all units that are priced'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT day, customer_id, model, feature, credit_system, feature_id, toUInt64(sum(spend.events)) AS events,
    toUInt128(sum(spend.input_tokens)) AS input_tokens,
    toUInt128(sum(spend.cached_input_tokens)) AS cached_input_tokens,
    toUInt128(sum(spend.cache_write_tokens)) AS cache_write_tokens,
    toUInt128(sum(spend.output_tokens)) AS output_tokens,
    toUInt128(sum(spend.reasoning_tokens)) AS reasoning_tokens,
    toUInt128(sum(spend.unrated)) AS unrated_tokens,
    sum(spend.priced) AS credits
FROM
(
    SELECT used.day AS day, used.customer_id AS customer_id, used.model AS model, used.feature AS feature,
        ifNull(price.credit_system, '') AS credit_system, ifNull(price.feature_id, '') AS feature_id, used.events AS events,
        used.input_tokens AS input_tokens, used.cached_input_tokens AS cached_input_tokens,
        used.cache_write_tokens AS cache_write_tokens, used.output_tokens AS output_tokens,
        used.reasoning_tokens AS reasoning_tokens,
        if(isNull(price.input), used.input_tokens, 0)
            + if(isNull(price.cached_input), used.cached_input_tokens, 0)
            + if(isNull(price.cache_write), used.cache_write_tokens, 0)
            + if(isNull(price.output), used.output_tokens, 0)
            + if(isNull(price.reasoning), used.reasoning_tokens, 0) AS unrated,
        toDecimal256(used.input_tokens, 0) * ifNull(price.input, 0)
            + toDecimal256(used.cached_input_tokens, 0) * ifNull(price.cached_input, 0)
            + toDecimal256(used.cache_write_tokens, 0) * ifNull(price.cache_write, 0)
            + toDecimal256(used.output_tokens, 0) * ifNull(price.output, 0)
            + toDecimal256(used.reasoning_tokens, 0) * ifNull(price.reasoning, 0)
            + toDecimal256(used.events, 0) * ifNull(price.requests, 0) AS priced
    FROM priced_usage AS used
    LEFT JOIN current_prices AS price ON price.customer_id = used.priced_for AND price.model = used.model
        AND price.feature = used.feature AND price.circumstances = used.circumstances
        AND if(isNull(used.at), used.day >= price.first_day AND used.day < price.end_day,
            used.at >= price.valid_from AND used.at < price.valid_to)
    UNION ALL
    -- The units without a column of their own: the few rows that have any.
    SELECT used.day, used.customer_id, used.model, used.feature,
        ifNull(price.credit_system, ''), ifNull(price.feature_id, ''), 0, 0, 0, 0, 0, 0,
        used.sign * toInt128(arraySum((unit, amount) -> if(mapContains(price.costs, unit) OR unit NOT IN
            ('cache_write_1h', 'input_audio', 'cached_input_audio', 'output_audio', 'input_image', 'output_image',
            'input_video'), 0, amount), used.names, used.quantities)),
        used.sign * arraySum((name, amount) -> multiIf(
            name IN ('input', 'cached_input', 'cache_write', 'output', 'reasoning'), toDecimal256(0, 18),
            endsWith(name, '.nano'), toDecimal256(amount, 0) * toDecimal64('0.000000001', 9)
                * CAST(price.costs[replaceOne(name, '.nano', '')], 'Decimal(76, 9)'),
            toDecimal256(amount, 0) * price.costs[name]), used.names, used.quantities)
    FROM
    (
        SELECT day, at, customer_id, model, feature, priced_for, circumstances, sign, splitByChar(',', cutQueryStringAndFragment(units)) AS names, quantities
        FROM priced_usage
        WHERE NOT match(units, '^(input|cached_input|cache_write|output|reasoning)(,(input|cached_input|cache_write|output|reasoning))*([?#]|$)')
    ) AS used
    LEFT JOIN current_prices AS price ON price.customer_id = used.priced_for AND price.model = used.model
        AND price.feature = used.feature AND price.circumstances = used.circumstances
        AND if(isNull(used.at), used.day >= price.first_day AND used.day < price.end_day,
            used.at >= price.valid_from AND used.at < price.valid_to)
) AS spend
GROUP BY day, customer_id, model, feature, credit_system, feature_id
HAVING events > 0
COMMENT 'Tokens and credits per accounting day, customer, model or feature, and credit system'
-- next
-- Daily spend, unit by unit. Grain: day, customer, model or feature, credit system, unit. Its credits add up to those of
-- v_spend_daily. Every event counts one request.
CREATE OR REPLACE VIEW v_spend_units
(
    day           Date                   COMMENT 'Day by the clock of the catalog timezone',
    customer_id   String                 COMMENT 'Who used it',
    model         LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature       LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    credit_system LowCardinality(String) COMMENT 'Credit system that prices the model or feature; empty where none does',
    feature_id    LowCardinality(String) COMMENT 'Feature that the model selects, or that the log names; empty where nothing prices it',
    unit          String                 COMMENT 'What is counted: input, output, searches and so on; requests is the number of events',
    quantity      Decimal(76, 9)         COMMENT 'How much of it, above zero',
    unrated       Decimal(76, 9)         COMMENT 'How much of quantity has no price; requests without a price are not meant to have one: 0',
    credits       Decimal(76, 18)        COMMENT 'Exact credits of what has a price'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    used.day AS day,
    used.customer_id AS customer_id,
    used.model AS model,
    used.feature AS feature,
    ifNull(price.credit_system, '') AS credit_system,
    ifNull(price.feature_id, '') AS feature_id,
    used.unit AS unit,
    sum(used.amount) AS quantity,
    if(unit = 'requests', 0, sumIf(used.amount, NOT mapContains(price.costs, used.unit))) AS unrated,
    sum(if(used.in_nanos, used.amount * CAST(price.costs[used.unit], 'Decimal(76, 9)'),
        toDecimal256(used.counted, 0) * price.costs[used.unit])) AS credits
FROM
(
    SELECT day, at, customer_id, model, feature, priced_for, circumstances, replaceOne(name, '.nano', '') AS unit,
        endsWith(name, '.nano') AS in_nanos, sign * toInt128(listed) AS counted,
        toDecimal256(counted, 0) * if(in_nanos, toDecimal64('0.000000001', 9), toDecimal64(1, 9)) AS amount
    FROM priced_usage
    ARRAY JOIN
        arrayPushBack(splitByChar(',', cutQueryStringAndFragment(units)), 'requests') AS name,
        arrayPushBack(quantities, toUInt128(abs(events))) AS listed
    WHERE listed > 0
) AS used
LEFT JOIN current_prices AS price ON price.customer_id = used.priced_for AND price.model = used.model
    AND price.feature = used.feature AND price.circumstances = used.circumstances
    AND if(isNull(used.at), used.day >= price.first_day AND used.day < price.end_day,
        used.at >= price.valid_from AND used.at < price.valid_to)
GROUP BY day, customer_id, model, feature, credit_system, feature_id, unit
HAVING quantity > 0
COMMENT 'Quantities and credits per accounting day, customer, model or feature, credit system and unit'
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
