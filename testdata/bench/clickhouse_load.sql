-- ClickHouse's own loader, into the same table as creditmill's loads: it checks nothing and keeps no lineage.
INSERT INTO usage_events (event_id, occurred_at, customer_id, model, units, quantities)
SELECT event_id, occurred_at, customer_id, model, 'input,cached_input,output',
    [input_tokens, cached_input_tokens, output_tokens]
FROM file({file:String}, {format:String}, 'event_id String, occurred_at DateTime64(9, \'UTC\'),
    customer_id String, model LowCardinality(String), input_tokens UInt64, cached_input_tokens UInt64,
    output_tokens UInt64')
SETTINGS date_time_input_format = 'best_effort'
