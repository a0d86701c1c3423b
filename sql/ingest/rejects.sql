-- Rejected rows of one load, or with load_seq 0 of all committed ones, with the object of each and its number there, where the
-- load is made of objects. Grain: rejected row.
WITH
-- term object_rows
    refused AS
    (
        SELECT load_seq, row_number, field, reason, raw, line_of(row_number) AS line
        FROM rejects
        WHERE load_seq = {load_seq:UInt64}
            OR ({load_seq:UInt64} = 0 AND load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed'))
    )
SELECT
    refused.load_seq AS load_seq,
    row_number,
    field,
    reason,
    raw,
    object.url AS object,
    if(object.url = '', 0, row_in(row_number, object.first_row)) AS object_row
FROM refused
ASOF LEFT JOIN
(
    SELECT load_seq, first_row, url
    FROM load_objects
    WHERE rows > 0 AND (load_seq = {load_seq:UInt64} OR ({load_seq:UInt64} = 0 AND load_seq GLOBAL IN (SELECT load_seq FROM rejects)))
) AS object ON object.load_seq = refused.load_seq AND refused.line >= object.first_row
ORDER BY load_seq, row_number
SETTINGS join_use_nulls = 0
