-- Rolls the given loads up: usage_daily rows by load, replaced load, superseded_by, accounting day, customer and model.
-- Guarantees: each event of the loads, superseded or not, and each that they replace, is in exactly one row. The span holds all their events.
-- Keys are plain strings, the usual branch has no array among them, and load and day are one number: that more than halves
-- the time of the grouping.
INSERT INTO usage_daily (load_seq, timezone, replaced_load_seq, superseded_by, day, customer_id, model, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens)
SELECT intDiv(load_day, 65536), {timezone:String}, 0, emptyArrayUInt64(), toDate(toUInt16(load_day % 65536)), customer_id,
    used_model, count(),
    sum(toUInt128(input_tokens)), sum(toUInt128(cached_input_tokens)), sum(toUInt128(cache_write_tokens)),
    sum(toUInt128(output_tokens)), sum(toUInt128(reasoning_tokens))
FROM usage_events
WHERE load_seq IN {loads:Array(UInt64)}
    AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at <= {to:DateTime64(9, 'UTC')}
GROUP BY load_seq * 65536 + toUInt16(toDate(occurred_at, {timezone:String})) AS load_day, customer_id,
    toString(model) AS used_model
UNION ALL
SELECT load_seq, {timezone:String}, 0, superseded_by, toDate(occurred_at, {timezone:String}) AS day,
    customer_id, toString(model) AS used_model, count(),
    sum(toUInt128(input_tokens)), sum(toUInt128(cached_input_tokens)), sum(toUInt128(cache_write_tokens)),
    sum(toUInt128(output_tokens)), sum(toUInt128(reasoning_tokens))
FROM duplicate_events
WHERE load_seq IN {loads:Array(UInt64)}
GROUP BY load_seq, superseded_by, day, customer_id, used_model
UNION ALL
SELECT load_seq, {timezone:String}, replaced_load_seq, superseded_by, toDate(occurred_at, {timezone:String}) AS day,
    customer_id, toString(model) AS used_model, count(),
    sum(toUInt128(input_tokens)), sum(toUInt128(cached_input_tokens)), sum(toUInt128(cache_write_tokens)),
    sum(toUInt128(output_tokens)), sum(toUInt128(reasoning_tokens))
FROM replaced_events
WHERE load_seq IN {loads:Array(UInt64)}
GROUP BY load_seq, replaced_load_seq, superseded_by, day, customer_id, used_model
SETTINGS max_insert_threads = 2
