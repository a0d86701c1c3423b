-- Loads of objects in object storage.
ALTER TABLE loads
    ADD COLUMN IF NOT EXISTS objects UInt64 DEFAULT 0 COMMENT 'Its rows in load_objects; 0 for a file'
-- next
-- Objects that loads were made of. Grain: object of a load. Rows of a load that is not committed mean that the object was tried.
CREATE TABLE IF NOT EXISTS load_objects
(
    load_seq         UInt64                 COMMENT 'Load that read the object',
    url              String                 COMMENT 'The object, such as s3://bucket/key',
    etag             String                 COMMENT 'Its version as the service names it; empty where it names none',
    size_bytes       UInt64                 COMMENT 'Size as stored',
    modified_at      DateTime64(3, 'UTC')   COMMENT 'When the object was last written',
    sha256           String                 COMMENT 'Hex SHA-256 as stored, before decompression',
    source           LowCardinality(String) COMMENT 'Source that said how rows become events',
    first_row        UInt64                 COMMENT 'Number in the load of its first row, from 1; of rows that are elements, of the first line',
    rows             UInt64                 COMMENT 'How many numbers of the load are its own; 0 where another load or object holds the content',
    content_load_seq UInt64                 COMMENT 'Load that holds the content; the own one unless it was loaded before',
    INDEX by_load load_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (url, load_seq, first_row)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Objects that loads were made of; the rows of one load tell which of its rows came from which object'
-- next
-- Objects in object storage that were loaded. Grain: object of a load.
CREATE OR REPLACE VIEW v_load_objects
(
    load_seq    UInt64               COMMENT 'Load that read the object; see v_loads for its status',
    load_id     String               COMMENT 'The load as commands name it: ld_ and load_seq',
    object      String               COMMENT 'The object, such as s3://bucket/key',
    etag        String               COMMENT 'Its version as the service names it',
    size_bytes  UInt64               COMMENT 'Size as stored',
    modified_at DateTime64(3, 'UTC') COMMENT 'When the object was last written',
    sha256      String               COMMENT 'Hex SHA-256 as stored, before decompression',
    first_row   UInt64               COMMENT 'Number in the load of its first row: row 1 of the object',
    rows        UInt64               COMMENT 'Rows of the load that are its own; 0 where another load or object holds the same content'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, concat('ld_', toString(load_seq)) AS load_id, url AS object, etag, size_bytes, modified_at, sha256,
    first_row, rows
FROM load_objects
COMMENT 'Objects in object storage that were loaded; grain: object of a load'
