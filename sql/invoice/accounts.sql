-- The Stripe accounts and modes for which charges were ever frozen. Grain: account and mode.
SELECT stripe_account, livemode
FROM charge_plan
GROUP BY stripe_account, livemode
ORDER BY stripe_account, livemode
