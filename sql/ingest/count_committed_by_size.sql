-- How many committed files and objects have that stored size. Grain: one row.
SELECT count()
FROM
(
    SELECT load_seq FROM loads FINAL WHERE status = 'committed' AND size_bytes = {size_bytes:UInt64}
    UNION ALL
    SELECT load_seq
    FROM load_objects
    WHERE size_bytes = {size_bytes:UInt64} AND load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed')
)
