-- Holds that a person released. Append-only; grain: release. A release is good for the amount that was looked at, not for more.
CREATE TABLE IF NOT EXISTS hold_releases
(
    charge_id    String,
    amount_minor Int64                COMMENT 'What the charge came to when it was released, in minor units',
    reasons      String               COMMENT 'Why it was held',
    reason       String               COMMENT 'Why it was released',
    released_by  String               COMMENT 'Who released it',
    released_at  DateTime64(3, 'UTC'),
    run_id       String
)
ENGINE = MergeTree
ORDER BY (charge_id, released_at, run_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Who released which held charge, when and why';
