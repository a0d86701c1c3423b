-- Loads that were begun and neither committed nor given up: under way, or of killed processes.
SELECT load_seq, status, file, sha256, source, size_bytes, rows_read, rows_loaded, rows_duplicate, rows_conflict,
    rows_rejected, rows_skipped, started_at, changed_at, message
FROM loads FINAL
WHERE status = 'loading'
ORDER BY load_seq
