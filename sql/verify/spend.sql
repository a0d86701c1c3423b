-- Periods whose features do not add up to what was used, spend without a balance included, at most `most`. Grain: customer,
-- credit system, period.
SELECT
    customer_id, credit_system, period_start,
    sum(used_credits) AS used,
    sum(spent_credits) AS spent,
    toUInt64(sum(balance_rows)) AS balance_rows
FROM
(
    SELECT customer_id, toString(credit_system) AS credit_system, period_start, used AS used_credits,
        toDecimal256(0, 18) AS spent_credits, 1 AS balance_rows
    FROM v_balances
    UNION ALL
    SELECT customer_id, toString(credit_system), period_start, toDecimal256(0, 18), credits, 0
    FROM v_period_spend
    WHERE credit_system != ''
)
GROUP BY customer_id, credit_system, period_start
HAVING used != spent OR balance_rows != 1
ORDER BY customer_id, credit_system, period_start
LIMIT {most:UInt64}
SETTINGS max_bytes_before_external_group_by = 1000000000
