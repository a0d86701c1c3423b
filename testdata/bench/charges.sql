-- Writes the usage of October 2026 of many customers, each of whom uses three models and comes to 20,000 credits by the
-- seed's catalog: 10,000 more than Pro allows. Grain: event, three for each customer.
INSERT INTO FUNCTION file({file:String}, {format:String})
SELECT
    concat('charge-', toString(number)) AS event_id,
    toDateTime64('2026-10-01 00:00:00', 3, 'UTC') + toIntervalSecond(number % 2678400) AS occurred_at,
    concat('cus_', leftPad(toString(intDiv(number, 3)), 6, '0')) AS customer_id,
    ['small-model', 'medium-model', 'large-model'][1 + number % 3] AS model,
    [50000, 10000, 1000][1 + number % 3] AS input_tokens
FROM numbers({rows:UInt64})
SETTINGS engine_file_truncate_on_insert = 1
