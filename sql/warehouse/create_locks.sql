-- Locks on a server, and numbers that two processes must not share. Grain: lock or series, epoch and claim; read with FINAL.
-- An epoch is claimed by an insert whose deduplication token names it (lock_claim.sql): of several the server keeps the first,
-- so this is a compare-and-set. The claim of the latest epoch holds the lock while it is neither released nor expired.
-- A claim is never changed by anybody but its owner.
CREATE TABLE IF NOT EXISTS locks
(
    name       String               COMMENT 'What is locked (writer, run, migrate), or a series of numbers (load)',
    epoch      UInt64               COMMENT 'Counts the holders of a lock from 1; in a series the number itself',
    token      String               COMMENT 'Random name of the claim',
    host       String               COMMENT 'Host of the owner, for messages',
    pid        UInt64               COMMENT 'Process of the owner on its host, for messages',
    is_brief   Bool                 COMMENT 'Held for moments only: others may wait for it',
    claimed_at DateTime64(6, 'UTC') COMMENT 'When it was claimed, by the server''s clock',
    expires_at DateTime64(6, 'UTC') COMMENT 'When the claim ends unless renewed, by the server''s clock',
    released   Bool                 COMMENT 'The owner has given it back',
    revision   DateTime64(6, 'UTC') COMMENT 'When the row was written; the newest holds'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (name, epoch, token)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 315360000
COMMENT 'Locks and numbers that creditmill takes by compare-and-set'
