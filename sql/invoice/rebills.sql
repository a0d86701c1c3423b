-- Rebills of an account and mode, in order. Grain: rebill. Inputs: stripe_account, livemode;
-- customers, or everyone.
SELECT rebill_id, customer_id, period_start, period_end, reason, requested_by, requested_at, undone
FROM rebills
WHERE stripe_account = {stripe_account:String} AND livemode = {livemode:UInt8}
    AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
ORDER BY customer_id, requested_at, rebill_id
