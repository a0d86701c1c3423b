-- Customers with usage and the time of their latest event; where its raw row expired, the beginning of its day. Grain: customer.
SELECT customer_id, max(at) AS last_event
FROM
(
    SELECT toString(customer_id) AS customer_id, max(occurred_at) AS at
    FROM v_events
    GROUP BY customer_id
    UNION ALL
    SELECT toString(daily.customer_id) AS customer_id, max(toDateTime64(daily.day, 9, 'UTC')) AS at
    FROM usage_daily AS daily
    WHERE daily.load_seq GLOBAL IN (SELECT load_seq FROM expired_loads) AND daily.load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
        AND daily.replaced_load_seq = 0 AND empty(daily.superseded_by)
    GROUP BY daily.customer_id
)
GROUP BY customer_id
ORDER BY customer_id
