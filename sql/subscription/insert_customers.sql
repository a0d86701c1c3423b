-- Makes customers known; an empty Stripe id keeps the one stored. Input: the table new_customers. One block.
INSERT INTO customers (customer_id, stripe_customer, revision, changed_at)
SELECT new_customers.customer_id, if(new_customers.stripe_customer = '', stored.stripe_customer,
    new_customers.stripe_customer), {revision:UInt64}, {now:DateTime64(3, 'UTC')}
FROM new_customers
LEFT JOIN (SELECT customer_id, stripe_customer FROM customers FINAL) AS stored USING (customer_id)
