-- What analysts read. Each view says its grain, and every column what it is; all but v_loads show what counts.
-- Settings that hold for every reader of the warehouse. Grain: name and change; the latest one holds.
CREATE TABLE IF NOT EXISTS settings
(
    name       LowCardinality(String) COMMENT 'analyst_properties: shown or hidden; shown where there is no row',
    value      String,
    changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Settings that hold for every reader of the warehouse'
-- next
-- Loads that count. Grain: load.
CREATE OR REPLACE VIEW counted_loads
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq
FROM loads FINAL
WHERE status = 'committed'
COMMENT 'Loads that count: committed and not withdrawn'
-- next
-- Rows that do not count since a later load's row takes their place, also where another row supersedes them anyway.
-- Grain: row of a load and load that replaces it.
CREATE OR REPLACE VIEW counted_replaced
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT replaced.replaced_load_seq AS load_seq, replaced.replaced_row_number AS row_number
FROM replaced_events AS replaced
WHERE replaced.load_seq IN (SELECT load_seq FROM counted_loads)
COMMENT 'Rows whose place a row of a later load takes that counts'
-- next
-- Every load and what became of it. Grain: load.
CREATE OR REPLACE VIEW v_loads
(
    load_seq            UInt64                 COMMENT 'Number of the load, from 1, in the order in which files were loaded',
    load_id             String                 COMMENT 'The load as commands name it: ld_ and load_seq',
    status              LowCardinality(String) COMMENT 'committed: its events count; loading, aborted, discarded, withdrawn, dismissed: they do not',
    file                String                 COMMENT 'Name of the file as it was given',
    sha256              String                 COMMENT 'Hex SHA-256 of the stored file, before decompression',
    source              LowCardinality(String) COMMENT 'Source that said how rows become events',
    format              LowCardinality(String) COMMENT 'jsonl, csv, parquet or arrow',
    size_bytes          UInt64                 COMMENT 'Size of the stored file in bytes',
    rows_read           UInt64                 COMMENT 'Rows in the file = rows_loaded + rows_duplicate + rows_conflict + rows_rejected + rows_skipped',
    rows_loaded         UInt64                 COMMENT 'Rows that became events',
    rows_duplicate      UInt64                 COMMENT 'Rows equal to an event that was loaded before',
    rows_conflict       UInt64                 COMMENT 'Rows with the identity of an event loaded before, but other contents',
    rows_rejected       UInt64                 COMMENT 'Rows that could not be understood',
    rows_skipped        UInt64                 COMMENT 'Rows that the source leaves out on purpose (skip)',
    rows_replaced       UInt64                 COMMENT 'Rows of earlier loads that counted until rows of this load took their place (keep)',
    input_tokens        UInt128                COMMENT 'Prompt tokens of rows_loaded, neither read from nor written to a cache',
    cached_input_tokens UInt128                COMMENT 'Prompt tokens of rows_loaded read from a cache',
    cache_write_tokens  UInt128                COMMENT 'Prompt tokens of rows_loaded written to a cache',
    output_tokens       UInt128                COMMENT 'Generated tokens of rows_loaded without reasoning',
    reasoning_tokens    UInt128                COMMENT 'Generated reasoning tokens of rows_loaded',
    quantities          Map(LowCardinality(String), Decimal(76, 9)) COMMENT 'Sums over rows_loaded by unit, those above zero',
    occurred_from       DateTime64(9, 'UTC')   COMMENT 'Time of its earliest event',
    occurred_to         DateTime64(9, 'UTC')   COMMENT 'Time of its latest event, inclusive',
    started_at          DateTime64(3, 'UTC')   COMMENT 'When reading the file began',
    changed_at          DateTime64(3, 'UTC')   COMMENT 'When it got its status: committed, withdrawn and so on',
    message             String                 COMMENT 'Why it was aborted, discarded, withdrawn or dismissed'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, concat('ld_', toString(load_seq)) AS load_id, status, file, sha256, source, format, size_bytes,
    rows_read, rows_loaded, rows_duplicate, rows_conflict, rows_rejected, rows_skipped, rows_replaced,
    toUInt128(quantities['input']) AS input_tokens,
    toUInt128(quantities['cached_input']) AS cached_input_tokens,
    toUInt128(quantities['cache_write']) AS cache_write_tokens,
    toUInt128(quantities['output']) AS output_tokens,
    toUInt128(quantities['reasoning']) AS reasoning_tokens,
    quantities, occurred_from, occurred_to, started_at, changed_at, message
FROM loads FINAL
COMMENT 'Files that were loaded and what became of them; grain: load'
-- next
-- Events that count, as they are stored. Grain: one row per event; no (source, event_id) twice.
CREATE OR REPLACE VIEW counted_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    units, quantities, properties
FROM usage_events
WHERE load_seq IN (SELECT load_seq FROM counted_loads) AND load_seq NOT IN (SELECT load_seq FROM counted_replaced)
UNION ALL
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    units, quantities, properties
FROM usage_events
WHERE load_seq IN (SELECT load_seq FROM counted_loads WHERE load_seq IN (SELECT load_seq FROM counted_replaced))
    AND (load_seq, row_number) NOT IN (SELECT load_seq, row_number FROM counted_replaced)
UNION ALL
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    units, quantities, properties
FROM duplicate_events
WHERE load_seq IN (SELECT load_seq FROM counted_loads)
    AND NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
    AND (load_seq, row_number) NOT IN (SELECT load_seq, row_number FROM counted_replaced)
COMMENT 'Rows of usage_events and duplicate_events that count'
-- next
-- Events that count, with their tokens. Grain: one row per event. v_event_units has what they count besides.
CREATE OR REPLACE VIEW v_events
(
    load_seq            UInt64                 COMMENT 'Load that brought the row; see v_loads for its file',
    row_number          UInt64                 COMMENT 'Number of the row in that file, from 1',
    source              LowCardinality(String) COMMENT 'Source; (source, event_id) is the identity',
    event_id            String                 COMMENT 'Identity within the source',
    occurred_at         DateTime64(9, 'UTC')   COMMENT 'When the usage happened',
    customer_id         String COMMENT 'Who used it',
    model               LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature             LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    input_tokens        UInt64                 COMMENT 'Prompt tokens, neither read from nor written to a cache',
    cached_input_tokens UInt64                 COMMENT 'Prompt tokens read from a cache',
    cache_write_tokens  UInt64                 COMMENT 'Prompt tokens written to a cache',
    output_tokens       UInt64                 COMMENT 'Generated tokens without reasoning',
    reasoning_tokens    UInt64                 COMMENT 'Generated reasoning tokens',
    dimensions          Map(String, String)    COMMENT 'What prices may depend on, such as tier, as the source finds it',
    properties          String                 COMMENT 'Further fields of the log row as JSON; empty where analyst.properties is off'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT argMax(value, changed_at) = 'hidden' FROM settings WHERE name = 'analyst_properties') AS hidden,
    splitByChar(',', cutQueryStringAndFragment(units)) AS names
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    quantities[indexOf(names, 'input')] AS input_tokens,
    quantities[indexOf(names, 'cached_input')] AS cached_input_tokens,
    quantities[indexOf(names, 'cache_write')] AS cache_write_tokens,
    quantities[indexOf(names, 'output')] AS output_tokens,
    quantities[indexOf(names, 'reasoning')] AS reasoning_tokens,
    CAST(arrayMap(pair -> (splitByChar('=', pair)[1], decodeURLFormComponent(splitByChar('=', pair)[2])),
        arrayFilter(pair -> pair != '', splitByChar('&', queryString(units)))), 'Map(String, String)') AS dimensions,
    if(hidden, '', properties) AS properties
FROM counted_events
COMMENT 'Usage events that count, with their tokens; grain: one row per event'
-- next
-- What events count, unit by unit. Grain: event and unit. Every event counts one request besides what it names.
CREATE OR REPLACE VIEW v_event_units
(
    load_seq    UInt64                 COMMENT 'Load that brought the row; see v_loads for its file',
    row_number  UInt64                 COMMENT 'Number of the row in that file, from 1',
    source      LowCardinality(String) COMMENT 'Source; (source, event_id) is the identity',
    event_id    String                 COMMENT 'Identity within the source',
    occurred_at DateTime64(9, 'UTC')   COMMENT 'When the usage happened',
    customer_id String                 COMMENT 'Who used it',
    model       LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature     LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    dimensions  Map(String, String)    COMMENT 'What prices may depend on, such as tier, as the source finds it',
    unit        String                 COMMENT 'What is counted: input, output, searches and so on; requests is 1 for each event',
    quantity    Decimal(76, 9)         COMMENT 'How much of it, above zero'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH splitByChar(',', cutQueryStringAndFragment(units)) AS names
SELECT load_seq, row_number, source, event_id, occurred_at, customer_id, model, feature,
    CAST(arrayMap(pair -> (splitByChar('=', pair)[1], decodeURLFormComponent(splitByChar('=', pair)[2])),
        arrayFilter(pair -> pair != '', splitByChar('&', queryString(units)))), 'Map(String, String)') AS dimensions, unit,
    if(unit = 'requests', toDecimal256(1, 9), toDecimal256(quantities[indexOf(names, unit)], 9)
        + toDecimal256(quantities[indexOf(names, concat(unit, '.nano'))], 0) * toDecimal64('0.000000001', 9)) AS quantity
FROM counted_events
ARRAY JOIN arrayPushBack(arrayDistinct(arrayMap(name -> replaceOne(name, '.nano', ''), names)), 'requests') AS unit
WHERE quantity > 0
COMMENT 'What usage events that count are made of; grain: event and unit'
-- next
-- Rows that are superseded or replaced now. Grain: row of a load. It names the row that stood when this one was loaded, or the
-- first one that took its place.
CREATE OR REPLACE VIEW v_duplicates
(
    load_seq            UInt64                 COMMENT 'Load that brought the row',
    row_number          UInt64                 COMMENT 'Number of the row in its file, from 1',
    kind                LowCardinality(String) COMMENT 'duplicate: equal but for properties; conflict: anything else differs; replaced: a later load took its place (keep)',
    first_load_seq      UInt64                 COMMENT 'Load of the row that stood when this one was loaded, or took its place',
    first_row_number    UInt64                 COMMENT 'Row number of that row',
    source              LowCardinality(String) COMMENT 'Source; (source, event_id) is the identity',
    event_id            String                 COMMENT 'Identity within the source',
    occurred_at         DateTime64(9, 'UTC')   COMMENT 'Time that this row names',
    customer_id         String COMMENT 'Customer that this row names',
    model               LowCardinality(String) COMMENT 'Model that this row names; empty where it names a feature',
    feature             LowCardinality(String) COMMENT 'Feature that this row names in place of a model',
    input_tokens        UInt64                 COMMENT 'Prompt tokens, neither read from nor written to a cache; not counted',
    cached_input_tokens UInt64                 COMMENT 'Prompt tokens read from a cache; not counted',
    cache_write_tokens  UInt64                 COMMENT 'Prompt tokens written to a cache; not counted',
    output_tokens       UInt64                 COMMENT 'Generated tokens without reasoning; not counted',
    reasoning_tokens    UInt64                 COMMENT 'Generated reasoning tokens; not counted',
    quantities          Map(String, Decimal(76, 9)) COMMENT 'What the row counts by unit, those above zero; not counted',
    dimensions          Map(String, String)    COMMENT 'What prices may depend on, such as tier, as the source finds it',
    properties          String                 COMMENT 'Further fields of the log row as JSON; empty for replaced rows and where analyst.properties is off'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT argMax(value, changed_at) = 'hidden' FROM settings WHERE name = 'analyst_properties') AS hidden,
    splitByChar(',', cutQueryStringAndFragment(units)) AS names
SELECT load_seq, row_number, kind, first_load_seq, first_row_number, source, event_id, occurred_at, customer_id, model, feature,
    stored.quantities[indexOf(names, 'input')] AS input_tokens,
    stored.quantities[indexOf(names, 'cached_input')] AS cached_input_tokens,
    stored.quantities[indexOf(names, 'cache_write')] AS cache_write_tokens,
    stored.quantities[indexOf(names, 'output')] AS output_tokens,
    stored.quantities[indexOf(names, 'reasoning')] AS reasoning_tokens,
    CAST(arrayFilter(pair -> pair.2 > 0, arrayMap(
        unit -> (unit, toDecimal256(stored.quantities[indexOf(names, unit)], 9)
            + toDecimal256(stored.quantities[indexOf(names, concat(unit, '.nano'))], 0) * toDecimal64('0.000000001', 9)),
        arrayDistinct(arrayMap(name -> replaceOne(name, '.nano', ''), names)))), 'Map(String, Decimal(76, 9))') AS quantities,
    CAST(arrayMap(pair -> (splitByChar('=', pair)[1], decodeURLFormComponent(splitByChar('=', pair)[2])),
        arrayFilter(pair -> pair != '', splitByChar('&', queryString(stored.units)))), 'Map(String, String)') AS dimensions,
    if(hidden, '', properties) AS properties
FROM
(
    SELECT load_seq, row_number, kind, first_load_seq, first_row_number, source, event_id, occurred_at, customer_id,
        model, feature, units, quantities, properties
    FROM duplicate_events
    WHERE load_seq IN (SELECT load_seq FROM counted_loads)
        AND hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
    UNION ALL
    SELECT replaced.replaced_load_seq AS load_seq, replaced.replaced_row_number AS row_number, 'replaced' AS kind,
        replaced.load_seq AS first_load_seq, replaced.row_number AS first_row_number, source, event_id, occurred_at,
        customer_id, model, feature, units, quantities, '' AS properties
    FROM replaced_events AS replaced
    WHERE replaced.load_seq IN (SELECT load_seq FROM counted_loads)
        AND replaced.replaced_load_seq IN (SELECT load_seq FROM counted_loads)
        AND NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads))
) AS stored
COMMENT 'Rows that repeat (duplicate), contradict (conflict) or made way for (replaced) an event that counts; grain: row of a load'
-- next
-- Finished aggregate runs. Grain: run. The latest one is what v_balances and v_period_spend show.
CREATE OR REPLACE VIEW v_runs
(
    run_id       String               COMMENT 'Name of the run: ag_ and its number',
    run_seq      UInt64               COMMENT 'Number of the run; the highest is the latest',
    as_of        DateTime64(9, 'UTC') COMMENT 'Events before this instant count in it',
    catalog_sha  String               COMMENT 'Hex SHA-256 of the catalog it was priced with',
    timezone     String               COMMENT 'Accounting timezone of that catalog',
    loads        UInt64               COMMENT 'Loads that counted',
    customers    UInt64               COMMENT 'Customers it looked at',
    unrated_rows UInt64               COMMENT 'Events that no price matched, wholly or in part',
    finished_at  DateTime64(3, 'UTC') COMMENT 'When its figures became visible'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT run_id, run_seq, as_of, catalog_sha, timezone, loads, customers, unrated_rows, finished_at
FROM aggregate_runs
COMMENT 'Finished aggregate runs; grain: run'
-- next
-- Daily usage that counts, by load. Grain: load, replaced load, superseded_by, day, customer, model or feature, units. What
-- a load replaces is below zero, and sign says so: add it up times sign; events and tokens are multiplied already. Timezone and prices are those of the latest aggregate run; loads newer than it are not rolled up yet
-- and are not here.
CREATE OR REPLACE VIEW counted_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH splitByChar(',', cutQueryStringAndFragment(units)) AS names, if(replaced_load_seq = 0, 1, -1) AS sign
SELECT load_seq, day, customer_id, model, feature, sign * toInt64(events) AS events,
    sign * toInt128(quantities[indexOf(names, 'input')]) AS input_tokens,
    sign * toInt128(quantities[indexOf(names, 'cached_input')]) AS cached_input_tokens,
    sign * toInt128(quantities[indexOf(names, 'cache_write')]) AS cache_write_tokens,
    sign * toInt128(quantities[indexOf(names, 'output')]) AS output_tokens,
    sign * toInt128(quantities[indexOf(names, 'reasoning')]) AS reasoning_tokens,
    sign, units, quantities
FROM usage_daily
WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
    AND load_seq IN (
        SELECT load_seq FROM rollups
        WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
            AND load_seq IN (SELECT load_seq FROM counted_loads))
    AND (replaced_load_seq = 0 OR replaced_load_seq IN (
        SELECT load_seq FROM rollups
        WHERE timezone = (SELECT argMax(timezone, run_seq) FROM aggregate_runs)
            AND load_seq IN (SELECT load_seq FROM counted_loads)))
    AND (empty(superseded_by) OR NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM counted_loads)))
