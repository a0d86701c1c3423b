-- What was charged for overage, without what is billed again since its invoice is void, of one mode: of periods whose last
-- instant lies in [from, to), and adjustments that were frozen then. Grain: customer, product, currency and state. Inputs: livemode, from, to.
WITH
-- term rebill_decisions
    billed_again AS (SELECT * FROM rebill_decisions WHERE action = 'rebill')
SELECT customer_id, toString(product) AS product, toString(currency) AS currency, state, count() AS charges,
    toInt64(sum(ifNull(posted_minor, amount_minor))) AS total_minor
FROM v_charges
WHERE livemode = {livemode:UInt8}
    AND charge_id GLOBAL NOT IN (SELECT charge_id FROM billed_again)
    AND if(kind != 'adjustment', period_end > {from:DateTime64(9, 'UTC')} AND period_end <= {to:DateTime64(9, 'UTC')},
        frozen_at >= {from:DateTime64(9, 'UTC')} AND frozen_at < {to:DateTime64(9, 'UTC')})
GROUP BY customer_id, product, currency, state
ORDER BY customer_id, product, currency, state
