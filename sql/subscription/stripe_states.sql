-- What keeps charges from Stripe's customers and subscriptions. Grain: stripe_id.
SELECT stripe_id, hold, running
FROM stripe_states FINAL
WHERE hold != ''
