-- First accounting day with usage of each customer; events that another load supersedes are not left out. Grain: customer.
-- Input: the table counted (load_seq, rolled).
SELECT customer_id, min(day) AS first_day
FROM
(
    SELECT customer_id, min(day) AS day
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 1)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY customer_id
-- if any_unrolled
    UNION ALL
    SELECT customer_id, toDate(min(occurred_at), {timezone:String}) AS day
    FROM usage_events
    WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY customer_id
    UNION ALL
    SELECT customer_id, toDate(min(occurred_at), {timezone:String}) AS day
    FROM duplicate_events
    WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY customer_id
-- end if
)
GROUP BY customer_id
ORDER BY customer_id
