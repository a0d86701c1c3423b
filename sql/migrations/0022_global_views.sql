-- Sets that views look rows up in are made once and sent along (GLOBAL IN), so that the same views can read tables that are
-- spread over servers.
CREATE OR REPLACE VIEW counted_replaced
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT replaced.replaced_load_seq AS load_seq, replaced.replaced_row_number AS row_number
FROM replaced_events AS replaced
WHERE replaced.load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
COMMENT 'Rows whose place a row of a later load takes that counts'
-- next
CREATE OR REPLACE VIEW counted_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    units, quantities, properties
FROM usage_events
WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted_loads) AND load_seq GLOBAL NOT IN (SELECT load_seq FROM counted_replaced)
UNION ALL
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    units, quantities, properties
FROM usage_events
WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted_loads WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted_replaced))
    AND (load_seq, row_number) GLOBAL NOT IN (SELECT load_seq, row_number FROM counted_replaced)
UNION ALL
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    units, quantities, properties
FROM duplicate_events
WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
    AND NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
    AND (load_seq, row_number) GLOBAL NOT IN (SELECT load_seq, row_number FROM counted_replaced)
COMMENT 'Rows of usage_events and duplicate_events that count'
-- next
CREATE OR REPLACE VIEW v_duplicates
(
    load_seq            UInt64                 COMMENT 'Load that brought the row',
    row_number          UInt64                 COMMENT 'Number of the row in its file, from 1',
    kind                LowCardinality(String) COMMENT 'duplicate: equal but for properties; conflict: anything else differs; replaced: a later load took its place (keep)',
    first_load_seq      UInt64                 COMMENT 'Load of the row that stood when this one was loaded, or took its place',
    first_row_number    UInt64                 COMMENT 'Row number of that row',
    source              LowCardinality(String) COMMENT 'Source; (source, event_id) is the identity',
    event_id            String                 COMMENT 'Identity within the source',
    occurred_at         DateTime64(9, 'UTC')   COMMENT 'Time that this row names',
    customer_id         String COMMENT 'Customer that this row names',
    model               LowCardinality(String) COMMENT 'Model that this row names; empty where it names a feature',
    feature             LowCardinality(String) COMMENT 'Feature that this row names in place of a model',
    input_tokens        UInt64                 COMMENT 'Prompt tokens, neither read from nor written to a cache; not counted',
    cached_input_tokens UInt64                 COMMENT 'Prompt tokens read from a cache; not counted',
    cache_write_tokens  UInt64                 COMMENT 'Prompt tokens written to a cache; not counted',
    output_tokens       UInt64                 COMMENT 'Generated tokens without reasoning; not counted',
    reasoning_tokens    UInt64                 COMMENT 'Generated reasoning tokens; not counted',
    quantities          Map(String, Decimal(76, 9)) COMMENT 'What the row counts by unit, those above zero; not counted',
    dimensions          Map(String, String)    COMMENT 'What prices may depend on, such as tier, as the source finds it',
    properties          String                 COMMENT 'Further fields of the log row as JSON; empty for replaced rows and where analyst.properties is off'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT argMax(value, changed_at) = 'hidden' FROM settings WHERE name = 'analyst_properties') AS hidden,
    splitByChar(',', cutQueryStringAndFragment(units)) AS names
SELECT load_seq, row_number, kind, first_load_seq, first_row_number, source, event_id, occurred_at, customer_id, model, feature,
    stored.quantities[indexOf(names, 'input')] AS input_tokens,
    stored.quantities[indexOf(names, 'cached_input')] AS cached_input_tokens,
    stored.quantities[indexOf(names, 'cache_write')] AS cache_write_tokens,
    stored.quantities[indexOf(names, 'output')] AS output_tokens,
    stored.quantities[indexOf(names, 'reasoning')] AS reasoning_tokens,
    CAST(arrayFilter(pair -> pair.2 > 0, arrayMap(
        unit -> (unit, toDecimal256(stored.quantities[indexOf(names, unit)], 9)
            + toDecimal256(stored.quantities[indexOf(names, concat(unit, '.nano'))], 0) * toDecimal64('0.000000001', 9)),
        arrayDistinct(arrayMap(name -> replaceOne(name, '.nano', ''), names)))), 'Map(String, Decimal(76, 9))') AS quantities,
    CAST(arrayMap(pair -> (splitByChar('=', pair)[1], decodeURLFormComponent(splitByChar('=', pair)[2])),
        arrayFilter(pair -> pair != '', splitByChar('&', queryString(stored.units)))), 'Map(String, String)') AS dimensions,
    if(hidden, '', properties) AS properties
