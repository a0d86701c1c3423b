-- Adds the customers of a committed load to those that are known, and those that an import or attach made known. Repeating it
-- changes nothing. Grain: customer id.
INSERT INTO known_customers (customer_id, first_load_seq, last_load_seq)
SELECT customer_id, {load_seq:UInt64}, {load_seq:UInt64}
FROM usage_events
WHERE load_seq = {load_seq:UInt64}
GROUP BY customer_id
UNION ALL
SELECT DISTINCT customer_id, 0, 0
FROM customers
WHERE customer_id GLOBAL NOT IN (SELECT customer_id FROM known_customers)
