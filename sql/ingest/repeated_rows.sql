-- Rows with the identity of another row that stands, of one load, or with load_seq 0 of all committed ones: where each stands, and
-- where the row stands that stood when it was loaded, or that took its place. Grain: such a row of a load.
SELECT
    repeated.load_seq AS load_seq,
    repeated.row_number AS row_number,
    own.file AS file,
    repeated.kind AS kind,
    repeated.first_load_seq AS first_load_seq,
    repeated.first_row_number AS first_row_number,
    first.file AS first_file,
    repeated.source AS source,
    repeated.event_id AS event_id
FROM
(
    SELECT load_seq, row_number, toString(kind) AS kind, first_load_seq, first_row_number, toString(source) AS source, event_id
    FROM duplicate_events
    UNION ALL
    SELECT load_seq, row_number, toString(kind), first_load_seq, first_row_number, toString(source), event_id
    FROM v_duplicates
    WHERE kind = 'replaced'
) AS repeated
INNER JOIN (SELECT load_seq, file, status FROM loads FINAL) AS own ON own.load_seq = repeated.load_seq
LEFT JOIN (SELECT load_seq, file FROM loads FINAL) AS first ON first.load_seq = repeated.first_load_seq
WHERE repeated.load_seq = {load_seq:UInt64} OR ({load_seq:UInt64} = 0 AND own.status = 'committed')
ORDER BY load_seq, row_number, first_load_seq
