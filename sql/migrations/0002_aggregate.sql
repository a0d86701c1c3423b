-- Daily usage. Grain: load, accounting timezone, replaced load, superseded_by, day, customer, model or feature, units. Written once per load and
-- timezone. Counts by the rule of duplicate_events: load committed and none of superseded_by committed. Where a replaced load
-- is named, the row sums up rows of replaced_events and is to be taken off while that load is committed too.
CREATE TABLE IF NOT EXISTS usage_daily
(
    load_seq            UInt64                 COMMENT 'Load the usage came from',
    timezone            LowCardinality(String) COMMENT 'Accounting timezone in which the day begins and ends',
    replaced_load_seq   UInt64                 COMMENT '0, or the load whose replaced events are to be taken off; see replaced_events',
    superseded_by       Array(UInt64)          COMMENT 'Empty for events that count by themselves; see duplicate_events',
    day                 Date                   COMMENT 'Day in the accounting timezone',
    customer_id         String,
    model               LowCardinality(String) COMMENT 'Empty where a feature is named',
    feature             LowCardinality(String) COMMENT 'Empty where a model is named',
    events              UInt64                 COMMENT 'Number of events',
    units               LowCardinality(String) COMMENT 'Names of what quantities count, separated by commas, and dimensions; see usage_events. Behind # follows which tests of prices its events pass: #context>272000=1',
    quantities          Array(UInt128)         COMMENT 'Sums of quantities in the order of units'
)
ENGINE = MergeTree
ORDER BY (timezone, load_seq, customer_id, model, feature, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Tokens per load, day, customer and model, and what a load replaces; read v_usage_daily for what counts';
-- next
-- Which loads are rolled up. Grain: load and timezone. The row is written after the rows of usage_daily it speaks of; rows of
-- usage_daily without it are remains of a killed run and are removed before the load is rolled up again.
CREATE TABLE IF NOT EXISTS rollups
(
    load_seq  UInt64,
    timezone  LowCardinality(String),
    rows      UInt64                COMMENT 'Rows written to usage_daily',
    events    UInt64                COMMENT 'Events they stand for: every event of the load, counted or superseded, and every event that it replaces',
    rolled_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(rolled_at)
ORDER BY (timezone, load_seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Loads that are rolled up into usage_daily';
-- next
-- Usage added up over loads and days, so that a run need not add up all of usage_daily, nor read days again that a boundary
-- splits. Grain: totals_seq, customer, model or feature, units, first_day, first_at. A row holds events of the totals' loads that nothing
-- supersedes: all those of the days [first_day, last_day] that have any, or, where it is exact, those of one day from
-- first_at to last_at. Each such event is in exactly one row.
CREATE TABLE IF NOT EXISTS usage_totals
(
    totals_seq          UInt64                 COMMENT 'Totals that the row belongs to',
    customer_id         String,
    model               LowCardinality(String) COMMENT 'Empty where a feature is named',
    feature             LowCardinality(String) COMMENT 'Empty where a model is named',
    first_day           Date                   COMMENT 'First accounting day in it that has usage',
    last_day            Date                   COMMENT 'Last accounting day in it that has usage, inclusive',
    exact               Bool                   COMMENT 'It was added up event by event, of a day that a boundary splits',
    first_at            DateTime64(9, 'UTC')   COMMENT 'Time of its first event, where it is exact',
    last_at             DateTime64(9, 'UTC')   COMMENT 'Time of its last event, inclusive, where it is exact',
    events              UInt64                 COMMENT 'Number of events',
    units               LowCardinality(String) COMMENT 'Names of what quantities count, separated by commas, and dimensions; see usage_events. Behind # follows which tests of prices its events pass: #context>272000=1',
    quantities          Array(UInt128)         COMMENT 'Sums of quantities in the order of units'
)
ENGINE = MergeTree
PARTITION BY totals_seq
ORDER BY (customer_id, model, feature, first_day, first_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Tokens per customer, model and span of time, over many loads; derived from usage_daily and usage_events'
-- next
-- Which totals there are. Grain: totals_seq. The row is written after the rows of usage_totals it speaks of; only the latest
-- totals are used, and only while all their loads count.
CREATE TABLE IF NOT EXISTS totals
(
    totals_seq UInt64                 COMMENT 'Number of the totals',
    timezone   LowCardinality(String) COMMENT 'Accounting timezone of their days',
    loads      Array(UInt64)          COMMENT 'Loads they hold',
    rows       UInt64                 COMMENT 'Rows written to usage_totals',
    exact_rows UInt64                 COMMENT 'Those of the rows that are exact',
    events     UInt64                 COMMENT 'Events they stand for',
    added_at   DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY totals_seq
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Sets of loads whose usage is added up in usage_totals';
-- next
-- Catalogs that were ever used for a stored figure. Grain: content.
CREATE TABLE IF NOT EXISTS catalogs
(
    catalog_sha String               COMMENT 'Hex SHA-256 of the text',
    text        String               COMMENT 'catalog.yaml as it was',
    seen_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY catalog_sha
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Every catalog a stored figure was made with';
-- next
-- Prices of models, and of features that logs name, as a catalog resolves them. Grain: catalog, model or feature, credit
-- system, valid_from. Half-open [valid_from, valid_to). A unit without a cost is unrated; so is a model without a row.
CREATE TABLE IF NOT EXISTS prices
(
    catalog_sha   String,
    model         String                          COMMENT 'Model as the log names it; empty where it names a feature',
    feature       String                          COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    credit_system LowCardinality(String),
    feature_id    LowCardinality(String),
    valid_from    DateTime64(9, 'UTC'),
    valid_to      DateTime64(9, 'UTC')            COMMENT 'Exclusive; 2200-01-01 when open',
    first_day     Date                            COMMENT 'First accounting day that lies wholly at or after valid_from',
    end_day       Date                            COMMENT 'First accounting day that does not lie wholly before valid_to',
    split_days    Array(Date)                     COMMENT 'Accounting days that valid_from or valid_to falls into: their events are priced one by one',
    costs         Map(LowCardinality(String), Decimal(38, 18)) COMMENT 'Credits per unit, by unit; a unit that is not in it has no price',
    circumstances String                          COMMENT 'Dimensions and outcomes of tests that it holds under, as units of usage_daily has them behind the list; empty: none',
    tests         Array(String)                   COMMENT 'The tests among them'
)
ENGINE = ReplacingMergeTree
ORDER BY (catalog_sha, model, feature, credit_system, valid_from, circumstances)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Credits per unit of every model and feature seen, by catalog';
-- next
-- Aggregate runs. Grain: run. The row is written last, so a run is visible as a whole or not at all.
CREATE TABLE IF NOT EXISTS aggregate_runs
(
    run_seq      UInt64               COMMENT 'Number of the run; the latest one is what readers see',
    run_id       String,
    as_of        DateTime64(9, 'UTC') COMMENT 'Events before this instant count',
    catalog_sha  String,
    timezone     String,
    loads        UInt64               COMMENT 'Committed loads it saw',
    customers    UInt64,
    unrated_rows UInt64               COMMENT 'Events that no price matched, wholly or in part',
    balance_rows UInt64               COMMENT 'Rows written to balances',
    spend_rows   UInt64               COMMENT 'Rows written to period_spend',
    finished_at  DateTime64(3, 'UTC'),
    elapsed_ms   UInt64,
    problem_customers Array(String)   COMMENT 'Customers whose balances are missing, wholly or from a period on',
    problem_reasons   Array(String)   COMMENT 'Why, in the same order'
)
ENGINE = MergeTree
ORDER BY run_seq
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Finished aggregate runs';
-- next
-- Balances. Grain: run, customer, credit system, period.
-- granted - used = balance, remaining = max(0, balance), overage = max(0, -balance) = billable + capped, in every row.
CREATE TABLE IF NOT EXISTS balances
(
    run_seq        UInt64,
    customer_id    String,
    credit_system  LowCardinality(String),
    product        LowCardinality(String),
    period_start   DateTime64(9, 'UTC')       COMMENT 'Inclusive',
    period_end     Nullable(DateTime64(9, 'UTC')) COMMENT 'Exclusive; null for a period that never ends',
    granted        Nullable(Decimal(76, 18))  COMMENT 'Allowance and grants; null when unlimited',
    used           Decimal(76, 18),
    balance        Nullable(Decimal(76, 18)),
    remaining      Nullable(Decimal(76, 18)),
    overage        Decimal(76, 18),
    billable       Decimal(76, 18)            COMMENT 'Overage that has a price',
    capped         Decimal(76, 18)            COMMENT 'Overage that has none or lies beyond a limit',
    unrated_events UInt64                     COMMENT 'Events of the period that no price matched, wholly or in part'
)
ENGINE = MergeTree
PARTITION BY run_seq
ORDER BY (customer_id, credit_system, period_start)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Balances per run; read v_balances for the latest';
-- next
-- Spend that balances are made from. Grain: run, customer, credit system, period, feature.
CREATE TABLE IF NOT EXISTS period_spend
(
    run_seq             UInt64,
    customer_id         String,
    credit_system       LowCardinality(String) COMMENT 'Empty for unrated usage',
    period_start        DateTime64(9, 'UTC'),
    feature_id          LowCardinality(String) COMMENT 'Empty for models no feature matches',
    events              UInt64,
    quantities          Map(LowCardinality(String), Decimal(76, 9)) COMMENT 'Sums by unit',
    credits             Decimal(76, 18)
)
ENGINE = MergeTree
PARTITION BY run_seq
ORDER BY (customer_id, credit_system, period_start, feature_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Tokens and credits per customer, period and feature, per run';
