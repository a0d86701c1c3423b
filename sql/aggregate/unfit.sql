-- Customers of whom a boundary divides some total, and the number of their totals. Grain: customer. Input: slices.
WITH spans AS
(
    SELECT if(customer_id GLOBAL IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline, customer_id,
        first_day, last_day, exact, first_at, last_at
    FROM usage_totals
    WHERE totals_seq = {totals_seq:UInt64}
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
)
SELECT toString(divided.customer_id) AS customer_id, count() AS rows
FROM
(
    SELECT spans.customer_id AS customer_id
    FROM (SELECT * FROM spans WHERE NOT exact) AS spans
    ASOF LEFT JOIN (SELECT timeline, first_day, end_day FROM slices WHERE first_day < end_day) AS whole
        ON whole.timeline = spans.timeline AND spans.first_day >= whole.first_day
    WHERE spans.last_day >= whole.end_day
-- if any_exact
    UNION ALL
    SELECT spans.customer_id AS customer_id
    FROM (SELECT * FROM spans WHERE exact) AS spans
    ASOF LEFT JOIN (SELECT timeline, starts_at, ends_at FROM slices) AS own
        ON own.timeline = spans.timeline AND spans.first_at >= own.starts_at
    WHERE spans.last_at >= own.ends_at
-- end if
) AS divided
GROUP BY customer_id
ORDER BY customer_id
SETTINGS join_use_nulls = 0
