-- Files whose last load did not come in: being read, refused for its rejects, or killed, and neither loaded nor dismissed since.
-- A source that never brought in a row has none that are missed. Grain: file.
SELECT file, load_seq, status, started_at
FROM (SELECT file, load_seq, status, source, started_at FROM loads FINAL WHERE file != '' ORDER BY file, load_seq DESC LIMIT 1 BY file)
WHERE status IN ('loading', 'aborted', 'discarded')
    AND source IN (SELECT source FROM loads FINAL WHERE status IN ('committed', 'withdrawn'))
ORDER BY load_seq
