-- Frozen charges of the periods that begin in [from, to), or that hold an instant, with the state their events fold to.
-- Grain: charge. Inputs: from, to; by_start says which of the two, the instant being from.
SELECT
    charge_id, plan_sha, customer_id, stripe_customer, stripe_account, livemode, product, credit_system, kind,
    period_start, period_end, currency, billable_credits, billed_credits, amount_exact, amount_minor, residual, lines,
    mode, target, request_body, body_sha, run_id, frozen_at, state, stripe_id,
    ifNull(posted_minor, 0) AS posted_minor
FROM v_charges
WHERE if({by_start:Bool},
    period_start >= {from:DateTime64(9, 'UTC')} AND period_start < {to:DateTime64(9, 'UTC')},
    period_start <= {from:DateTime64(9, 'UTC')} AND period_end > {from:DateTime64(9, 'UTC')})
ORDER BY stripe_account, livemode, customer_id, credit_system, period_start, frozen_at, charge_id
