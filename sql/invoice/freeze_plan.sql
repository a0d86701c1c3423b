-- Writes a plan down before its first request. Grain of plans: content; a repeated row says the same.
INSERT INTO plans (plan_sha, as_of, catalog_sha, loads, body, inputs, run_id, frozen_at)
SELECT
    {plan_sha:String}, {as_of:DateTime64(9, 'UTC')}, {catalog_sha:String}, {loads:Array(UInt64)}, {body:String},
    {inputs:String}, {run_id:String}, {frozen_at:DateTime64(3, 'UTC')}
SETTINGS async_insert = 0
