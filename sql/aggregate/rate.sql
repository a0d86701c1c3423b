-- Spend per customer, slice and model, and with by_day accounting day. Grain: up to one row per path (rollup, raw) and set
-- of pools; add the rows up. Without by_day, day is 1970-01-01. Tokens are UInt128, given as their low and high 64 bits.
-- Inputs: counted (load_seq, rolled, totalled, daily), unfit, slices, split_days and rates; the customers and models named
-- by the parameters. A customer without slices of its own uses those of timeline ''. Usage comes from the rollup: from its totals
-- for totalled loads, but not for unfit customers, of whom a boundary divides some total. It comes from the raw events for
-- loads not rolled up, days split by a boundary (which exact totals hold, too), and models of which an event may be priced
-- in part; all_raw says that there are such models or unfit customers, so that totalled loads are read. The section
-- any_exact is for whatever has an instant of its own.
-- Events that later loads replace are added as their negative, modulo 2^64 and 2^128. The event that one takes off may come by another
-- path, so the paths are added up where any_replaced says that there are some.
-- Guarantees: each event that counts before the last slice's end is in exactly one row; boundaries are half-open.
WITH
    (SELECT groupArray(load_seq) FROM counted) AS counted_loads,
    daily AS
    (
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, day, day AS last_day, events,
            input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM usage_daily
        WHERE timezone = {timezone:String}
            AND load_seq IN (SELECT load_seq FROM counted WHERE daily = 1) AND replaced_load_seq = 0
            AND (empty(superseded_by) OR NOT hasAny(superseded_by, counted_loads))
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND model NOT IN {row_by_row:Array(String)}
            AND (timeline, day) NOT IN (SELECT timeline, day FROM split_days)
            AND (load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by)
                OR customer_id IN (SELECT customer_id FROM unfit))
-- if any_replaced
        UNION ALL
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, day, day AS last_day,
            toUInt64(-toInt64(events)) AS events, toUInt128(-toInt128(input_tokens)) AS input_tokens,
            toUInt128(-toInt128(cached_input_tokens)) AS cached_input_tokens,
            toUInt128(-toInt128(cache_write_tokens)) AS cache_write_tokens,
            toUInt128(-toInt128(output_tokens)) AS output_tokens, toUInt128(-toInt128(reasoning_tokens)) AS reasoning_tokens
        FROM usage_daily
        WHERE timezone = {timezone:String}
            AND load_seq IN (SELECT load_seq FROM counted WHERE daily = 1)
            AND replaced_load_seq IN (SELECT load_seq FROM counted)
            AND NOT hasAny(superseded_by, counted_loads)
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND model NOT IN {row_by_row:Array(String)}
            AND (timeline, day) NOT IN (SELECT timeline, day FROM split_days)
            AND (load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by)
                OR customer_id IN (SELECT customer_id FROM unfit))
-- end if
        UNION ALL
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, first_day AS day, last_day, events,
            input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64} AND NOT exact
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND model NOT IN {row_by_row:Array(String)}
            AND customer_id NOT IN (SELECT customer_id FROM unfit)
    ),
-- if any_exact
    raw AS
    (
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, occurred_at,
            toDate(occurred_at, {timezone:String}) AS day,
            if(model IN {row_by_row:Array(String)},
                (input_tokens > 0) + 2 * (cached_input_tokens > 0) + 4 * (cache_write_tokens > 0)
                    + 8 * (output_tokens > 0) + 16 * (reasoning_tokens > 0),
                0) AS pools,
            toUInt64(1) AS events, toUInt128(input_tokens) AS input_tokens,
            toUInt128(cached_input_tokens) AS cached_input_tokens, toUInt128(cache_write_tokens) AS cache_write_tokens,
            toUInt128(output_tokens) AS output_tokens, toUInt128(reasoning_tokens) AS reasoning_tokens
        FROM usage_events
        WHERE {any_raw:Bool}
            AND load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0 OR {all_raw:Bool})
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND (load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
                OR model IN {row_by_row:Array(String)}
                OR (timeline, toDate(occurred_at, {timezone:String})) IN (SELECT timeline, day FROM split_days)
                    AND (load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0)
                        OR customer_id IN (SELECT customer_id FROM unfit)))
        UNION ALL
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, occurred_at,
            toDate(occurred_at, {timezone:String}) AS day,
            if(model IN {row_by_row:Array(String)},
                (input_tokens > 0) + 2 * (cached_input_tokens > 0) + 4 * (cache_write_tokens > 0)
                    + 8 * (output_tokens > 0) + 16 * (reasoning_tokens > 0),
                0) AS pools,
            toUInt64(1) AS events, toUInt128(input_tokens) AS input_tokens,
            toUInt128(cached_input_tokens) AS cached_input_tokens, toUInt128(cache_write_tokens) AS cache_write_tokens,
            toUInt128(output_tokens) AS output_tokens, toUInt128(reasoning_tokens) AS reasoning_tokens
        FROM duplicate_events
        WHERE {any_raw:Bool}
            AND load_seq IN (SELECT load_seq FROM counted)
            AND NOT hasAny(superseded_by, counted_loads)
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND (load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
                OR model IN {row_by_row:Array(String)}
                OR (timeline, toDate(occurred_at, {timezone:String})) IN (SELECT timeline, day FROM split_days))
