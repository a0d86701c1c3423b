-- Usage of a customer in a period, from the raw events that count when only the given loads do. Grain: accounting day,
-- number of price changes before the event, model, load. Inputs: customer, the period, timezone, price_changes, loads,
-- and rows, which asks for the numbers of the rows in their file too.
SELECT
    toDate(occurred_at, {timezone:String}) AS day,
    toUInt32(arrayCount(change -> change <= occurred_at, {price_changes:Array(DateTime64(9, 'UTC'))})) AS epoch,
    toString(model) AS used_model,
    load_seq,
    count() AS events,
    sum(toUInt128(input_tokens)) AS input,
    sum(toUInt128(cached_input_tokens)) AS cached_input,
    sum(toUInt128(cache_write_tokens)) AS cache_write,
    sum(toUInt128(output_tokens)) AS output,
    sum(toUInt128(reasoning_tokens)) AS reasoning,
    arraySort(groupArrayIf(row_number, {rows:Bool})) AS row_numbers
FROM
(
    SELECT occurred_at, model, load_seq, row_number,
        input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    FROM usage_events
    WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
        AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
    UNION ALL
    SELECT occurred_at, model, load_seq, row_number,
        input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    FROM duplicate_events
    WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
        AND NOT hasAny(superseded_by, {loads:Array(UInt64)})
        AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
)
WHERE (load_seq, row_number) NOT IN
    (
        SELECT replaced_load_seq, replaced_row_number
        FROM replaced_events
        WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
            AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
    )
GROUP BY day, epoch, used_model, load_seq
ORDER BY day, epoch, used_model, load_seq
