-- What happened to some charges. Grain: event. Inputs: charge_ids.
-- The order is fixed for people; the fold of the events does not depend on it.
SELECT charge_id, step, epoch, kind, at, run_id, http_status, stripe_id, request_id, replayed, err_code, amount_minor
FROM charge_event
WHERE charge_id IN {charge_ids:Array(String)}
ORDER BY charge_id, at, kind != 'INTENT', run_id, step, epoch, kind
SETTINGS select_sequential_consistency = 1
