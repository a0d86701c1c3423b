-- What providers of models bill.
-- Lines of a provider's reports. Grain: line of a report. A line counts once cost_reports has its report, which is written
-- after it.
CREATE TABLE IF NOT EXISTS costs
(
    report_id     String,
    provider      LowCardinality(String) COMMENT 'Who bills it: openai, anthropic, or as a file of one''s own names it',
    kind          LowCardinality(String) COMMENT 'cost: an amount; usage: what was counted',
    day           Date                   COMMENT 'Day in UTC',
    model         LowCardinality(String) COMMENT 'Model as the provider names it; empty where the report does not',
    customer_id   String                 COMMENT 'Whose usage it was, where the report says so; else empty',
    item          String                 COMMENT 'The provider''s words for the line',
    currency      LowCardinality(String) COMMENT 'ISO code in lower case; empty for usage',
    amount        Decimal(76, 18)        COMMENT 'In the currency; 0 for usage',
    input_tokens  UInt64                 COMMENT 'Prompt tokens of all kinds, those read from and written to a cache included',
    output_tokens UInt64                 COMMENT 'Generated tokens of all kinds, reasoning included',
    requests      UInt64                 COMMENT 'Requests; 0 where the report does not say'
)
ENGINE = MergeTree
ORDER BY (provider, kind, day, report_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Lines of what providers bill; read v_costs for those that count'
-- next
-- Reports that were loaded. Append-only; grain: report.
CREATE TABLE IF NOT EXISTS cost_reports
(
    report_id String,
    sha256    String               COMMENT 'Hex SHA-256 of the file',
    source    LowCardinality(String) COMMENT 'openai, anthropic or csv: how it was read',
    file      String               COMMENT 'Its name as it was given',
    rows      UInt64               COMMENT 'Its rows in costs',
    loaded_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (loaded_at, report_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Reports of providers that were loaded'
-- next
-- What counts of the providers' reports: of each provider, kind and day the lines of the report loaded last, since providers
-- correct their figures for days. Grain: line.
CREATE OR REPLACE VIEW v_costs
(
    provider      LowCardinality(String) COMMENT 'Who bills it: openai, anthropic, or as a file of one''s own names it',
    kind          LowCardinality(String) COMMENT 'cost: an amount; usage: what was counted',
    day           Date                   COMMENT 'Day in UTC',
    model         LowCardinality(String) COMMENT 'Model as the provider names it; empty where the report does not',
    customer_id   String                 COMMENT 'Whose usage it was, where the report says so; else empty',
    item          String                 COMMENT 'The provider''s words for the line',
    currency      LowCardinality(String) COMMENT 'ISO code in lower case; empty for usage',
    amount        Decimal(76, 18)        COMMENT 'In the currency; 0 for usage',
    input_tokens  UInt64                 COMMENT 'Prompt tokens of all kinds, those read from and written to a cache included',
    output_tokens UInt64                 COMMENT 'Generated tokens of all kinds, reasoning included',
    requests      UInt64                 COMMENT 'Requests; 0 where the report does not say',
    file          String                 COMMENT 'File of the report',
    report_id     String                 COMMENT 'Report: cr_…'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT provider, kind, day, model, customer_id, item, currency, amount, input_tokens, output_tokens, requests, file,
    line.report_id AS report_id
FROM costs AS line
INNER JOIN cost_reports AS report ON report.report_id = line.report_id
WHERE (provider, kind, day, line.report_id) IN
(
    SELECT provider, kind, day, argMax(costs.report_id, (cost_reports.loaded_at, cost_reports.report_id))
    FROM costs
    INNER JOIN cost_reports ON cost_reports.report_id = costs.report_id
    GROUP BY provider, kind, day
)
COMMENT 'What providers bill, and the usage they count, by day and model; grain: line of a report'
