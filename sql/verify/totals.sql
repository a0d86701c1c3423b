-- Totals that are not what the rollup of their loads adds up to in their span of days, and days that are in none, at most
-- `most`. Grain: customer, model, first day. The arrays hold events, then tokens by pool.
SELECT
    customer,
    used_model,
    toString(from_day) AS day_text,
    [toString(sumIf(events, totalled)), toString(sumIf(input, totalled)), toString(sumIf(cached_input, totalled)),
        toString(sumIf(cache_write, totalled)), toString(sumIf(output, totalled)),
        toString(sumIf(reasoning, totalled))] AS totalled_sums,
    [toString(sumIf(events, NOT totalled)), toString(sumIf(input, NOT totalled)),
        toString(sumIf(cached_input, NOT totalled)), toString(sumIf(cache_write, NOT totalled)),
        toString(sumIf(output, NOT totalled)), toString(sumIf(reasoning, NOT totalled))] AS rolled_sums
FROM
(
    SELECT toString(customer_id) AS customer, toString(model) AS used_model, first_day AS from_day, true AS totalled,
        events, input_tokens AS input, cached_input_tokens AS cached_input, cache_write_tokens AS cache_write,
        output_tokens AS output, reasoning_tokens AS reasoning
    FROM usage_totals
    WHERE totals_seq = {totals_seq:UInt64}
    UNION ALL
    SELECT daily.customer AS customer, daily.used_model AS used_model,
        if(daily.day <= spans.last_day, spans.first_day, daily.day) AS from_day, false AS totalled,
        daily.events AS events, daily.input AS input, daily.cached_input AS cached_input,
        daily.cache_write AS cache_write, daily.output AS output, daily.reasoning AS reasoning
    FROM
    (
        SELECT toString(customer_id) AS customer, toString(model) AS used_model, day, events, input_tokens AS input,
            cached_input_tokens AS cached_input, cache_write_tokens AS cache_write, output_tokens AS output,
            reasoning_tokens AS reasoning
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)} AND empty(superseded_by)
            AND replaced_load_seq = 0
        UNION ALL
        SELECT toString(customer_id), toString(model), day, toUInt64(-toInt64(events)), toUInt128(-toInt128(input_tokens)),
            toUInt128(-toInt128(cached_input_tokens)), toUInt128(-toInt128(cache_write_tokens)),
            toUInt128(-toInt128(output_tokens)), toUInt128(-toInt128(reasoning_tokens))
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)} AND empty(superseded_by)
            AND replaced_load_seq IN {loads:Array(UInt64)}
    ) AS daily
    ASOF LEFT JOIN
    (
        SELECT toString(customer_id) AS customer, toString(model) AS used_model, first_day, last_day
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64}
    ) AS spans ON spans.customer = daily.customer AND spans.used_model = daily.used_model AND daily.day >= spans.first_day
)
GROUP BY customer, used_model, from_day
HAVING totalled_sums != rolled_sums
ORDER BY customer, used_model, from_day
LIMIT {most:UInt64}
SETTINGS max_bytes_before_external_group_by = 1000000000, join_use_nulls = 0
