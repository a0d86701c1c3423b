-- The files behind some loads. Grain: load. Input: loads.
SELECT load_seq, file, sha256, toString(source) AS source_id, toString(status) AS load_status
FROM loads FINAL
WHERE load_seq IN {loads:Array(UInt64)}
ORDER BY load_seq
