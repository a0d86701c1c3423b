-- Rejected rows of one load, or with load_seq 0 of all committed ones. Grain: rejected row.
SELECT load_seq, row_number, field, reason, raw
FROM rejects
WHERE load_seq = {load_seq:UInt64}
    OR ({load_seq:UInt64} = 0 AND load_seq IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed'))
ORDER BY load_seq, row_number