COMMENT 'Rows of usage_daily that count, in the timezone of the latest run'
-- next
-- Daily usage. Grain: day, customer, model or feature. Days are those of the catalog's timezone.
CREATE OR REPLACE VIEW v_usage_daily
(
    day                 Date                   COMMENT 'Day by the clock of the catalog timezone',
    customer_id         String COMMENT 'Who used it',
    model               LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature             LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    events              UInt64                 COMMENT 'Number of events',
    input_tokens        UInt128                COMMENT 'Prompt tokens, neither read from nor written to a cache',
    cached_input_tokens UInt128                COMMENT 'Prompt tokens read from a cache',
    cache_write_tokens  UInt128                COMMENT 'Prompt tokens written to a cache',
    output_tokens       UInt128                COMMENT 'Generated tokens without reasoning',
    reasoning_tokens    UInt128                COMMENT 'Generated reasoning tokens'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT day, customer_id, model, feature,
    toUInt64(sum(daily.events)) AS events,
    toUInt128(sum(daily.input_tokens)) AS input_tokens,
    toUInt128(sum(daily.cached_input_tokens)) AS cached_input_tokens,
    toUInt128(sum(daily.cache_write_tokens)) AS cache_write_tokens,
    toUInt128(sum(daily.output_tokens)) AS output_tokens,
    toUInt128(sum(daily.reasoning_tokens)) AS reasoning_tokens
FROM counted_daily AS daily
GROUP BY day, customer_id, model, feature
HAVING events > 0
COMMENT 'Events and tokens per accounting day, customer and model or feature; what is loaded since the last aggregate is not here yet'
-- next
-- Daily usage, unit by unit. Grain: day, customer, model or feature, dimensions, unit. requests are the events.
CREATE OR REPLACE VIEW v_usage_units
(
    day         Date                   COMMENT 'Day by the clock of the catalog timezone',
    customer_id String                 COMMENT 'Who used it',
    model       LowCardinality(String) COMMENT 'Model as the log names it; empty where it names a feature',
    feature     LowCardinality(String) COMMENT 'Feature that the log names in place of a model; empty where it names a model',
    dimensions  Map(String, String)    COMMENT 'What prices may depend on, such as tier, as the source finds it',
    unit        String                 COMMENT 'What is counted: input, output, searches and so on; requests is the number of events',
    quantity    Decimal(76, 9)         COMMENT 'How much of it, above zero'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT day, customer_id, model, feature,
    CAST(arrayMap(pair -> (splitByChar('=', pair)[1], decodeURLFormComponent(splitByChar('=', pair)[2])),
        arrayFilter(pair -> pair != '', splitByChar('&', queryString(units)))), 'Map(String, String)') AS dimensions,
    replaceOne(name, '.nano', '') AS unit,
    sum(toDecimal256(sign * toInt128(amount), 0)
        * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))) AS quantity
