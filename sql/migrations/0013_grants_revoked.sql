-- Grants that are given again and again.
ALTER TABLE grants
    ADD COLUMN IF NOT EXISTS every LowCardinality(String)         COMMENT 'day, week, month, quarter or year: given again so often, from starts_at on; empty: once',
    ADD COLUMN IF NOT EXISTS until Nullable(DateTime64(9, 'UTC')) COMMENT 'Exclusive: none begins at it or later; null if it goes on',
    ADD COLUMN IF NOT EXISTS keeps Bool DEFAULT false             COMMENT 'What is unused when it is given again stays'
-- next
-- Grants that were taken back. Grain: grant_id. Rows are only ever added.
CREATE TABLE IF NOT EXISTS grant_revocations
(
    grant_id    String,
    customer_id String,
    revoked_at  DateTime64(9, 'UTC') COMMENT 'From when on what is unused of it is gone',
    reason      String               COMMENT 'Why',
    revoked_by  String               COMMENT 'Who',
    stored_at   DateTime64(3, 'UTC') COMMENT 'When the row was written'
)
ENGINE = MergeTree
ORDER BY (customer_id, grant_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Who took which grant back, when and why'
-- next
-- Grants as analysts read them. Grain: grant. What is left of them is in v_balances, of each period as a whole.
CREATE OR REPLACE VIEW v_grants
(
    grant_id      String                         COMMENT 'Identity of the grant',
    customer_id   String                         COMMENT 'Who has the credits',
    credit_system LowCardinality(String)         COMMENT 'Which credits',
    credits       Decimal(76, 18)                COMMENT 'How many were given, each time',
    starts_at     DateTime64(9, 'UTC')           COMMENT 'From when on they can be used',
    expires_at    Nullable(DateTime64(9, 'UTC')) COMMENT 'When they expire, exclusive; null if they never do, or with the next',
    priority      UInt32                         COMMENT 'Lower is used first; an allowance has 50, rollover 10',
    reason        String                         COMMENT 'What they were given for',
    granted_at    DateTime64(3, 'UTC')           COMMENT 'When the grant was stored',
    every         LowCardinality(String)         COMMENT 'How often it is given again; empty: once',
    until         Nullable(DateTime64(9, 'UTC')) COMMENT 'None begins at it or later; null if it goes on',
    keeps         Bool                           COMMENT 'What is unused when it is given again stays',
    revoked_at    Nullable(DateTime64(9, 'UTC')) COMMENT 'From when on what is unused is gone; null if it was not taken back',
    revoke_reason String                         COMMENT 'Why it was taken back',
    revoked_by    String                         COMMENT 'Who took it back'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT grants.grant_id, grants.customer_id, credit_system, credits, starts_at, expires_at, priority, reason, granted_at,
    every, until, keeps, if(revoked, revoked_at, NULL) AS revoked_at, revoke_reason, revoked_by
FROM grants
LEFT JOIN
(
    SELECT grant_id, true AS revoked, argMin(grant_revocations.revoked_at, stored_at) AS revoked_at,
        argMin(grant_revocations.reason, stored_at) AS revoke_reason,
        argMin(grant_revocations.revoked_by, stored_at) AS revoked_by
    FROM grant_revocations
    GROUP BY grant_id
) AS revocations ON revocations.grant_id = grants.grant_id
SETTINGS join_use_nulls = 0
COMMENT 'Credits given to customers besides the allowance; grain: one row per grant'
