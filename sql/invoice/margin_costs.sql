-- What providers bill for the days [from, to), in UTC. Grain: model, customer, currency; model and customer are empty where the
-- report does not say.
SELECT toString(model) AS name, customer_id, toString(currency) AS currency, sum(amount) AS total
FROM v_costs
WHERE kind = 'cost' AND day >= {from:Date} AND day < {to:Date}
GROUP BY name, customer_id, currency
ORDER BY name, customer_id, currency
