-- Every charge frozen for a Stripe account and mode, with the state its events fold to. Grain: charge.
-- Inputs: stripe_account, livemode. Sorted by charge_id.
SELECT
    charge_id, plan_sha, customer_id, stripe_customer, stripe_account, livemode, product, credit_system, kind,
    period_start, period_end, currency, billable_credits, billed_credits, amount_exact, amount_minor, residual, lines,
    mode, target, request_body, body_sha, run_id, frozen_at, state, stripe_id,
    ifNull(posted_minor, 0) AS posted_minor
FROM v_charges
WHERE stripe_account = {stripe_account:String} AND livemode = {livemode:UInt8}
ORDER BY charge_id