FROM
(
    SELECT load_seq, row_number, kind, first_load_seq, first_row_number, source, event_id, occurred_at, customer_id,
        model, feature, units, quantities, properties
    FROM duplicate_events
    WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
        AND hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
    UNION ALL
    SELECT replaced.replaced_load_seq AS load_seq, replaced.replaced_row_number AS row_number, 'replaced' AS kind,
        replaced.load_seq AS first_load_seq, replaced.row_number AS first_row_number, source, event_id, occurred_at,
        customer_id, model, feature, units, quantities, '' AS properties
    FROM replaced_events AS replaced
    WHERE replaced.load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
        AND replaced.replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
        AND NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
) AS stored
COMMENT 'Rows that repeat (duplicate), contradict (conflict) or made way for (replaced) an event that counts; grain: row of a load'
-- next
CREATE OR REPLACE VIEW counted_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH splitByChar(',', cutQueryStringAndFragment(units)) AS names, if(replaced_load_seq = 0, 1, -1) AS sign
SELECT load_seq, day, customer_id, model, feature, sign * toInt64(events) AS events,
    sign * toInt128(quantities[indexOf(names, 'input')]) AS input_tokens,
    sign * toInt128(quantities[indexOf(names, 'cached_input')]) AS cached_input_tokens,
    sign * toInt128(quantities[indexOf(names, 'cache_write')]) AS cache_write_tokens,
    sign * toInt128(quantities[indexOf(names, 'output')]) AS output_tokens,
    sign * toInt128(quantities[indexOf(names, 'reasoning')]) AS reasoning_tokens,
    sign, units, quantities
FROM usage_daily
WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
    AND load_seq GLOBAL IN (
        SELECT load_seq FROM rollups
        WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
            AND load_seq GLOBAL IN (SELECT load_seq FROM counted_loads))
    AND (replaced_load_seq = 0 OR replaced_load_seq GLOBAL IN (
        SELECT load_seq FROM rollups
        WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
            AND load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)))
    AND (empty(superseded_by) OR NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads)))
COMMENT 'Rows of usage_daily that count, in the timezone of the latest run'
-- next
CREATE OR REPLACE VIEW priced_usage
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    -- There is no row to show before the first run, but the type of day has to be known.
    ifNull(nullIf((SELECT argMax(timezone, run_seq) FROM aggregate_runs), ''), 'UTC') AS zone,
    splitByChar(',', cutQueryStringAndFragment(units)) AS names
SELECT day, CAST(NULL, 'Nullable(DateTime64(9, \'UTC\'))') AS at, customer_id, model, feature, events,
    if((customer_id, model, feature) GLOBAL IN (SELECT customer_id, model, feature FROM current_prices WHERE customer_id != ''),
        toString(customer_id), '') AS priced_for,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    sign, units, quantities,
    if((model, feature) GLOBAL IN (SELECT model, feature FROM current_prices WHERE circumstances != ''),
        substring(units, 1 + length(cutQueryStringAndFragment(units))), '') AS circumstances
FROM counted_daily
WHERE (priced_for, model, feature, day) GLOBAL NOT IN
    (SELECT customer_id, model, feature, arrayJoin(split_days) FROM current_prices)
UNION ALL
SELECT toDate(occurred_at, zone) AS day, occurred_at AS at, customer_id, model, feature, 1 AS events,
    if((customer_id, model, feature) GLOBAL IN (SELECT customer_id, model, feature FROM current_prices WHERE customer_id != ''),
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
WHERE (priced_for, model, feature, day) GLOBAL IN
    (SELECT customer_id, model, feature, arrayJoin(split_days) FROM current_prices)
    AND load_seq GLOBAL IN (SELECT load_seq FROM rollups WHERE timezone = zone)
COMMENT 'Usage in the pieces that have one price'
-- next
CREATE OR REPLACE VIEW v_costs
(
    provider      LowCardinality(String) COMMENT 'Who bills it: openai, anthropic, or as a file of one''s own names it',
    kind          LowCardinality(String) COMMENT 'cost: an amount; usage: what was counted',
    day           Date                   COMMENT 'Day in UTC',
    model         LowCardinality(String) COMMENT 'Model as the provider names it; empty where the report does not',
    customer_id   String                 COMMENT 'Whose usage it was, where the report says so; else empty',
    item          String                 COMMENT 'The provider''s words for the line',
    currency      LowCardinality(String) COMMENT 'ISO code in lower case; empty for usage',
    amount        Decimal(76, 18)        COMMENT 'In the currency; 0 for usage',
    input_tokens  UInt64                 COMMENT 'Prompt tokens of all kinds, those read from and written to a cache included',
    output_tokens UInt64                 COMMENT 'Generated tokens of all kinds, reasoning included',
    requests      UInt64                 COMMENT 'Requests; 0 where the report does not say',
    file          String                 COMMENT 'File of the report',
    report_id     String                 COMMENT 'Report: cr_…'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT provider, kind, day, model, customer_id, item, currency, amount, input_tokens, output_tokens, requests, file,
    line.report_id AS report_id
FROM costs AS line
INNER JOIN cost_reports AS report ON report.report_id = line.report_id
WHERE (provider, kind, day, line.report_id) GLOBAL IN
(
    SELECT provider, kind, day, argMax(costs.report_id, (cost_reports.loaded_at, cost_reports.report_id))
    FROM costs
    INNER JOIN cost_reports ON cost_reports.report_id = costs.report_id
    GROUP BY provider, kind, day
)
COMMENT 'What providers bill, and the usage they count, by day and model; grain: line of a report'
