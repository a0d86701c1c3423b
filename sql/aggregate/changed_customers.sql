-- Customers whose products or grants changed at an instant or later. Grain: customer.
SELECT customer_id
FROM
(
    SELECT customer_id FROM subscriptions FINAL
    WHERE changed_at >= {since:DateTime64(3, 'UTC')} AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    UNION ALL
    SELECT customer_id FROM grants
    WHERE granted_at >= {since:DateTime64(3, 'UTC')} AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    UNION ALL
    SELECT customer_id FROM grant_revocations
    WHERE stored_at >= {since:DateTime64(3, 'UTC')} AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
)
GROUP BY customer_id
ORDER BY customer_id
