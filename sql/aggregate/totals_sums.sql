-- Usage of the loads rolled up that nothing supersedes, as added up in totals and as in usage_daily. Grain: one row. Input:
-- counted. The arrays hold events, then tokens by pool.
SELECT
    (SELECT count() FROM usage_totals WHERE totals_seq = {totals_seq:UInt64}) AS rows,
    (SELECT countIf(exact) FROM usage_totals WHERE totals_seq = {totals_seq:UInt64}) AS exact_rows,
    (SELECT sum(events) FROM usage_totals WHERE totals_seq = {totals_seq:UInt64}) AS events,
    toString((SELECT [toUInt128(sum(events)), sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens),
        sum(output_tokens), sum(reasoning_tokens)]
        FROM usage_totals WHERE totals_seq = {totals_seq:UInt64})) AS totalled,
    toString((SELECT [toUInt128(sum(if(replaced_load_seq = 0, 1, -1) * toInt128(events))),
        toUInt128(sum(if(replaced_load_seq = 0, 1, -1) * toInt128(input_tokens))),
        toUInt128(sum(if(replaced_load_seq = 0, 1, -1) * toInt128(cached_input_tokens))),
        toUInt128(sum(if(replaced_load_seq = 0, 1, -1) * toInt128(cache_write_tokens))),
        toUInt128(sum(if(replaced_load_seq = 0, 1, -1) * toInt128(output_tokens))),
        toUInt128(sum(if(replaced_load_seq = 0, 1, -1) * toInt128(reasoning_tokens)))]
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq IN (SELECT load_seq FROM counted WHERE rolled = 1)
            AND (replaced_load_seq = 0 OR replaced_load_seq IN (SELECT load_seq FROM counted))
            AND empty(superseded_by))) AS daily
