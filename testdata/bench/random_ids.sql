-- Writes usage events whose ids are in no order, as those of UUID version 4 are not. Everything of an event follows from its
-- number, so two files whose numbers overlap hold equal events. Grain: event, numbers [first, first + rows).
INSERT INTO FUNCTION file({file:String}, {format:String})
SELECT
    lower(hex(sipHash128(number))) AS event_id,
    formatDateTime(toDateTime64('2026-10-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(number * 200),
        '%Y-%m-%dT%H:%i:%S.%fZ') AS occurred_at,
    concat('cus_', leftPad(toString(cityHash64(number, 1) % 20000), 6, '0')) AS customer_id,
    ['small-model', 'medium-model', 'large-model'][1 + cityHash64(number, 2) % 3] AS model,
    cityHash64(number, 3) % 4000 AS input_tokens,
    cityHash64(number, 4) % 1500 AS output_tokens
FROM numbers({first:UInt64}, {rows:UInt64})
SETTINGS engine_file_truncate_on_insert = 1
