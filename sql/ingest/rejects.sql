-- Rejected rows of one load, or with load_seq 0 of all committed ones, with the object of each and its number there, where the
-- load is made of objects. Grain: rejected row.
SELECT
    refused.load_seq AS load_seq,
    row_number,
    field,
    reason,
    raw,
    object.url AS object,
    toUInt64(multiIf(object.url = '', 0, row_number < 4503599627370496, row_number - (object.first_row - 1),
        row_number - bitShiftLeft(toUInt64(object.first_row - 1), 20))) AS object_row
FROM
(
    SELECT load_seq, row_number, field, reason, raw,
        if(row_number < 4503599627370496, row_number, bitShiftRight(toUInt64(row_number - 4503599627370496), 20)) AS line
    FROM rejects
    WHERE load_seq = {load_seq:UInt64}
        OR ({load_seq:UInt64} = 0 AND load_seq IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed'))
) AS refused
ASOF LEFT JOIN
(
    SELECT load_seq, first_row, url
    FROM load_objects
    WHERE rows > 0 AND (load_seq = {load_seq:UInt64} OR ({load_seq:UInt64} = 0 AND load_seq IN (SELECT load_seq FROM rejects)))
) AS object ON object.load_seq = refused.load_seq AND refused.line >= object.first_row
ORDER BY load_seq, row_number
SETTINGS join_use_nulls = 0
