-- Credits by accounting day, from one day up to another, exclusive, as the latest run has them. Grain: day, credit system
-- and feature. An empty customer stands for all.
SELECT day, credit_system, feature_id, toString(sum(credits)) AS credits
FROM v_spend_daily
WHERE day >= {from:Date} AND day < {to:Date} AND credit_system != ''
    AND ({customer:String} = '' OR customer_id = {customer:String})
GROUP BY day, credit_system, feature_id
ORDER BY day, credit_system, feature_id
