-- Writes down what a person decided about charges. They are on disk when the statement returns.
INSERT INTO decisions (
    charge_id, action, amount_minor, about, reason, decided_by, decided_at, run_id, hold_codes, stripe_customer)
SELECT
    charge.1, {action:String}, charge.2, {about:String}, {reason:String}, {decided_by:String},
    {decided_at:DateTime64(3, 'UTC')}, {run_id:String},
    arrayFilter(code -> code != '', splitByChar(' ', charge.3)), charge.4
FROM (SELECT arrayJoin(arrayZip({charge_ids:Array(String)}, {amounts_minor:Array(Int64)},
    {hold_codes:Array(String)}, {stripe_customers:Array(String)})) AS charge)
SETTINGS async_insert = 0
