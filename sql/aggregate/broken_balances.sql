-- Rows of a run, and how many break a rule: granted - used = balance, remaining, overage = billable + capped, and the
-- spend of the features adding up to used. Grain: one row.
SELECT
    count() AS rows,
    countIf(
        (granted IS NOT NULL AND granted - used != balance)
        OR (granted IS NOT NULL AND remaining != greatest(balance, toDecimal256(0, 18)))
        OR (granted IS NOT NULL AND overage != greatest(negate(balance), toDecimal256(0, 18)))
        OR (granted IS NULL AND overage != 0)
        OR overage != billable + capped
        OR used != spent) AS broken
FROM
(
    SELECT customer_id, credit_system, period_start, granted, used, balance, remaining, overage, billable, capped
    FROM balances
    WHERE run_seq = {run_seq:UInt64}
) AS stored
LEFT JOIN
(
    SELECT customer_id, credit_system, period_start, sum(credits) AS spent
    FROM period_spend
    WHERE run_seq = {run_seq:UInt64}
    GROUP BY customer_id, credit_system, period_start
) AS spend USING (customer_id, credit_system, period_start)