FROM
(
    SELECT day, customer_id, model, feature, sign, events, units, quantities
    FROM counted_daily
)
ARRAY JOIN
    arrayPushBack(splitByChar(',', cutQueryStringAndFragment(units)), 'requests') AS name,
    arrayPushBack(quantities, toUInt128(abs(events))) AS amount
GROUP BY day, customer_id, model, feature, dimensions, unit
HAVING quantity > 0
COMMENT 'Quantities per accounting day, customer, model or feature, dimensions and unit; what is loaded since the last aggregate is not here yet'
-- next
-- Spend of the latest aggregate run, which its balances are made from. Grain: customer, credit system, period, feature.
CREATE OR REPLACE VIEW v_period_spend
(
    customer_id         String                 COMMENT 'Who used it',
    credit_system       LowCardinality(String) COMMENT 'Credit system it was charged to; empty for unrated usage',
    period_start        DateTime64(9, 'UTC')   COMMENT 'Start of the period, inclusive; the key to v_balances',
    feature_id          LowCardinality(String) COMMENT 'Feature; empty for models that no feature matches, and for features that the catalog does not have',
    events              UInt64                 COMMENT 'Number of events',
    input_tokens        UInt128                COMMENT 'Prompt tokens, neither read from nor written to a cache',
    cached_input_tokens UInt128                COMMENT 'Prompt tokens read from a cache',
    cache_write_tokens  UInt128                COMMENT 'Prompt tokens written to a cache',
    output_tokens       UInt128                COMMENT 'Generated tokens without reasoning',
    reasoning_tokens    UInt128                COMMENT 'Generated reasoning tokens',
    quantities          Map(LowCardinality(String), Decimal(76, 9)) COMMENT 'Sums by unit, those above zero, tokens among them',
    credits             Decimal(76, 18)        COMMENT 'Exact credits; over the features of a period they add up to used'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT customer_id, credit_system, period_start, feature_id, events,
    toUInt128(quantities['input']) AS input_tokens,
    toUInt128(quantities['cached_input']) AS cached_input_tokens,
    toUInt128(quantities['cache_write']) AS cache_write_tokens,
    toUInt128(quantities['output']) AS output_tokens,
    toUInt128(quantities['reasoning']) AS reasoning_tokens,
    quantities, credits
FROM period_spend
WHERE run_seq = (SELECT max(run_seq) FROM aggregate_runs)
COMMENT 'Quantities and credits per customer, period and feature, as of the latest aggregate run'
