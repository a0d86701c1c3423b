-- What the present load replaces: rows of replaced_events, those of them that counted until now, the load's own rows in their
-- place, and the tokens by pool of the former and the latter. Grain: one row.
WITH counted AS
(
    SELECT row_number, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    FROM replaced_events
    WHERE load_seq = {load_seq:UInt64}
        AND NOT hasAny(superseded_by,
            (SELECT groupArray(load_seq) FROM loads FINAL WHERE status = 'committed' AND source = {source:String}))
)
SELECT (SELECT count() FROM replaced_events WHERE load_seq = {load_seq:UInt64}), before.rows, after.rows,
    before.input, before.cached_input, before.cache_write, before.output, before.reasoning,
    after.input, after.cached_input, after.cache_write, after.output, after.reasoning
FROM
(
    SELECT
        count() AS rows,
        sum(toUInt128(input_tokens)) AS input,
        sum(toUInt128(cached_input_tokens)) AS cached_input,
        sum(toUInt128(cache_write_tokens)) AS cache_write,
        sum(toUInt128(output_tokens)) AS output,
        sum(toUInt128(reasoning_tokens)) AS reasoning
    FROM counted
) AS before
CROSS JOIN
(
    SELECT
        count() AS rows,
        sum(toUInt128(input_tokens)) AS input,
        sum(toUInt128(cached_input_tokens)) AS cached_input,
        sum(toUInt128(cache_write_tokens)) AS cache_write,
        sum(toUInt128(output_tokens)) AS output,
        sum(toUInt128(reasoning_tokens)) AS reasoning
    FROM usage_events
    WHERE load_seq = {load_seq:UInt64} AND row_number IN (SELECT row_number FROM counted)
) AS after
