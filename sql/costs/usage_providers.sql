-- Providers whose usage reports hold days in UTC in [from, to). Grain: provider. Inputs: from, to (Date).
SELECT toString(provider) AS provider
FROM v_costs
WHERE kind = 'usage' AND day >= {from:Date} AND day < {to:Date}
GROUP BY provider
ORDER BY provider
