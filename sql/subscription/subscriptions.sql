-- Subscriptions that were, are or will be in force, by customer and start. Grain: customer, product, starts_at.
SELECT customer_id, product, starts_at, ends_at, anchor, stripe_subscription, stripe_hold, past_due, trial_from, trial_to, seats,
    origin
FROM subscriptions FINAL
WHERE removed = 0 AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
ORDER BY customer_id, starts_at, product
