-- Customers of whom a boundary divides some total, and the number of their totals. Grain: customer. Inputs: slices and
-- split_days. A total of one split day is no obstacle: such days are read from their raw events.
WITH spans AS
(
    SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline, customer_id,
        first_day, last_day
    FROM usage_totals
    WHERE totals_seq = {totals_seq:UInt64}
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
        AND NOT (first_day = last_day AND (timeline, first_day) IN (SELECT timeline, day FROM split_days))
)
SELECT toString(spans.customer_id) AS customer_id, count() AS rows
FROM spans
ASOF LEFT JOIN (SELECT timeline, first_day, end_day FROM slices WHERE first_day < end_day) AS whole
    ON whole.timeline = spans.timeline AND spans.first_day >= whole.first_day
WHERE spans.last_day >= whole.end_day
GROUP BY customer_id
ORDER BY customer_id
SETTINGS join_use_nulls = 0
