-- The Stripe accounts and modes for which charges were ever frozen or periods closed. Grain: account and mode.
SELECT stripe_account, livemode
FROM (SELECT stripe_account, livemode FROM charge_plan UNION ALL SELECT stripe_account, livemode FROM closed_periods)
GROUP BY stripe_account, livemode
ORDER BY stripe_account, livemode
