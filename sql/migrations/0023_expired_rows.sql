-- Raw rows of whole loads that were removed because they were old and billed. What is left of them: their sums by day
-- (usage_daily), hashes of their identities, and what was removed with its sums.
-- Loads whose rows expired. Grain: load and step. Append-only: begun is written before the first row is removed and after
-- everything that takes the rows' place; done once the rows are gone. From begun on, readers take the load from usage_daily.
CREATE TABLE IF NOT EXISTS expired_loads
(
    load_seq      UInt64                 COMMENT 'Load whose rows were removed',
    step          LowCardinality(String) COMMENT 'begun or done',
    removal_id    String                 COMMENT 'Removal of several loads together',
    before        DateTime64(9, 'UTC')   COMMENT 'All events of the load are older than this',
    timezone      LowCardinality(String) COMMENT 'Timezone of the days in kept_days, and of the roll-up that stands for the rows',
    rows_removed  UInt64,
    rows_kept     UInt64                 COMMENT 'Rows that stay, of the days in kept_days; rows_removed + rows_kept = rows_loaded of the load',
    days_kept     UInt64                 COMMENT 'Rows of kept_days',
    quantities    Map(LowCardinality(String), Decimal(76, 9)) COMMENT 'Sums over the removed rows by unit',
    checksum      UInt64                 COMMENT 'Sum of id_hash over the removed rows, modulo 2^64',
    occurred_from DateTime64(9, 'UTC')   COMMENT 'Earliest of the removed rows',
    occurred_to   DateTime64(9, 'UTC')   COMMENT 'Latest of the removed rows (inclusive)',
    event_id_min  String                 COMMENT 'Smallest event_id of the removed rows, by bytes',
    event_id_max  String                 COMMENT 'Largest event_id of the removed rows, by bytes',
    at            DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (load_seq, step)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Loads whose raw rows were removed, and what these came to'
-- next
-- Identities of removed rows, so that a repeated event still is a duplicate. Grain: removed row. Rows of a load that is not in
-- expired_loads are remains of a killed command.
CREATE TABLE IF NOT EXISTS expired_events
(
    load_seq   UInt64 CODEC(LZ4),
    row_number UInt64 CODEC(Delta, LZ4),
    id_hash    UInt64 COMMENT 'xxh3 of event_id' CODEC(NONE),
    id_check   UInt64 COMMENT 'sipHash64 of event_id: together, 128 bits say that two ids are the same' CODEC(NONE)
)
ENGINE = MergeTree
ORDER BY (load_seq, row_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Hashes of the identities of removed rows'
-- next
-- Days of a customer whose raw rows stay though their load expired: a boundary of a period, a price or a grant divides them, or
-- a row of them replaces another one. Grain: load, customer, day.
CREATE TABLE IF NOT EXISTS kept_days
(
    load_seq    UInt64,
    customer_id String,
    day         Date COMMENT 'Day in the timezone of expired_loads'
)
ENGINE = MergeTree
ORDER BY (load_seq, customer_id, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Days whose raw rows stay though their load expired'
-- next
-- Removals as analysts read them. Grain: removal.
CREATE OR REPLACE VIEW v_removals
(
    removal_id   String                         COMMENT 'Identity of the removal: rm_…',
    kind         LowCardinality(String)         COMMENT 'properties (of events), rejects (their raw text), forgotten (both, of one customer), events (whole rows)',
    subject      String                         COMMENT 'Hex SHA-256 of the customer id that was forgotten; else empty',
    before       DateTime64(9, 'UTC')           COMMENT 'What is older than this was removed: events by their time, rejects by that of their load',
    rows         UInt64                         COMMENT 'Rows that lost a text, and stay; of events rows that are gone',
    size_bytes   UInt64                         COMMENT 'Length of the texts in bytes; 0 for events',
    checksum     UInt64                         COMMENT 'Sum of xxh3 of the texts, of events of their ids, modulo 2^64',
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
UNION ALL
SELECT expired.removal_id, 'events', '', any(expired.before), sumIf(expired.rows_removed, step = 'begun'), toUInt64(0),
    sumIf(expired.checksum, step = 'begun'), 'retention', '', min(expired.at),
    if(countIf(step = 'done') = countIf(step = 'begun'), max(expired.at), NULL)
FROM expired_loads AS expired
GROUP BY expired.removal_id
COMMENT 'What was removed because it was old or a person asked for it; grain: removal'
-- next
-- Loads whose raw rows were removed, as analysts read them. Grain: load.
CREATE OR REPLACE VIEW v_expired_loads
(
    load_seq     UInt64                 COMMENT 'Load whose rows were removed; see v_loads',
    load_id      String                 COMMENT 'The load as commands name it: ld_ and load_seq',
    removal_id   String                 COMMENT 'Removal; see v_removals',
    rows_removed UInt64                 COMMENT 'Rows that are gone; usage_daily has their sums',
    rows_kept    UInt64                 COMMENT 'Rows that stay, of days that a boundary divides',
    quantities   Map(LowCardinality(String), Decimal(76, 9)) COMMENT 'Sums over the removed rows by unit',
    expired_at   DateTime64(3, 'UTC')   COMMENT 'When the removal began'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, concat('ld_', toString(load_seq)) AS load_id, removal_id, rows_removed, rows_kept, quantities,
    at AS expired_at
FROM expired_loads
WHERE step = 'begun'
COMMENT 'Loads whose raw rows were removed; grain: load'
