-- Closed time: what was billed, with the terms it was billed by. Grain: stretch of a customer's time, closed by one run.
-- Append-only. A row with a charge_id holds if that charge was frozen by the same plan and run.
-- Half-open [starts_at, ends_at). Where stretches overlap, the one closed first holds, and over all one that was billed again.
CREATE TABLE IF NOT EXISTS closed_periods
(
    stripe_account String,
    livemode       UInt8,
    customer_id    String,
    starts_at      DateTime64(9, 'UTC'),
    ends_at        DateTime64(9, 'UTC'),
    product        LowCardinality(String),
    anchor         Nullable(DateTime64(9, 'UTC')) COMMENT 'What its periods are counted from; null for the calendar',
    trial          UInt8,
    seats          UInt64                         COMMENT 'Seats that multiplied the allowance and the limit',
    catalog_sha    LowCardinality(String)         COMMENT 'The catalog that it keeps',
    grants         Array(String)                  COMMENT 'Grants that were known and had begun; later ones count from its end on',
    window_start   Nullable(DateTime64(9, 'UTC')) COMMENT 'The period it was billed with as a whole, after a rebill; else null',
    window_end     Nullable(DateTime64(9, 'UTC')),
    rebill_id      String                         COMMENT 'The rebill that it was billed by; empty for the first time',
    charge_id      String                         COMMENT 'The charge of the period; empty where it billed nothing',
    plan_sha       String,
    run_id         String,
    closed_at      DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (stripe_account, livemode, customer_id, closed_at, run_id, starts_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Time that was billed, with the terms it was billed by'
-- next
-- Closed periods that a person has billed again. Append-only; grain: rebill. It is done once closed_periods names it.
CREATE TABLE IF NOT EXISTS rebills
(
    rebill_id      String,
    stripe_account String,
    livemode       UInt8,
    customer_id    String,
    period_start   DateTime64(9, 'UTC'),
    period_end     DateTime64(9, 'UTC'),
    reason         String               COMMENT 'Why',
    requested_by   String               COMMENT 'Who asked for it',
    requested_at   DateTime64(3, 'UTC'),
    undone         UInt8                COMMENT '1: takes back what was asked for the period and is not posted',
    run_id         String
)
ENGINE = MergeTree
ORDER BY (stripe_account, livemode, customer_id, requested_at, rebill_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Who had which closed period billed again, when and why'
-- next
-- What persons decided, as analysts read it. Grain: decision. It is only ever added to.
CREATE OR REPLACE VIEW v_audit
(
    decided_at   DateTime64(3, 'UTC')   COMMENT 'When',
    decided_by   String                 COMMENT 'Who, as claimed on the command line or known by a login; of a load empty, its reason says who',
    action       LowCardinality(String) COMMENT 'release, undo_release, hold, approve, resolve (a charge); rebill, undo_rebill (a period); dismissed, withdrawn (a load)',
    subject      String                 COMMENT 'What was decided about: oc_… (a charge), rb_… (a rebill) or ld_… (a load)',
    customer_id  String                 COMMENT 'Of a rebill; else empty',
    amount_minor Nullable(Int64)        COMMENT 'What the charge came to then, in minor units',
    about        String                 COMMENT 'Why the charge was held, or the hash of the plan that was approved',
    reason       String                 COMMENT 'Why it was decided so'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT decided_at, decided_by, action, charge_id AS subject, '' AS customer_id, toNullable(amount_minor) AS amount_minor, about, reason
FROM decisions
UNION ALL
SELECT requested_at, requested_by, if(undone = 1, 'undo_rebill', 'rebill'), rebill_id, customer_id, NULL, '', reason
FROM rebills
UNION ALL
SELECT changed_at, '', status, concat('ld_', toString(load_seq)), '', NULL, '', message
FROM loads FINAL
WHERE status IN ('dismissed', 'withdrawn')
COMMENT 'Who decided what, when and why; grain: one row per decision'
