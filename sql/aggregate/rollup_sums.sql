-- Events and tokens of the given loads, and what they replace, as rolled up and as they are raw. Grain: load. The span holds all their events.
SELECT
    load_seq,
    sum(daily_rows) AS daily_rows,
    sum(rolled_events) AS rolled_events,
    sum(raw_events) AS raw_events,
    toString(sumForEach(rolled_tokens)) AS rolled_tokens,
    toString(sumForEach(raw_tokens)) AS raw_tokens
FROM
(
    SELECT load_seq, count() AS daily_rows, sum(events) AS rolled_events, toUInt64(0) AS raw_events,
        [sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens),
            sum(reasoning_tokens)] AS rolled_tokens,
        arrayResize([toUInt128(0)], 5) AS raw_tokens
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
    GROUP BY load_seq
    UNION ALL
    SELECT load_seq, toUInt64(0) AS daily_rows, toUInt64(0) AS rolled_events, count() AS raw_events,
        arrayResize([toUInt128(0)], 5) AS rolled_tokens,
        [sum(toUInt128(input_tokens)), sum(toUInt128(cached_input_tokens)), sum(toUInt128(cache_write_tokens)),
            sum(toUInt128(output_tokens)), sum(toUInt128(reasoning_tokens))] AS raw_tokens
    FROM usage_events
    WHERE load_seq IN {loads:Array(UInt64)}
        AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at <= {to:DateTime64(9, 'UTC')}
    GROUP BY load_seq
    UNION ALL
    SELECT load_seq, toUInt64(0) AS daily_rows, toUInt64(0) AS rolled_events, count() AS raw_events,
        arrayResize([toUInt128(0)], 5) AS rolled_tokens,
        [sum(toUInt128(input_tokens)), sum(toUInt128(cached_input_tokens)), sum(toUInt128(cache_write_tokens)),
            sum(toUInt128(output_tokens)), sum(toUInt128(reasoning_tokens))] AS raw_tokens
    FROM
    (
        SELECT load_seq, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM duplicate_events
        WHERE load_seq IN {loads:Array(UInt64)}
        UNION ALL
        SELECT load_seq, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
        FROM replaced_events
        WHERE load_seq IN {loads:Array(UInt64)}
    )
    GROUP BY load_seq
)
GROUP BY load_seq
ORDER BY load_seq
