-- Writes the usage events of usage.sql with their time as a timestamp, as files with types have it. 10 million rows are
-- 190 MB of Parquet. Grain: event.
INSERT INTO FUNCTION file({file:String}, {format:String})
SELECT
    toString(generateUUIDv7()) AS event_id,
    toDateTime64('2026-10-01 00:00:00', 3, 'UTC')
        + toIntervalMillisecond(intDiv(number * 2678400000, {rows:UInt64})) AS occurred_at,
    concat('cus_', leftPad(toString(toUInt32(pow(divide(rand(1), 4294967296), 3) * 20000)), 6, '0')) AS customer_id,
    ['small-model', 'medium-model', 'large-model'][1 + rand(2) % 3] AS model,
    rand(3) % 4000 AS input_tokens,
    if(rand(5) % 4 = 0, rand(6) % 2000, 0) AS cached_input_tokens,
    rand(4) % 1500 AS output_tokens
FROM numbers({rows:UInt64})
SETTINGS engine_file_truncate_on_insert = 1
