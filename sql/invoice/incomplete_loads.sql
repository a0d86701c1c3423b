-- Files and objects whose last load did not come in: being read, refused for its rejects, or killed, and neither loaded nor
-- dismissed since. A source that never brought in a row has none that are missed. Grain: file or object.
SELECT file, load_seq, status, started_at
FROM
(
    SELECT file, load_seq, status, source, started_at
    FROM
    (
        SELECT file, load_seq, status, source, started_at FROM loads FINAL WHERE file != ''
        UNION ALL
        SELECT object.url, object.load_seq, load.status, load.source, load.started_at
        FROM load_objects AS object
        INNER JOIN (SELECT load_seq, status, source, started_at FROM loads FINAL WHERE status = 'committed') AS load
            ON load.load_seq = object.load_seq
        WHERE object.url GLOBAL IN (SELECT file FROM loads FINAL WHERE status IN ('loading', 'aborted', 'discarded'))
    )
    ORDER BY file, load_seq DESC
    LIMIT 1 BY file
)
WHERE status IN ('loading', 'aborted', 'discarded')
    AND source GLOBAL IN (SELECT source FROM loads FINAL WHERE status IN ('committed', 'withdrawn'))
ORDER BY load_seq
