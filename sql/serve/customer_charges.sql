-- A customer's charges that were frozen for posting, the latest first. Grain: charge.
SELECT charge_id, product, credit_system, kind, period_start, period_end, currency, amount_minor, state, stripe_id,
    posted_at, invoice_id, invoice_status, plan_sha
FROM v_charges
WHERE customer_id = {customer:String}
ORDER BY period_start DESC, frozen_at DESC, charge_id
LIMIT {most:UInt32}
