-- Frozen plans. Grain: plan content. Written before the first request to Stripe.
CREATE TABLE IF NOT EXISTS plans
(
    plan_sha    String               COMMENT 'Hex SHA-256 of body',
    as_of       DateTime64(9, 'UTC'),
    catalog_sha String,
    loads       Array(UInt64)        COMMENT 'Committed loads the plan was made from',
    body        String               COMMENT 'Canonical JSON of the plan',
    inputs      String               COMMENT 'What it was made from beside usage and catalog, as JSON' CODEC(ZSTD(3)),
    run_id      String,
    frozen_at   DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (plan_sha, frozen_at, run_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Invoice plans as they were frozen';
-- next
-- Frozen charges. Grain: charge and freezing; of several the one with the highest plan_rev holds, and of those
-- the one with the least (frozen_at, run_id). Rows of a charge differ in where it goes, never in what it is.
-- All request parameters come from request_body: Stripe compares them under one idempotency key.
CREATE TABLE IF NOT EXISTS charge_plan
(
    charge_id       String               COMMENT 'Business identity: oc_ + 26 characters, free of amount, run and time of posting',
    plan_rev        UInt32               COMMENT 'Grows when the charge has to go another way',
    plan_sha        String,
    customer_id     String,
    stripe_customer String,
    stripe_account  String,
    livemode        UInt8,
    product         String,
    credit_system   String,
    kind            LowCardinality(String) COMMENT 'overage or adjustment',
    period_start    DateTime64(9, 'UTC'),
    period_end      DateTime64(9, 'UTC'),
    currency        LowCardinality(String),
    billable_credits Decimal(76, 18)     COMMENT 'Overage that has a price, exact',
    billed_credits  Decimal(76, 18)      COMMENT 'billable_credits rounded up to billing units',
    amount_exact    String               COMMENT 'Decimal text in the currency, before any rounding',
    amount_minor    Int64                COMMENT 'What is charged, in the currency''s minor unit',
    residual        String               COMMENT 'amount_minor in the currency - amount_exact',
    lines           String               COMMENT 'JSON of the lines; their amounts add up to amount_minor',
    mode            LowCardinality(String) COMMENT 'subscription (pending item on it), bill_now (the same, and an invoice of it at once), invoice (an invoice of its own, finalized) draft (left as a draft) or manual (settled by a person unposted)',
    target          String               COMMENT 'Stripe id sub_… for mode subscription',
    request_body    String               COMMENT 'Parameters of the request, canonical JSON',
    body_sha        String               COMMENT 'Hex SHA-256 of request_body',
    run_id          String,
    frozen_at       DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (charge_id, plan_rev, frozen_at, run_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Charges frozen for posting; never changed';
-- next
-- What happened to a charge. Append-only; the state is a fold in which any ACK wins, so order and repetition do not matter.
CREATE TABLE IF NOT EXISTS charge_event
(
    charge_id    String,
    step         LowCardinality(String) COMMENT 'ii (invoice item), inv (draft invoice), fin (finalize)',
    epoch        UInt32                 COMMENT 'Part of the idempotency key; grows only after a poisoned key has settled',
    kind         LowCardinality(String) COMMENT 'INTENT, ACK, UNKNOWN, POISON, REJECT, DRIFT, ABSENT, MANUAL or SETTLED',
    at           DateTime64(3, 'UTC'),
    run_id       String,
    http_status  UInt16,
    stripe_id    String,
    request_id   String,
    replayed     UInt8,
    err_code     String,
    amount_minor Int64
)
ENGINE = MergeTree
ORDER BY (charge_id, at, run_id, kind)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Ledger of what was sent to Stripe and what came back';
