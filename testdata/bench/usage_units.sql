-- Writes usage events in the canonical shape with 12 units and two dimensions: as usage.sql, and besides every second row has
-- one or two of nine other units, in `units`, and each row a tier and a region. Grain: event.
INSERT INTO FUNCTION file({file:String}, {format:String})
SELECT
    toString(generateUUIDv7()) AS event_id,
    formatDateTime(toDateTime64('2026-10-01 00:00:00', 3, 'UTC')
        + toIntervalMillisecond(intDiv(number * 2678400000, {rows:UInt64})), '%Y-%m-%dT%H:%i:%S.%fZ') AS occurred_at,
    concat('cus_', leftPad(toString(toUInt32(pow(divide(rand(1), 4294967296), 3) * 20000)), 6, '0')) AS customer_id,
    ['small-model', 'medium-model', 'large-model'][1 + rand(2) % 3] AS model,
    rand(3) % 4000 AS input_tokens,
    if(rand(5) % 4 = 0, rand(6) % 2000, 0) AS cached_input_tokens,
    rand(4) % 1500 AS output_tokens,
    CAST(arrayFilter(pair -> rand(7) % 2 = 0, [
        (['cache_write_1h', 'input_audio', 'output_audio', 'input_image', 'output_image'][1 + rand(8) % 5],
            toDecimal64(rand(9) % 900, 1)),
        (['searches', 'pages', 'seconds', 'characters'][1 + rand(10) % 4], toDecimal64(rand(11) % 50, 1))]),
        'Map(String, Decimal(18, 1))') AS units,
    map('tier', ['default', 'batch', 'flex', 'priority'][1 + rand(12) % 4], 'geo', ['us', 'eu', 'global'][1 + rand(13) % 3])
        AS dimensions
FROM numbers({rows:UInt64})
SETTINGS engine_file_truncate_on_insert = 1, output_format_json_quote_decimals = 0
