-- What the warehouse holds of a load: rows by their fate, and tokens of the rows that count and of those that do not.
-- Grain: one row.
SELECT
    events.rows,
    duplicates.duplicates,
    duplicates.conflicts,
    refused.rows,
    events.input, events.cached_input, events.cache_write, events.output, events.reasoning,
    duplicates.input, duplicates.cached_input, duplicates.cache_write, duplicates.output, duplicates.reasoning
FROM
(
    SELECT
        count() AS rows,
        sum(toUInt128(input_tokens)) AS input,
        sum(toUInt128(cached_input_tokens)) AS cached_input,
        sum(toUInt128(cache_write_tokens)) AS cache_write,
        sum(toUInt128(output_tokens)) AS output,
        sum(toUInt128(reasoning_tokens)) AS reasoning
    FROM usage_events
    WHERE load_seq = {load_seq:UInt64}
) AS events
CROSS JOIN
(
    SELECT
        countIf(kind = 'duplicate') AS duplicates,
        countIf(kind = 'conflict') AS conflicts,
        sum(toUInt128(input_tokens)) AS input,
        sum(toUInt128(cached_input_tokens)) AS cached_input,
        sum(toUInt128(cache_write_tokens)) AS cache_write,
        sum(toUInt128(output_tokens)) AS output,
        sum(toUInt128(reasoning_tokens)) AS reasoning
    FROM duplicate_events
    WHERE load_seq = {load_seq:UInt64}
) AS duplicates
CROSS JOIN
(
    SELECT count() AS rows FROM rejects WHERE load_seq = {load_seq:UInt64}
) AS refused
