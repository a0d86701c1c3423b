-- The highest revision of a frozen charge. Grain: one row. Input: charge_id.
SELECT max(plan_rev) AS plan_rev FROM charge_plan WHERE charge_id = {charge_id:String}
