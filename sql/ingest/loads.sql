-- All loads in their present state. Grain: load.
SELECT load_seq, status, file, sha256, source, size_bytes, rows_read, rows_loaded, rows_duplicate, rows_conflict,
    rows_rejected, rows_skipped, rows_replaced, objects, started_at, changed_at, message
FROM loads FINAL
ORDER BY load_seq
