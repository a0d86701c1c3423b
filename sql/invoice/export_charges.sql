-- Charges that Stripe has, for exports, without those that are billed again since their invoice is void, in one mode and of
-- periods that end in [from, to). Grain: charge.
SELECT charge_id, customer_id, stripe_customer, product, credit_system, toString(kind) AS kind, period_start, period_end,
    toString(currency) AS currency, billed_credits, amount_minor, ifNull(posted_minor, amount_minor) AS posted_minor, lines,
    invoice_id, frozen_at
FROM v_charges
WHERE state = 'posted' AND livemode = {livemode:UInt8}
    AND charge_id GLOBAL NOT IN
    (
        SELECT charge_id
        FROM (SELECT charge_id, action FROM decisions WHERE action IN ('rebill', 'undo_rebill')
            ORDER BY charge_id, decided_at DESC, run_id DESC LIMIT 1 BY charge_id)
        WHERE action = 'rebill'
    )
    AND period_end >= {from:DateTime64(9, 'UTC')} AND period_end < {to:DateTime64(9, 'UTC')}
ORDER BY period_end, customer_id, charge_id
