-- Customers with events at or after an instant, and when their first one is. Grain: customer. The loads are found first: few
-- or none have any.
SELECT customer_id, min(occurred_at) AS first_at
FROM v_events
WHERE occurred_at >= {as_of:DateTime64(9, 'UTC')}
    AND load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed'
        AND occurred_to >= {as_of:DateTime64(9, 'UTC')})
    AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
GROUP BY customer_id
ORDER BY customer_id
