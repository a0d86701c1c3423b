-- Which migrations this database has had. Grain: migration; read with FINAL.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number     UInt32               COMMENT 'Number of the migration, from 1',
    name       String               COMMENT 'File name under sql/migrations',
    sha256     String               COMMENT 'Hex SHA-256 of the file as it was applied; a released file never changes',
    applied_at DateTime64(3, 'UTC') COMMENT 'When its last statement had run, by the server''s clock'
)
ENGINE = ReplacingMergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Applied migrations'
