-- Customers known by import or attach. Grain: customer.
SELECT customer_id, stripe_customer
FROM customers FINAL
WHERE {everyone:Bool} OR customer_id IN {customers:Array(String)}
ORDER BY customer_id
