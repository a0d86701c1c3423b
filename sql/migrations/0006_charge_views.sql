-- Charges as analysts read them.
-- Charges with the state that the ledger's events fold to. Grain: charge.
-- state: posted (Stripe has it), rejected (Stripe refused it, a person decides), manual (settled by a person), open (not
-- known to be at Stripe; the next post goes on with it). Figures are those that were frozen; posted_minor is Stripe's.
-- invoice_status is the furthest that reconcile --settle has seen: draft, open, uncollectible, void or paid.
CREATE OR REPLACE VIEW v_charges
(
    charge_id        String                         COMMENT 'Identity of the charge',
    customer_id      String                         COMMENT 'Who owes it',
    stripe_customer  String                         COMMENT 'Stripe id cus_… of the customer',
    product          String                         COMMENT 'Product of the period',
    credit_system    String                         COMMENT 'Credits that were used beyond the allowance',
    kind             LowCardinality(String)         COMMENT 'overage, or adjustment of a period charged before',
    period_start     DateTime64(9, 'UTC')           COMMENT 'Start of the period it is for, inclusive',
    period_end       DateTime64(9, 'UTC')           COMMENT 'End of the period, exclusive',
    currency         LowCardinality(String)         COMMENT 'ISO code in lower case',
    billable_credits Decimal(76, 18)                COMMENT 'Overage that has a price, exact; of an adjustment the difference',
    billed_credits   Decimal(76, 18)                COMMENT 'billable_credits rounded up to billing units',
    amount_exact     String                         COMMENT 'Decimal text in the currency, before any rounding',
    amount_minor     Int64                          COMMENT 'What is charged, in the minor unit of the currency',
    residual         String                         COMMENT 'What rounding added: amount_minor in the currency - amount_exact',
    lines            String                         COMMENT 'JSON of the lines [{feature_id, tokens, credits, amount_minor}]; their amounts add up',
    mode             LowCardinality(String)         COMMENT 'renewal, subscription, bill_now, invoice or draft: how it reaches the customer; manual: a person settled it unposted',
    target           String                         COMMENT 'Stripe id sub_… for modes renewal, subscription and bill_now',
    stripe_account   String                         COMMENT 'Stripe account it belongs to',
    livemode         UInt8                          COMMENT '1 for real money, 0 for the test mode of Stripe',
    plan_sha         String                         COMMENT 'Hex SHA-256 of the plan it was frozen with',
    request_body     String                         COMMENT 'Parameters of the request to Stripe, canonical JSON',
    body_sha         String                         COMMENT 'Hex SHA-256 of request_body',
    run_id           String                         COMMENT 'Run that froze it',
    frozen_at        DateTime64(3, 'UTC')           COMMENT 'When it was frozen',
    state            String                         COMMENT 'posted, open, rejected or manual',
    stripe_id        String                         COMMENT 'Stripe id ii_… of the invoice item; empty until it is known',
    posted_minor     Nullable(Int64)                COMMENT 'Amount of that item; null until it is known',
    posted_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'When Stripe confirmed it; null until then',
    invoice_id       String                         COMMENT 'Stripe id in_… of the invoice it is on; empty until reconcile --settle saw it',
    invoice_status   String                         COMMENT 'draft, open, uncollectible, void or paid; empty until reconcile --settle saw it',
    settled_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'When that was seen; null until then'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    frozen.charge_id AS charge_id,
    frozen.customer_id AS customer_id,
    frozen.stripe_customer AS stripe_customer,
    frozen.product AS product,
    frozen.credit_system AS credit_system,
    frozen.kind AS kind,
    frozen.period_start AS period_start,
    frozen.period_end AS period_end,
    frozen.currency AS currency,
    frozen.billable_credits AS billable_credits,
    frozen.billed_credits AS billed_credits,
    frozen.amount_exact AS amount_exact,
    frozen.amount_minor AS amount_minor,
    frozen.residual AS residual,
    frozen.lines AS lines,
    frozen.mode AS mode,
    frozen.target AS target,
    frozen.stripe_account AS stripe_account,
    frozen.livemode AS livemode,
    frozen.plan_sha AS plan_sha,
    frozen.request_body AS request_body,
    frozen.body_sha AS body_sha,
    frozen.run_id AS run_id,
    frozen.frozen_at AS frozen_at,
    multiIf(
        if(frozen.mode IN ('invoice', 'bill_now'), events.finalized, events.posted) > 0, 'posted',
        events.manual > 0, 'manual',
        events.rejected > 0, 'rejected',
        'open') AS state,
    ifNull(events.stripe_id, '') AS stripe_id,
    if(events.posted > 0, events.posted_minor, NULL) AS posted_minor,
    if(events.posted > 0, events.posted_at, NULL) AS posted_at,
    ifNull(events.invoice_id, '') AS invoice_id,
    ifNull(events.invoice_status, '') AS invoice_status,
    if(ifNull(events.invoice_status, '') = '', NULL, events.settled_at) AS settled_at
FROM
(
    SELECT *
    FROM charge_plan
    ORDER BY charge_id, plan_rev DESC, frozen_at, run_id
    LIMIT 1 BY charge_id
) AS frozen
LEFT JOIN
(
    SELECT
        charge_id,
        countIf(kind = 'ACK' AND step = 'ii') AS posted,
        countIf(kind = 'ACK' AND step = 'fin') AS finalized,
        countIf(kind = 'MANUAL' AND step = 'ii') AS manual,
        countIf(kind = 'REJECT') AS rejected,
        minIf(charge_event.stripe_id, kind = 'ACK' AND step = 'ii') AS stripe_id,
        argMinIf(amount_minor, charge_event.stripe_id, kind = 'ACK' AND step = 'ii') AS posted_minor,
        minIf(at, kind = 'ACK' AND step = 'ii') AS posted_at,
        argMaxIf(tuple(charge_event.stripe_id, err_code, at),
            tuple(indexOf(['draft', 'open', 'uncollectible', 'void', 'paid'], err_code), charge_event.stripe_id),
            kind = 'SETTLED') AS settled,
        settled.1 AS invoice_id,
        settled.2 AS invoice_status,
        settled.3 AS settled_at
    FROM charge_event
    GROUP BY charge_id
) AS events ON events.charge_id = frozen.charge_id
COMMENT 'Frozen charges and whether Stripe has them; grain: charge'
