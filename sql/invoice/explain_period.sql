-- All frozen charges of one customer's period with the state their events fold to, oldest first, those within it
-- wherever it was to end. Grain: charge. Inputs: those in the condition.
SELECT
    charge_id, plan_sha, customer_id, stripe_customer, stripe_account, livemode, product, credit_system, kind,
    period_start, period_end, currency, billable_credits, billed_credits, amount_exact, amount_minor, residual, lines,
    mode, target, request_body, body_sha, run_id, frozen_at, state, stripe_id,
    ifNull(posted_minor, 0) AS posted_minor
FROM v_charges
WHERE customer_id = {customer_id:String} AND credit_system = {credit_system:String}
    AND (period_start = {period_start:DateTime64(9, 'UTC')} AND period_end = {period_end:DateTime64(9, 'UTC')}
        OR kind = 'threshold' AND period_start >= {period_start:DateTime64(9, 'UTC')}
            AND period_start < {period_end:DateTime64(9, 'UTC')})
    AND stripe_account = {stripe_account:String} AND livemode = {livemode:UInt8}
ORDER BY frozen_at, charge_id
