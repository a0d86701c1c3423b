-- What was told to the webhook of the config, so that it is told once. Grain: notice. A row that is lost has it told again.
CREATE TABLE IF NOT EXISTS notices
(
    kind    LowCardinality(String) COMMENT 'job_failed, charge_held, model_unrated, usage_missing or allowance_used',
    subject String                 COMMENT 'What it is about: a job, a charge, a model, a customer and its credit system',
    about   String                 COMMENT 'What makes it another notice of the same subject: a period and a share, a run, a day',
    sent_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (kind, subject, about)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Notices that were sent'
