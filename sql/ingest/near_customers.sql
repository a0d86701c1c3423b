-- Customer ids that differ in what readers overlook, where a load brought one of them in, or holds several of them. Some of them, and
-- how many there are. Grain: ids that look alike.
SELECT arraySort(groupArray(6)(customer_id)) AS ids, count() OVER () AS total
FROM
(
    SELECT folded, customer_id, min(first_load_seq) AS first_seq, max(last_load_seq) AS last_seq
    FROM known_customers
    WHERE folded GLOBAL IN (SELECT folded FROM known_customers WHERE last_load_seq = {load_seq:UInt64})
    GROUP BY folded, customer_id
)
GROUP BY folded
HAVING count() > 1 AND (countIf(first_seq = {load_seq:UInt64}) > 0 OR countIf(last_seq = {load_seq:UInt64}) > 1)
ORDER BY ids
LIMIT 10
