-- Loads by number, whatever became of them since. Grain: load. They are given as not rolled up: their raw events are read.
SELECT load_seq, toUInt8(0) AS rolled, rows_loaded + rows_duplicate + rows_conflict AS events, rows_masked AS replaced,
    occurred_from, occurred_to
FROM loads FINAL
WHERE load_seq IN {loads:Array(UInt64)}
ORDER BY load_seq
