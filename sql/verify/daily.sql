-- Rows of the rollup that are not what the raw events of the given loads, and those that they replace, add up to, at most `most` of
-- them. Grain: load, replaced load, superseded_by, day, customer, model. The arrays hold events, then tokens by pool.
SELECT
    load_seq,
    toString(day) AS day_text,
    customer,
    used_model,
    [toString(sumIf(events, rolled)), toString(sumIf(input, rolled)), toString(sumIf(cached_input, rolled)),
        toString(sumIf(cache_write, rolled)), toString(sumIf(output, rolled)),
        toString(sumIf(reasoning, rolled))] AS rolled_sums,
    [toString(sumIf(events, NOT rolled)), toString(sumIf(input, NOT rolled)), toString(sumIf(cached_input, NOT rolled)),
        toString(sumIf(cache_write, NOT rolled)), toString(sumIf(output, NOT rolled)),
        toString(sumIf(reasoning, NOT rolled))] AS raw_sums
FROM
(
    SELECT load_seq, replaced_load_seq, superseded_by, day, toString(customer_id) AS customer, toString(model) AS used_model,
        true AS rolled, events, input_tokens AS input, cached_input_tokens AS cached_input,
        cache_write_tokens AS cache_write, output_tokens AS output, reasoning_tokens AS reasoning
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
    UNION ALL
    SELECT load_seq, 0, emptyArrayUInt64(), toDate(occurred_at, {timezone:String}), toString(customer_id), toString(model),
        false, toUInt64(1), toUInt128(input_tokens), toUInt128(cached_input_tokens), toUInt128(cache_write_tokens),
        toUInt128(output_tokens), toUInt128(reasoning_tokens)
    FROM usage_events
    WHERE load_seq IN {loads:Array(UInt64)}
    UNION ALL
    SELECT load_seq, 0, superseded_by, toDate(occurred_at, {timezone:String}), toString(customer_id), toString(model),
        false, toUInt64(1), toUInt128(input_tokens), toUInt128(cached_input_tokens), toUInt128(cache_write_tokens),
        toUInt128(output_tokens), toUInt128(reasoning_tokens)
    FROM duplicate_events
    WHERE load_seq IN {loads:Array(UInt64)}
    UNION ALL
    SELECT load_seq, replaced_load_seq, superseded_by, toDate(occurred_at, {timezone:String}), toString(customer_id),
        toString(model), false, toUInt64(1), toUInt128(input_tokens), toUInt128(cached_input_tokens),
        toUInt128(cache_write_tokens), toUInt128(output_tokens), toUInt128(reasoning_tokens)
    FROM replaced_events
    WHERE load_seq IN {loads:Array(UInt64)}
)
GROUP BY load_seq, replaced_load_seq, superseded_by, day, customer, used_model
HAVING rolled_sums != raw_sums
ORDER BY load_seq, day_text, customer, used_model
LIMIT {most:UInt64}
SETTINGS max_bytes_before_external_group_by = 1000000000
