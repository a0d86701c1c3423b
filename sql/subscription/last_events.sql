-- Customers with usage and the time of their latest event. Grain: customer.
SELECT customer_id, max(occurred_at) AS last_event
FROM v_events
GROUP BY customer_id
ORDER BY customer_id
