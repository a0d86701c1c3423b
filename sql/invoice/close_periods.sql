-- Takes the stretches that a run closes, ahead of their charges. Columns in the order of the table.
INSERT INTO closed_periods
    (stripe_account, livemode, customer_id, starts_at, ends_at, product, anchor, trial, seats, catalog_sha, grants,
    window_start, window_end, rebill_id, charge_id, plan_sha, run_id, closed_at)
