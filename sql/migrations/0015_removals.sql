-- What was removed from stored rows on purpose.
-- Removals of texts that no figure is made of. Grain: removal and step. Append-only: begun is written before the first row is
-- touched, done after the last one. What was begun and is not done is finished by the next command of its kind.
CREATE TABLE IF NOT EXISTS removals
(
    removal_id   String,
    step         LowCardinality(String) COMMENT 'begun or done',
    kind         LowCardinality(String) COMMENT 'properties or rejects (expired), or forgotten (of one customer)',
    subject      String                 COMMENT 'Hex SHA-256 of the customer id that was forgotten; else empty',
    before       DateTime64(9, 'UTC')   COMMENT 'What is older than this was removed; of a customer everything',
    rows         UInt64                 COMMENT 'Rows that lost a text',
    size_bytes   UInt64                 COMMENT 'Length of the texts in bytes',
    checksum     UInt64                 COMMENT 'Sum of xxh3 of the texts, modulo 2^64',
    reason       String,
    requested_by String                 COMMENT 'Who asked for it; empty for a schedule',
    at           DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (at, removal_id, step)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'What was removed from stored rows, when and why'
-- next
-- Removals as analysts read them. Grain: removal.
CREATE OR REPLACE VIEW v_removals
(
    removal_id   String                         COMMENT 'Identity of the removal: rm_…',
    kind         LowCardinality(String)         COMMENT 'properties (of events), rejects (their raw text), forgotten (both, of one customer)',
    subject      String                         COMMENT 'Hex SHA-256 of the customer id that was forgotten; else empty',
    before       DateTime64(9, 'UTC')           COMMENT 'What is older than this was removed: events by their time, rejects by that of their load',
    rows         UInt64                         COMMENT 'Rows that lost a text; the rows themselves stay',
    size_bytes   UInt64                         COMMENT 'Length of the texts in bytes',
    checksum     UInt64                         COMMENT 'Sum of xxh3 of the texts, modulo 2^64',
    reason       String                         COMMENT 'Why',
    requested_by String                         COMMENT 'Who asked for it; empty for a schedule',
    begun_at     DateTime64(3, 'UTC')           COMMENT 'When it began',
    done_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was done; null where it was cut short and not finished since'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT removals.removal_id AS removal_id, any(removals.kind) AS kind, any(removals.subject) AS subject,
    any(removals.before) AS before, any(removals.rows) AS rows, any(removals.size_bytes) AS size_bytes,
    any(removals.checksum) AS checksum, any(removals.reason) AS reason, any(removals.requested_by) AS requested_by,
    min(removals.at) AS begun_at, if(countIf(step = 'done') > 0, maxIf(removals.at, step = 'done'), NULL) AS done_at
FROM removals
GROUP BY removals.removal_id
COMMENT 'Texts that were removed because they were old or a person asked for it; grain: removal'
