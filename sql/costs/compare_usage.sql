-- What a provider counted against what the logs have, of days in UTC in [from, to) that its reports hold. Grain: day, model.
-- Inputs: provider; from, to (Date). Of the logs only models that the reports name are looked at, and of
-- days none whose raw rows expired.
WITH
    billed AS
    (
        SELECT day, toString(model) AS model, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
        FROM v_costs
        WHERE kind = 'usage' AND provider = {provider:String} AND day >= {from:Date} AND day < {to:Date}
            AND day GLOBAL NOT IN (SELECT arrayJoin([day - 1, day, day + 1]) FROM usage_daily
                WHERE load_seq GLOBAL IN (SELECT load_seq FROM expired_loads))
        GROUP BY day, model
    ),
    logged AS
    (
        SELECT toDate(occurred_at, 'UTC') AS day, toString(model) AS model,
            toUInt128(sumIf(quantity, unit IN ('input', 'cached_input', 'cache_write', 'cache_write_1h', 'input_audio',
                'cached_input_audio', 'input_image', 'input_video'))) AS input_tokens,
            toUInt128(sumIf(quantity, unit IN ('output', 'reasoning', 'output_audio', 'output_image'))) AS output_tokens
        FROM v_event_units
        WHERE occurred_at >= toDateTime64({from:Date}, 9, 'UTC') AND occurred_at < toDateTime64({to:Date}, 9, 'UTC')
            AND model GLOBAL IN (SELECT model FROM billed)
        GROUP BY day, model
        HAVING day GLOBAL IN (SELECT day FROM billed)
    )
SELECT day, model, toDecimal256(sum(input_billed), 0) AS billed_input, toDecimal256(sum(output_billed), 0) AS billed_output,
    toDecimal256(sum(input_logged), 0) AS logged_input, toDecimal256(sum(output_logged), 0) AS logged_output
FROM
(
    SELECT day, model, toUInt128(input_tokens) AS input_billed, toUInt128(output_tokens) AS output_billed,
        toUInt128(0) AS input_logged, toUInt128(0) AS output_logged
    FROM billed
    UNION ALL
    SELECT day, model, 0, 0, input_tokens, output_tokens FROM logged
)
GROUP BY day, model
ORDER BY day, model
