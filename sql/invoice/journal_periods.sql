-- Periods of the latest run that lie in [from, to) at least in part, trials left out, with what was used of them before
-- from and before to. A period that ends by then has used all of its usage; of another it is that of whole accounting days.
-- Grain: customer, credit system, period. Inputs: from, to; timezone, the catalog's.
WITH
    spanning AS
    (
        SELECT customer_id, toString(credit_system) AS credit_system, toString(product) AS product, period_start,
            assumeNotNull(period_end) AS ends, isNull(period_end) AS endless, granted, used
        FROM v_balances
        WHERE NOT trial AND period_start < {to:DateTime64(9, 'UTC')}
            AND (isNull(period_end) OR period_end > {from:DateTime64(9, 'UTC')})
    ),
    daily AS
    (
        SELECT customer_id, toString(credit_system) AS credit_system, day, sum(credits) AS spent
        FROM v_spend_daily
        WHERE customer_id GLOBAL IN (SELECT customer_id FROM spanning
            WHERE period_start < {from:DateTime64(9, 'UTC')} OR ends > {to:DateTime64(9, 'UTC')})
        GROUP BY customer_id, credit_system, day
    )
SELECT spanning.customer_id AS customer_id, spanning.credit_system AS credit_system, product, period_start,
    granted,
    if(period_start >= {from:DateTime64(9, 'UTC')}, toDecimal256(0, 18),
        least(used, sumIf(spent, day >= toDate(period_start, {timezone:String})
            AND day < toDate({from:DateTime64(9, 'UTC')}, {timezone:String})))) AS used_before,
    if(NOT endless AND ends <= {to:DateTime64(9, 'UTC')}, used,
        least(used, sumIf(spent, day >= toDate(period_start, {timezone:String})
            AND day < toDate({to:DateTime64(9, 'UTC')}, {timezone:String})))) AS used_to
FROM spanning
LEFT JOIN daily ON daily.customer_id = spanning.customer_id AND daily.credit_system = spanning.credit_system
GROUP BY customer_id, credit_system, product, period_start, ends, endless, granted, used
ORDER BY product, customer_id, credit_system, period_start