-- end if
-- if any_replaced_exact
        UNION ALL
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, occurred_at,
            toDate(occurred_at, {timezone:String}) AS day,
            if(model IN {row_by_row:Array(String)},
                (input_tokens > 0) + 2 * (cached_input_tokens > 0) + 4 * (cache_write_tokens > 0)
                    + 8 * (output_tokens > 0) + 16 * (reasoning_tokens > 0),
                0) AS pools,
            toUInt64(-1) AS events, toUInt128(-toInt128(input_tokens)) AS input_tokens,
            toUInt128(-toInt128(cached_input_tokens)) AS cached_input_tokens,
            toUInt128(-toInt128(cache_write_tokens)) AS cache_write_tokens,
            toUInt128(-toInt128(output_tokens)) AS output_tokens, toUInt128(-toInt128(reasoning_tokens)) AS reasoning_tokens
        FROM replaced_events
        WHERE {any_raw:Bool}
            AND load_seq IN (SELECT load_seq FROM counted)
            AND replaced_load_seq IN (SELECT load_seq FROM counted)
            AND NOT hasAny(superseded_by, counted_loads)
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND (load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
                OR model IN {row_by_row:Array(String)}
                OR (timeline, toDate(occurred_at, {timezone:String})) IN (SELECT timeline, day FROM split_days)
                    AND (load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by)
                        OR customer_id IN (SELECT customer_id FROM unfit)))
-- end if
-- if any_exact
        UNION ALL
        SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
            toString(customer_id) AS customer, toString(model) AS used_model, first_at AS occurred_at, first_day AS day,
            0 AS pools, events, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64} AND exact
            AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
            AND model NOT IN {row_by_row:Array(String)}
            AND customer_id NOT IN (SELECT customer_id FROM unfit)
    ),
-- end if
-- if any_replaced
    parts AS
-- end if
-- if none_replaced
    sums AS
-- end if
    (
        SELECT customer, slice, epoch, product_system, used_model, if({by_day:Bool}, day, toDate(0)) AS used_day,
            toUInt8(0) AS pools, sum(events) AS event_count,
            sum(input_tokens) AS input_sum, sum(cached_input_tokens) AS cached_input_sum,
            sum(cache_write_tokens) AS cache_write_sum, sum(output_tokens) AS output_sum,
            sum(reasoning_tokens) AS reasoning_sum
        FROM daily
        ASOF INNER JOIN (SELECT * FROM slices WHERE first_day < end_day) AS whole
            ON whole.timeline = daily.timeline AND daily.day >= whole.first_day
        WHERE daily.last_day < whole.end_day
        GROUP BY customer, slice, epoch, product_system, used_model, used_day
-- if any_exact
        UNION ALL
        SELECT customer, slice, epoch, product_system, used_model, if({by_day:Bool}, day, toDate(0)) AS used_day,
            toUInt8(pools) AS pools, sum(events) AS event_count,
            sum(input_tokens) AS input_sum, sum(cached_input_tokens) AS cached_input_sum,
            sum(cache_write_tokens) AS cache_write_sum, sum(output_tokens) AS output_sum,
            sum(reasoning_tokens) AS reasoning_sum
        FROM raw
        ASOF INNER JOIN slices AS exact
            ON exact.timeline = raw.timeline AND raw.occurred_at >= exact.starts_at
        WHERE raw.occurred_at < exact.ends_at
        GROUP BY customer, slice, epoch, product_system, used_model, used_day, pools
-- end if
-- if any_replaced
    ),
    sums AS
    (
        SELECT customer, slice, epoch, product_system, used_model, used_day, pools, sum(parts.event_count) AS event_count,
            sum(parts.input_sum) AS input_sum, sum(parts.cached_input_sum) AS cached_input_sum,
            sum(parts.cache_write_sum) AS cache_write_sum, sum(parts.output_sum) AS output_sum,
            sum(parts.reasoning_sum) AS reasoning_sum
        FROM parts
        GROUP BY customer, slice, epoch, product_system, used_model, used_day, pools
        HAVING event_count > 0
-- end if
    )
SELECT
    sums.customer AS customer_id,
    sums.slice AS slice,
    sums.used_day AS day,
    rates.kind AS kind,
    sums.event_count AS events,
    if(rates.priced = 0 OR bitAnd(sums.pools, rates.unpriced_pools) != 0, sums.event_count, 0) AS unrated_events,
    toUInt64(sums.input_sum) AS input_low, toUInt64(bitShiftRight(sums.input_sum, 64)) AS input_high,
    toUInt64(sums.cached_input_sum) AS cached_input_low, toUInt64(bitShiftRight(sums.cached_input_sum, 64)) AS cached_input_high,
    toUInt64(sums.cache_write_sum) AS cache_write_low, toUInt64(bitShiftRight(sums.cache_write_sum, 64)) AS cache_write_high,
    toUInt64(sums.output_sum) AS output_low, toUInt64(bitShiftRight(sums.output_sum, 64)) AS output_high,
    toUInt64(sums.reasoning_sum) AS reasoning_low, toUInt64(bitShiftRight(sums.reasoning_sum, 64)) AS reasoning_high,
    toDecimal256(sums.input_sum, 0) * rates.input
        + toDecimal256(sums.cached_input_sum, 0) * rates.cached_input
        + toDecimal256(sums.cache_write_sum, 0) * rates.cache_write
        + toDecimal256(sums.output_sum, 0) * rates.output
        + toDecimal256(sums.reasoning_sum, 0) * rates.reasoning AS credits
FROM sums
LEFT JOIN rates ON rates.epoch = sums.epoch AND rates.product_system = sums.product_system
    AND rates.model = sums.used_model
ORDER BY customer_id, slice, kind, day
SETTINGS decimal_check_overflow = 1, join_use_nulls = 0, max_bytes_before_external_group_by = 1000000000,
    max_bytes_before_external_sort = 1000000000
