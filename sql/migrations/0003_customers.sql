-- Customers known by import or attach. Grain: customer; read with FINAL. A customer that only has events needs no row here.
CREATE TABLE IF NOT EXISTS customers
(
    customer_id     String,
    stripe_customer String               COMMENT 'Stripe id cus_…; empty when unknown, then its charges are held',
    revision        UInt64,
    changed_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY customer_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Customers and their Stripe ids';
-- next
-- Subscriptions. Grain: customer, product, starts_at; read with FINAL and removed = 0.
-- Half-open [starts_at, ends_at). Gaps belong to the default product.
CREATE TABLE IF NOT EXISTS subscriptions
(
    customer_id         String,
    product             LowCardinality(String),
    starts_at           DateTime64(9, 'UTC'),
    ends_at             Nullable(DateTime64(9, 'UTC')) COMMENT 'Null while it goes on',
    anchor              DateTime64(9, 'UTC')           COMMENT 'Periods begin at the anchor and follow it with month clamping',
    stripe_subscription String                         COMMENT 'Stripe id sub_…; empty when there is none',
    stripe_hold         LowCardinality(String)         COMMENT 'Why Stripe collects none of its invoices, as the last sync saw it: paused, unpaid or incomplete; else empty',
    past_due            Bool                           COMMENT 'Stripe could not collect its latest invoice, as the last sync saw it: past due or unpaid',
    trial_from          Nullable(DateTime64(9, 'UTC')) COMMENT 'Start of the trial at Stripe; null where Stripe tells of none',
    trial_to            Nullable(DateTime64(9, 'UTC')) COMMENT 'End of the trial at Stripe, exclusive',
    seats               String                         COMMENT 'Seats by the instant from which there were so many: TIME=COUNT, separated by blanks; empty: one',
    origin              LowCardinality(String)         COMMENT 'import, attach or sync',
    removed             UInt8                          COMMENT '1 when a pending change was undone before it took effect',
    revision            UInt64,
    changed_at          DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (customer_id, product, starts_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Who had which product when';
-- next
-- What keeps charges from Stripe's customers and subscriptions, as the last sync or post saw it. Grain: stripe_id; read with FINAL.
CREATE TABLE IF NOT EXISTS stripe_states
(
    stripe_id String                 COMMENT 'cus_… or sub_…',
    hold      LowCardinality(String) COMMENT 'gone, nobody (neither payment method nor e-mail), paused, unpaid, incomplete; empty when nothing does any more',
    running   Array(String)          COMMENT 'Subscriptions of the customer that go on, with their currency; - for one that does not collect',
    revision  UInt64,
    seen_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY stripe_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'What keeps charges from Stripe''s customers and subscriptions'
