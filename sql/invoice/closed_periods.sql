-- Closed stretches of an account and mode that hold: those that billed nothing, and those whose charge was frozen with
-- them. Grain: stretch and closing, in order of customer and closing. Inputs: stripe_account,
-- livemode; customers, or everyone.
SELECT customer_id, starts_at, ends_at, product, anchor, trial, seats, catalog_sha, grants, window_start, window_end, rebill_id,
    charge_id, plan_sha, run_id, closed_at
FROM closed_periods
WHERE stripe_account = {stripe_account:String} AND livemode = {livemode:UInt8}
    AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    AND (charge_id = '' OR (charge_id, plan_sha, run_id) GLOBAL IN (SELECT charge_id, plan_sha, run_id FROM charge_plan))
ORDER BY customer_id, closed_at, run_id, starts_at
