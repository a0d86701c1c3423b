-- Adds one event of a charge. It is on disk when the statement returns: never by asynchronous insert.
INSERT INTO charge_event
    (charge_id, step, epoch, kind, at, run_id, http_status, stripe_id, request_id, replayed, err_code, amount_minor)
SELECT
    {charge_id:String}, {step:String}, {epoch:UInt32}, {kind:String}, {at:DateTime64(3, 'UTC')}, {run_id:String},
    {http_status:UInt16}, {stripe_id:String}, {request_id:String}, {replayed:UInt8}, {err_code:String},
    {amount_minor:Int64}
SETTINGS async_insert = 0
