-- A customer's periods, as the latest run has them, the latest first. Grain: credit system and period.
SELECT credit_system, product, period_start, period_end,
    if(isNull(granted), NULL, toString(granted)) AS granted, toString(used) AS used,
    if(isNull(remaining), NULL, toString(remaining)) AS remaining, toString(overage) AS overage,
    toString(billable) AS billable, unrated_events
FROM v_balances
WHERE customer_id = {customer:String}
ORDER BY period_start DESC, credit_system
LIMIT {most:UInt32}
