-- The grant of an id. Grain: no row or one.
SELECT grant_id, customer_id, credit_system, credits, starts_at, expires_at, priority, reason, every, until, keeps,
    revoked_at, revoke_reason, revoked_by
FROM v_grants
WHERE grant_id = {grant_id:String}
ORDER BY granted_at
LIMIT 1
