-- One load in its present state, or no row.
SELECT load_seq, status, file, sha256, source, size_bytes, rows_read, rows_loaded, rows_duplicate, rows_conflict,
    rows_rejected, rows_skipped, rows_replaced, objects, started_at, changed_at, message
FROM loads FINAL
WHERE load_seq = {load_seq:UInt64}
ORDER BY load_seq
