-- A frozen charge with the state its events fold to, of any Stripe account. Grain: charge, so one row at most.
-- Input: charge_id.
SELECT
    charge_id, plan_sha, customer_id, stripe_customer, stripe_account, livemode, product, credit_system, kind,
    period_start, period_end, currency, billable_credits, billed_credits, amount_exact, amount_minor, residual, lines,
    mode, target, request_body, body_sha, run_id, frozen_at, state, stripe_id,
    ifNull(posted_minor, 0) AS posted_minor
FROM v_charges
WHERE charge_id = {charge_id:String}
