-- Locks on a server. Grain: lock and contender; read with FINAL. Which one holds the lock: see lease_holders.sql.
CREATE TABLE IF NOT EXISTS leases
(
    name         String               COMMENT 'What is locked',
    token        String               COMMENT 'Random name of the contender',
    host         String               COMMENT 'Host of the contender, for messages',
    pid          UInt64               COMMENT 'Process of the contender on its host, for messages',
    announced_at DateTime64(6, 'UTC') COMMENT 'When it asked, by the server''s clock',
    expires_at   DateTime64(6, 'UTC') COMMENT 'When its claim ends unless renewed, by the server''s clock',
    released     UInt8                COMMENT '1 once it has given the lock back',
    revision     DateTime64(6, 'UTC') COMMENT 'When the row was written; the newest holds'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (name, token)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Locks that creditmill takes on a server'
