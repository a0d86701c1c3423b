-- Raw texts of rejects: of loads that were done before a time, or those that name one customer. Rows, bytes and checksum.
-- One row.
SELECT count() AS rows, sum(length(raw)) AS size_bytes, sum(xxh3(raw)) AS checksum
FROM rejects
WHERE raw != '' AND load_seq GLOBAL IN
    (SELECT load_seq FROM loads FINAL WHERE status != 'loading' AND changed_at < {before:DateTime64(9, 'UTC')})
    AND ({everyone:Bool} OR position(raw, {customer:String}) > 0)
