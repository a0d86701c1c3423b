-- Usage of a customer in a period, from the raw events that count when only the given loads do. Grain: accounting day,
-- number of price changes before the event, model or feature, load. Inputs: customer, the period, timezone,
-- price_changes, loads, and rows, which asks for the numbers of the rows in their file too.
WITH
    splitByChar(',', units) AS names,
    sumMap(arrayMap(name -> replaceOne(name, '.nano', ''), names), arrayMap(
        (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9)),
        names, quantities)) AS sums
SELECT
    toDate(occurred_at, {timezone:String}) AS day,
    toUInt32(arrayCount(change -> change <= occurred_at, {price_changes:Array(DateTime64(9, 'UTC'))})) AS epoch,
    toString(model) AS used_model,
    toString(feature) AS used_feature,
    load_seq,
    count() AS events,
    sums.1 AS unit_names,
    sums.2 AS amounts,
    arraySort(groupArrayIf(row_number, {rows:Bool})) AS row_numbers
FROM
(
    SELECT occurred_at, model, feature, load_seq, row_number, units, quantities
    FROM usage_events
    WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
        AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
    UNION ALL
    SELECT occurred_at, model, feature, load_seq, row_number, units, quantities
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
GROUP BY day, epoch, used_model, used_feature, load_seq
ORDER BY day, epoch, used_model, used_feature, load_seq
