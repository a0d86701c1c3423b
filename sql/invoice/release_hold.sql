-- Writes down that a person released a held charge. It is on disk when the statement returns.
INSERT INTO hold_releases (charge_id, amount_minor, reasons, reason, released_by, released_at, run_id)
SELECT
    {charge_id:String}, {amount_minor:Int64}, {reasons:String}, {reason:String}, {released_by:String},
    {released_at:DateTime64(3, 'UTC')}, {run_id:String}
SETTINGS async_insert = 0
