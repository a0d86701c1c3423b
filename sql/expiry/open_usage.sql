-- Of the given loads, those whose raw rows are still needed, and why: rows of time that is not closed, or of what is rated row
-- by row. Grain: load; loads without such rows are left out. Inputs: closed (customer_id, starts_at, ends_at; stretches of a
-- customer do not overlap), alone (model, feature).
SELECT load_seq, count() AS open_rows, min(occurred_at) AS first_open, argMin(customer, occurred_at) AS first_customer,
    countIf(is_alone) AS alone_rows
FROM
(
    SELECT event.load_seq AS load_seq, event.occurred_at AS occurred_at, toString(event.customer_id) AS customer, closed.ends_at AS ends_at,
        (event.model, event.feature) GLOBAL IN (SELECT model, feature FROM alone) AS is_alone
    FROM (SELECT load_seq, occurred_at, customer_id, toString(model) AS model, toString(feature) AS feature
        FROM usage_events WHERE load_seq IN {loads:Array(UInt64)}) AS event
    ASOF LEFT JOIN closed ON closed.customer_id = event.customer_id AND event.occurred_at >= closed.starts_at
)
WHERE occurred_at >= ends_at OR is_alone
GROUP BY load_seq
ORDER BY load_seq
SETTINGS join_use_nulls = 0
