-- Grants of the customers, by customer and start. Grain: grant.
SELECT grant_id, customer_id, credit_system, credits, starts_at, expires_at, priority, reason
FROM grants
WHERE {everyone:Bool} OR customer_id IN {customers:Array(String)}
ORDER BY customer_id, starts_at, grant_id
