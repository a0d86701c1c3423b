-- Loads and the events they brought. Grain: one row per load and revision; read with FINAL, so one row per load.
-- The row with status 'committed' is the commit point of a load: before it no reader sees anything of the load.
CREATE TABLE IF NOT EXISTS loads
(
    load_seq        UInt64                  COMMENT 'Number of the load, from 1, in the order the files were named; the public id is ld_<load_seq>',
    revision        UInt32                  COMMENT 'Counts the states of this load; the highest one is the present state',
    status          LowCardinality(String)  COMMENT 'loading, committed, aborted (too many rejects), discarded (remains of a killed load), withdrawn, dismissed (not missed)',
    file            String                  COMMENT 'Name of the file as it was given',
    sha256          String                  COMMENT 'Hex SHA-256 of the stored file, before decompression; empty while it is being read',
    source          LowCardinality(String)  COMMENT 'Source that said how rows become events',
    format          LowCardinality(String)  COMMENT 'jsonl, csv, parquet or arrow',
    size_bytes      UInt64                  COMMENT 'Size of the stored file in bytes',
    rows_read       UInt64                  COMMENT 'Rows in the file; rows_read = rows_loaded + rows_duplicate + rows_conflict + rows_rejected + rows_skipped',
    rows_loaded     UInt64                  COMMENT 'Rows that became events which count',
    rows_duplicate  UInt64                  COMMENT 'Rows equal to an event that was loaded before',
    rows_conflict   UInt64                  COMMENT 'Rows with the identity of an event loaded before, but other contents',
    rows_rejected   UInt64                  COMMENT 'Rows that could not be understood; see rejects',
    rows_skipped    UInt64                  COMMENT 'Rows that the source leaves out on purpose (skip)',
    rows_replaced   UInt64                  COMMENT 'Rows of earlier loads that counted until rows of this load took their place (keep)',
    rows_masked     UInt64                  COMMENT 'Rows of replaced_events: those, and rows that would count in their place',
    quantities      Map(LowCardinality(String), Decimal(76, 9)) COMMENT 'Sums over rows_loaded by unit',
    unit_list       String                  COMMENT 'The list of units of rows_loaded, where all have the same and none names a feature; else empty',
    occurred_from   DateTime64(9, 'UTC')    COMMENT 'Earliest occurred_at among its valid rows',
    occurred_to     DateTime64(9, 'UTC')    COMMENT 'Latest occurred_at among its valid rows (inclusive)',
    event_id_min    String                  COMMENT 'Smallest event_id among its valid rows, by bytes',
    event_id_max    String                  COMMENT 'Largest event_id among its valid rows, by bytes',
    started_at      DateTime64(3, 'UTC')    COMMENT 'When reading began',
    changed_at      DateTime64(3, 'UTC')    COMMENT 'When this revision was written',
    elapsed_ms      UInt64                  COMMENT 'Milliseconds from start to commit',
    message         String                  COMMENT 'Why the load was aborted, discarded, withdrawn or dismissed'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY load_seq
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'One row per load: a file whose rows became visible together';
-- next
-- Raw usage events as loaded. Grain: one row per valid row of a load, except those moved to duplicate_events.
-- A row counts only while its load is committed and no other has it in replaced_events: read v_events, which says so.
CREATE TABLE IF NOT EXISTS usage_events
(
    load_seq            UInt64                 COMMENT 'Load that brought the row' CODEC(LZ4),
    row_number          UInt64                 COMMENT 'Number of the row in its file, from 1' CODEC(Delta, LZ4),
    source              LowCardinality(String) COMMENT 'Source; (source, event_id) is the identity',
    event_id            String                 COMMENT 'Identity within the source, 1 to 256 bytes',
    id_hash             UInt64 MATERIALIZED xxh3(event_id) COMMENT 'A filter in front of the exact comparison of identities, never a proof' CODEC(NONE),
    occurred_at         DateTime64(9, 'UTC')   COMMENT 'When the usage happened, to the nanosecond' CODEC(Delta, LZ4),
    customer_id         String COMMENT 'Who used it',
    model               LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature             LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    units               LowCardinality(String) COMMENT 'Names of what quantities count, separated by commas; never empty. seconds.nano is what is left of whole seconds, in billionths. Behind ? follow the dimensions, as in a URL: input,output?geo=us&tier=batch',
    quantities          Array(UInt64)          COMMENT 'Quantities in the order of units' CODEC(T64, LZ4),
    properties          String                 COMMENT 'Further fields of the log row as JSON; empty when there are none'
)
ENGINE = MergeTree
ORDER BY (load_seq, row_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Raw usage events; read v_events for those that count';
-- next
-- Valid rows whose identity was loaded before. Grain: one row per such row of a load.
-- A row counts while its own load is committed, none of superseded_by is, and no committed load has it in replaced_events:
-- withdrawing a load brings back what it superseded.
CREATE TABLE IF NOT EXISTS duplicate_events
(
    load_seq            UInt64,
    row_number          UInt64,
    kind                LowCardinality(String) COMMENT 'duplicate (equal but for properties) or conflict (anything else differs) against the first of superseded_by',
    superseded_by       Array(UInt64)          COMMENT 'Loads whose row stands before this one, earliest first; the own load where another row of the same file does',
    first_load_seq      UInt64                 COMMENT 'Load of the row that stands instead of this one',
    first_row_number    UInt64                 COMMENT 'Row number of the row that stands instead of this one',
    source              LowCardinality(String),
    event_id            String,
    id_hash             UInt64,
    occurred_at         DateTime64(9, 'UTC'),
    customer_id         String,
    model               LowCardinality(String),
    feature             LowCardinality(String),
    units               LowCardinality(String),
    quantities          Array(UInt64),
    properties          String
)
ENGINE = MergeTree
ORDER BY (load_seq, row_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Rows with the identity of an earlier row; kept so that withdrawing a load loses nothing';
-- next
-- Rows of earlier loads that a row of a later load takes the place of, as its source's keep says. Grain: load, replaced row.
-- While both loads are committed, the replaced row does not count. It holds what is to be taken off: as long as none of
-- superseded_by is committed too, that is the row as it counted; else it did not count anyway.
CREATE TABLE IF NOT EXISTS replaced_events
(
    load_seq            UInt64                 COMMENT 'Load of the row that takes the place',
    row_number          UInt64                 COMMENT 'Row number of the row that takes the place',
    replaced_load_seq   UInt64                 COMMENT 'Load of the row that is replaced',
    replaced_row_number UInt64                 COMMENT 'Row number of the row that is replaced',
    superseded_by       Array(UInt64)          COMMENT 'Loads that had superseded or replaced it before',
    source              LowCardinality(String),
    event_id            String,
    id_hash             UInt64,
    occurred_at         DateTime64(9, 'UTC')   COMMENT 'From here on: the row that is replaced',
    customer_id         String,
    model               LowCardinality(String),
    feature             LowCardinality(String),
    units               LowCardinality(String),
    quantities          Array(UInt64)
)
ENGINE = MergeTree
ORDER BY (load_seq, replaced_load_seq, replaced_row_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Rows whose place a row of a later load takes; kept so that withdrawing that load restores them';
-- next
-- Scratch of the load that is being committed: hashes of identities that must be compared exactly. Emptied before each use.
CREATE TABLE IF NOT EXISTS candidate_ids
(
    id_hash UInt64
)
ENGINE = MergeTree
ORDER BY id_hash
SETTINGS max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000
COMMENT 'Scratch of the identity check of a load; means nothing between loads'
-- next
-- Customer ids that were ever seen, to warn of those that look alike. Grain: customer id, once parts are merged. Nothing that
-- counts depends on it. What is folded away: letter case, width and normal form, blanks, and which dash or underscore it is.
CREATE TABLE IF NOT EXISTS known_customers
(
    folded         String MATERIALIZED replaceRegexpAll(replaceRegexpAll(lowerUTF8(normalizeUTF8NFKC(customer_id)), '\\s+', ''), '[\\p{Pd}\\p{Pc}\\x{2212}]', '-')
                   COMMENT 'The id without what readers overlook',
    customer_id    String,
    first_load_seq SimpleAggregateFunction(min, UInt64) COMMENT 'First load with the id; 0 for customers known by import or attach',
    last_load_seq  SimpleAggregateFunction(max, UInt64) COMMENT 'Last load with the id'
)
ENGINE = AggregatingMergeTree
ORDER BY (folded, customer_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Customer ids that were ever seen; used for warnings only'
-- next
-- Rows that could not become events. Grain: one row per rejected row of a load.
CREATE TABLE IF NOT EXISTS rejects
(
    load_seq   UInt64,
    row_number UInt64                 COMMENT 'Number of the row in its file, from 1',
    field      LowCardinality(String) COMMENT 'Field at fault; empty when the row as a whole is',
    reason     String                 COMMENT 'What is wrong with it, for people',
    raw        String                 COMMENT 'The row as it stood in the file (its beginning, where it was too long)'
)
ENGINE = MergeTree
ORDER BY (load_seq, row_number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Rows that were refused, with the reason and their raw bytes';
