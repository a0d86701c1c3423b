-- Charges that Stripe has, for exports, without those that are billed again since their invoice is void, in one mode and of
-- periods that end in [from, to). Grain: charge.
WITH
-- term rebill_decisions
    billed_again AS (SELECT * FROM rebill_decisions WHERE action = 'rebill')
SELECT charge_id, customer_id, stripe_customer, product, credit_system, toString(kind) AS kind, period_start, period_end,
    toString(currency) AS currency, billed_credits, amount_minor, ifNull(posted_minor, amount_minor) AS posted_minor, lines,
    invoice_id, frozen_at
FROM v_charges
WHERE state = 'posted' AND livemode = {livemode:UInt8}
    AND charge_id GLOBAL NOT IN (SELECT charge_id FROM billed_again)
    AND period_end >= {from:DateTime64(9, 'UTC')} AND period_end < {to:DateTime64(9, 'UTC')}
ORDER BY period_end, customer_id, charge_id
