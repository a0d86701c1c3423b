-- Stores subscriptions as they are from now on. Input: the table new_subscriptions; one block, so all of them or none.
INSERT INTO subscriptions (customer_id, product, starts_at, ends_at, anchor, stripe_subscription, stripe_hold, past_due,
    trial_from, trial_to, seats, origin, removed, revision, changed_at)
SELECT customer_id, product, starts_at, ends_at, anchor, stripe_subscription, stripe_hold, past_due,
    trial_from, trial_to, seats, origin, removed, {revision:UInt64}, {now:DateTime64(3, 'UTC')}
FROM new_subscriptions
