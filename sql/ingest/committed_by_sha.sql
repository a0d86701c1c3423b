-- Committed loads of one content, the first one first.
SELECT load_seq, status, file, sha256, source, size_bytes, rows_read, rows_loaded, rows_duplicate, rows_conflict,
    rows_rejected, rows_skipped, started_at, changed_at, message
FROM loads FINAL
WHERE status = 'committed' AND sha256 = {sha256:String}
ORDER BY load_seq
