-- What must be in the tables that nothing else counts, so that a lost part shows. Grain: table_name once merged; read with max().
-- Figures of a table only grow, so of several rows the largest figures hold, regardless of their order.
-- There is a second table of the same rows: what one of them loses, the other has.
CREATE TABLE IF NOT EXISTS expected_rows
(
    table_name  LowCardinality(String)                              COMMENT 'Empty in the row that is there from the start: without any row the record itself is lost',
    stored_rows SimpleAggregateFunction(max, UInt64)                COMMENT 'Rows that were counted, those of one key as one',
    versions    SimpleAggregateFunction(max, UInt64)                COMMENT 'Sum of the revisions of those rows; 0 where a row never changes',
    parts       SimpleAggregateFunction(max, Tuple(UInt64, UInt64)) COMMENT 'Number of the count, and hash of the parts that it found complete',
    counted     SimpleAggregateFunction(max, UInt64)                COMMENT 'Number of the count, from 1'
)
ENGINE = AggregatingMergeTree
ORDER BY table_name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Rows that must be there'
-- next
CREATE TABLE IF NOT EXISTS expected_rows_copy AS expected_rows
COMMENT 'The same as expected_rows, in parts of its own'
-- next
INSERT INTO expected_rows (table_name, stored_rows, versions, parts, counted) VALUES ('', 0, 0, (0, 0), 0)
-- next
INSERT INTO expected_rows_copy (table_name, stored_rows, versions, parts, counted) VALUES ('', 0, 0, (0, 0), 0)
