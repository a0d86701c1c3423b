-- Writes down what a person decided about charges. They are on disk when the statement returns.
INSERT INTO decisions (charge_id, action, amount_minor, about, reason, decided_by, decided_at, run_id)
SELECT
    charge.1, {action:String}, charge.2, {about:String}, {reason:String}, {decided_by:String},
    {decided_at:DateTime64(3, 'UTC')}, {run_id:String}
FROM (SELECT arrayJoin(arrayZip({charge_ids:Array(String)}, {amounts_minor:Array(Int64)})) AS charge)
SETTINGS async_insert = 0
