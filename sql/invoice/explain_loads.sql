-- The files behind some loads, and when their raw rows expired; null where they are there. Grain: load. Input: loads.
SELECT load_seq, file, sha256, toString(source) AS source_id, toString(status) AS load_status,
    if(expired.load_seq = 0, NULL, expired.at) AS expired_at
FROM (SELECT load_seq, file, sha256, source, status FROM loads FINAL WHERE load_seq IN {loads:Array(UInt64)}) AS named
LEFT JOIN (SELECT load_seq, at FROM expired_loads WHERE step = 'begun') AS expired USING (load_seq)
ORDER BY load_seq
SETTINGS join_use_nulls = 0
