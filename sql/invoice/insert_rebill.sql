-- Writes down that a person has a closed period billed again. It is on disk when the statement returns.
INSERT INTO rebills (rebill_id, stripe_account, livemode, customer_id, period_start, period_end, reason, requested_by,
    requested_at, undone, run_id)
SELECT
    {rebill_id:String}, {stripe_account:String}, {livemode:UInt8}, {customer_id:String},
    {period_start:DateTime64(9, 'UTC')}, {period_end:DateTime64(9, 'UTC')}, {reason:String}, {requested_by:String},
    {requested_at:DateTime64(3, 'UTC')}, {undone:UInt8}, {run_id:String}
SETTINGS async_insert = 0
