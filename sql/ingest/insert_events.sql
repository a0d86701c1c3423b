-- Takes rows of one load; the columns follow block by block in native format, as input() names them. What is the same in all
-- rows does not go over the wire, and id_hash is the table's own work.
INSERT INTO usage_events (load_seq, source, row_number, event_id, occurred_at, customer_id, model, feature, units, quantities,
    properties)
SELECT {load_seq:UInt64}, {source:String}, *
FROM input('row_number UInt64, event_id String, occurred_at DateTime64(9, \'UTC\'), customer_id String,
    model LowCardinality(String), feature LowCardinality(String), units LowCardinality(String), quantities Array(UInt64),
    properties String')
FORMAT Native
