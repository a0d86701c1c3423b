-- Grants: credits given to a customer besides the allowance. Grain: grant_id. Rows are only ever added.
-- Half-open [starts_at, expires_at).
CREATE TABLE IF NOT EXISTS grants
(
    grant_id      String                             COMMENT 'The same id is granted once',
    customer_id   String,
    credit_system LowCardinality(String),
    credits       Decimal(76, 18)                    COMMENT 'Above zero',
    starts_at     DateTime64(9, 'UTC')               COMMENT 'From when on they can be used',
    expires_at    Nullable(DateTime64(9, 'UTC'))     COMMENT 'Exclusive; null if they never expire',
    priority      UInt32                             COMMENT 'Lower is used first; an allowance has 50, rollover 10',
    reason        String                             COMMENT 'For people',
    granted_at    DateTime64(3, 'UTC')               COMMENT 'When the row was written'
)
ENGINE = MergeTree
ORDER BY (customer_id, starts_at, grant_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Credits given to customers: top-ups and promotions'
-- next
-- Grants as analysts read them. Grain: grant. What is left of them is in v_balances, of each period as a whole.
CREATE OR REPLACE VIEW v_grants
(
    grant_id      String                         COMMENT 'Identity of the grant',
    customer_id   String                         COMMENT 'Who has the credits',
    credit_system LowCardinality(String)         COMMENT 'Which credits',
    credits       Decimal(76, 18)                COMMENT 'How many were given',
    starts_at     DateTime64(9, 'UTC')           COMMENT 'From when on they can be used',
    expires_at    Nullable(DateTime64(9, 'UTC')) COMMENT 'When they expire, exclusive; null if they never do',
    priority      UInt32                         COMMENT 'Lower is used first; an allowance has 50, rollover 10',
    reason        String                         COMMENT 'What they were given for',
    granted_at    DateTime64(3, 'UTC')           COMMENT 'When the grant was stored'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT grant_id, customer_id, credit_system, credits, starts_at, expires_at, priority, reason, granted_at
FROM grants
COMMENT 'Credits given to customers besides the allowance; grain: one row per grant'
