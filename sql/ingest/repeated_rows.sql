-- Rows with the identity of another row that stands, of one load, or with load_seq 0 of all committed ones: where each stands, and
-- where the row stands that stood when it was loaded, or that took its place. Of loads that are made of objects, files are
-- objects, and file_row counts in them. Grain: such a row of a load.
WITH
-- term object_rows
    placed AS
    (
        SELECT *, line_of(row_number) AS line, line_of(first_row_number) AS first_line
        FROM
        (
            SELECT load_seq, row_number, toString(kind) AS kind, first_load_seq, first_row_number, toString(source) AS source, event_id
            FROM duplicate_events
            UNION ALL
            SELECT load_seq, row_number, toString(kind), first_load_seq, first_row_number, toString(source), event_id
            FROM v_duplicates
            WHERE kind = 'replaced'
        )
        WHERE {load_seq:UInt64} IN (0, load_seq)
    ),
    objects AS
    (
        SELECT load_seq, first_row, url
        FROM load_objects
        WHERE rows > 0 AND load_seq GLOBAL IN (SELECT load_seq FROM placed UNION ALL SELECT first_load_seq FROM placed)
    )
SELECT
    placed.load_seq AS load_seq,
    placed.row_number AS row_number,
    if(object.url = '', own.file, object.url) AS file,
    row_in(placed.row_number, object.first_row) AS file_row,
    placed.kind AS kind,
    placed.first_load_seq AS first_load_seq,
    placed.first_row_number AS first_row_number,
    if(first_object.url = '', first.file, first_object.url) AS first_file,
    row_in(placed.first_row_number, first_object.first_row) AS first_file_row,
    placed.source AS source,
    placed.event_id AS event_id
FROM placed
INNER JOIN (SELECT load_seq, file, status FROM loads FINAL) AS own ON own.load_seq = placed.load_seq
LEFT JOIN (SELECT load_seq, file FROM loads FINAL) AS first ON first.load_seq = placed.first_load_seq
ASOF LEFT JOIN objects AS object ON object.load_seq = placed.load_seq AND placed.line >= object.first_row
ASOF LEFT JOIN objects AS first_object
    ON first_object.load_seq = placed.first_load_seq AND placed.first_line >= first_object.first_row
WHERE {load_seq:UInt64} != 0 OR own.status = 'committed'
ORDER BY load_seq, row_number, first_load_seq
SETTINGS join_use_nulls = 0
