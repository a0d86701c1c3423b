-- Properties of events before a time, of one customer or of everyone: their rows, bytes and checksum. One row.
SELECT count() AS rows, sum(length(properties)) AS size_bytes, sum(xxh3(properties)) AS checksum
FROM
(
    SELECT occurred_at, customer_id, properties FROM usage_events
    UNION ALL
    SELECT occurred_at, customer_id, properties FROM duplicate_events
)
WHERE properties != '' AND occurred_at < {before:DateTime64(9, 'UTC')}
    AND ({everyone:Bool} OR customer_id = {customer:String})
