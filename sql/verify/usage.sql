-- Customers whose stored spend does not hold exactly their raw events before an instant, at most `most`. Grain: customer.
-- Input: counted (load_seq). It is a way of its own from the rows to the figures: no rollup, no periods, no prices. The
-- arrays hold events, then tokens by pool; what is replaced is added as its negative, modulo 2^64 and 2^128.
WITH (SELECT groupArray(load_seq) FROM counted) AS counted_loads
SELECT
    customer,
    [toString(sumIf(events, stored)), toString(sumIf(input, stored)), toString(sumIf(cached_input, stored)),
        toString(sumIf(cache_write, stored)), toString(sumIf(output, stored)),
        toString(sumIf(reasoning, stored))] AS stored_sums,
    [toString(sumIf(events, NOT stored)), toString(sumIf(input, NOT stored)), toString(sumIf(cached_input, NOT stored)),
        toString(sumIf(cache_write, NOT stored)), toString(sumIf(output, NOT stored)),
        toString(sumIf(reasoning, NOT stored))] AS raw_sums
FROM
(
    SELECT customer_id AS customer, true AS stored, events, input_tokens AS input, cached_input_tokens AS cached_input,
        cache_write_tokens AS cache_write, output_tokens AS output, reasoning_tokens AS reasoning
    FROM v_period_spend
    UNION ALL
    SELECT toString(customer_id), false, toUInt64(1), toUInt128(input_tokens), toUInt128(cached_input_tokens),
        toUInt128(cache_write_tokens), toUInt128(output_tokens), toUInt128(reasoning_tokens)
    FROM usage_events
    WHERE load_seq IN (SELECT load_seq FROM counted) AND occurred_at < {as_of:DateTime64(9, 'UTC')}
    UNION ALL
    SELECT toString(customer_id), false, toUInt64(1), toUInt128(input_tokens), toUInt128(cached_input_tokens),
        toUInt128(cache_write_tokens), toUInt128(output_tokens), toUInt128(reasoning_tokens)
    FROM duplicate_events
    WHERE load_seq IN (SELECT load_seq FROM counted) AND occurred_at < {as_of:DateTime64(9, 'UTC')}
        AND NOT hasAny(superseded_by, counted_loads)
    UNION ALL
    SELECT toString(customer_id), false, toUInt64(-1), toUInt128(-toInt128(input_tokens)),
        toUInt128(-toInt128(cached_input_tokens)), toUInt128(-toInt128(cache_write_tokens)),
        toUInt128(-toInt128(output_tokens)), toUInt128(-toInt128(reasoning_tokens))
    FROM replaced_events
    WHERE load_seq IN (SELECT load_seq FROM counted) AND replaced_load_seq IN (SELECT load_seq FROM counted)
        AND occurred_at < {as_of:DateTime64(9, 'UTC')} AND NOT hasAny(superseded_by, counted_loads)
)
GROUP BY customer
HAVING stored_sums != raw_sums AND customer NOT IN {changed:Array(String)}
ORDER BY customer
LIMIT {most:UInt64}
