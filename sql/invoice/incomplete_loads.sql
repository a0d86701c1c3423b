-- Files whose last load did not come in: being read, refused for its rejects, or killed, and not loaded since. Grain: file.
SELECT file, load_seq, status, started_at
FROM (SELECT file, load_seq, status, started_at FROM loads FINAL WHERE file != '' ORDER BY file, load_seq DESC LIMIT 1 BY file)
WHERE status IN ('loading', 'aborted', 'discarded')
ORDER BY load_seq
