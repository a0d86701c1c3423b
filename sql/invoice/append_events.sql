-- Adds events of charges. Input: the table new_events; one block, so all of them or none. They are on disk when the
-- statement returns: never by asynchronous insert.
INSERT INTO charge_event
    (charge_id, step, epoch, kind, at, run_id, http_status, stripe_id, request_id, replayed, err_code, amount_minor)
SELECT charge_id, step, epoch, kind, at, run_id, http_status, stripe_id, request_id, replayed, err_code, amount_minor
FROM new_events
SETTINGS async_insert = 0
