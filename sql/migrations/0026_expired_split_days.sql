-- A price that begins within a day divides it, and usage of such a day is priced row by row. Of loads whose rows expired, days
-- that nothing divided by then have no rows: they are priced as a whole, by the price at the day's start.
CREATE OR REPLACE VIEW counted_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH splitByChar(',', cutQueryStringAndFragment(units)) AS names, if(replaced_load_seq = 0, 1, -1) AS sign
SELECT load_seq, day, customer_id, model, feature, sign * toInt64(events) AS events,
    sign * toInt128(quantities[indexOf(names, 'input')]) AS input_tokens,
    sign * toInt128(quantities[indexOf(names, 'cached_input')]) AS cached_input_tokens,
    sign * toInt128(quantities[indexOf(names, 'cache_write')]) AS cache_write_tokens,
    sign * toInt128(quantities[indexOf(names, 'output')]) AS output_tokens,
    sign * toInt128(quantities[indexOf(names, 'reasoning')]) AS reasoning_tokens,
    sign, units, quantities, superseded_by
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
SELECT day, toTimeZone(toDateTime64(toString(day), 9, zone), 'UTC') AS at, customer_id, model, feature, events,
    if((customer_id, model, feature) GLOBAL IN (SELECT customer_id, model, feature FROM current_prices WHERE customer_id != ''),
        toString(customer_id), '') AS priced_for,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    sign, units, quantities,
    if((model, feature) GLOBAL IN (SELECT model, feature FROM current_prices WHERE circumstances != ''),
        substring(units, 1 + length(cutQueryStringAndFragment(units))), '') AS circumstances
FROM counted_daily
WHERE (priced_for, model, feature, day) GLOBAL IN
    (SELECT customer_id, model, feature, arrayJoin(split_days) FROM current_prices)
    AND sign = 1 AND empty(superseded_by)
    AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)
    AND (load_seq, customer_id, day) GLOBAL NOT IN (SELECT load_seq, customer_id, day FROM kept_days)
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
    AND (load_seq, row_number) GLOBAL NOT IN
        (SELECT load_seq, row_number FROM expired_events WHERE load_seq GLOBAL IN
            (SELECT load_seq FROM expired_loads GROUP BY load_seq HAVING countIf(step = 'done') = 0))
COMMENT 'Usage in the pieces that have one price'
