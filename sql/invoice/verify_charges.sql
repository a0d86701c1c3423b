-- Every row of charge_plan, with what Stripe confirmed of the charge and the plan it was frozen with. Grain: charge and
-- freezing; sorted by charge_id. plan_body is '' where the plan is not stored.
SELECT
    rows.charge_id AS charge_id, rows.plan_sha AS plan_sha, rows.customer_id AS customer_id,
    rows.stripe_customer AS stripe_customer, rows.stripe_account AS stripe_account, rows.livemode AS livemode,
    rows.product AS product, rows.credit_system AS credit_system, rows.kind AS kind, rows.period_start AS period_start,
    rows.period_end AS period_end, rows.currency AS currency, rows.billable_credits AS billable_credits,
    rows.billed_credits AS billed_credits, rows.amount_exact AS amount_exact, rows.amount_minor AS amount_minor,
    rows.residual AS residual, rows.lines AS lines, rows.mode AS mode, rows.target AS target,
    rows.request_body AS request_body, rows.body_sha AS body_sha, rows.run_id AS run_id, rows.frozen_at AS frozen_at,
    folded.state AS state, folded.stripe_id AS stripe_id, ifNull(folded.posted_minor, 0) AS posted_minor
FROM charge_plan AS rows
INNER JOIN v_charges AS folded ON folded.charge_id = rows.charge_id
ORDER BY charge_id, rows.plan_rev, frozen_at, run_id
