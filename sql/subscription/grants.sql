-- Grants of the customers, by customer and start, as v_grants has them. Grain: grant.
SELECT grant_id, customer_id, credit_system, credits, starts_at, expires_at, priority, reason, every, until, keeps,
    revoked_at, revoke_reason, revoked_by
FROM v_grants
WHERE {everyone:Bool} OR customer_id IN {customers:Array(String)}
ORDER BY customer_id, starts_at, grant_id
