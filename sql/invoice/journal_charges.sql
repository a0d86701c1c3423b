-- What was charged for overage, of one mode: of periods whose last instant lies in [from, to), and adjustments that were
-- frozen then. Grain: customer, product, currency and state. Inputs: livemode, from, to.
SELECT customer_id, toString(product) AS product, toString(currency) AS currency, state, count() AS charges,
    toInt64(sum(ifNull(posted_minor, amount_minor))) AS total_minor
FROM v_charges
WHERE livemode = {livemode:UInt8}
    AND if(kind != 'adjustment', period_end > {from:DateTime64(9, 'UTC')} AND period_end <= {to:DateTime64(9, 'UTC')},
        frozen_at >= {from:DateTime64(9, 'UTC')} AND frozen_at < {to:DateTime64(9, 'UTC')})
GROUP BY customer_id, product, currency, state
ORDER BY customer_id, product, currency, state
