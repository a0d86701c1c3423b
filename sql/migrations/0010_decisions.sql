-- Decisions that persons took on charges. Grain: decision. Rows are only ever added; the later one holds.
CREATE TABLE IF NOT EXISTS decisions
(
    charge_id    String,
    action       LowCardinality(String) COMMENT 'release: it may be posted although it is held; undo_release: it may not; hold: it must not; approve: it may be posted where that needs an approval; resolve: it is settled and never posted',
    amount_minor Int64                  COMMENT 'What the charge came to then, in minor units',
    about        String                 COMMENT 'What was decided about: why it was held, or the hash of the plan that was approved',
    reason       String                 COMMENT 'Why it was decided so',
    decided_by   String                 COMMENT 'Who decided, as claimed',
    decided_at   DateTime64(3, 'UTC'),
    run_id       String
)
ENGINE = MergeTree
ORDER BY (charge_id, decided_at, run_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Who decided what about which charge, when and why'
