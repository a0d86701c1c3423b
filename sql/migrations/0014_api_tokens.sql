-- Tokens that open the HTTP API. Grain: token and revision; read with FINAL. A token's secret is stored nowhere.
CREATE TABLE IF NOT EXISTS api_tokens
(
    token_hash String                         COMMENT 'Hex SHA-256 of the token',
    revision   UInt32                         COMMENT '1 when it is made, 2 when it is revoked',
    name       String                         COMMENT 'Who has it; it is in v_audit where it decides',
    role       LowCardinality(String)         COMMENT 'gateway, uploader, analyst, finance, approver or admin',
    created_at DateTime64(3, 'UTC'),
    expires_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it opens nothing any more; null if never',
    revoked_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When somebody revoked it; null if nobody did'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY token_hash
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Who may do what over HTTP'
