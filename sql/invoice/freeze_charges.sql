-- Takes the charges of a plan as one block, so all of them are frozen or none. Columns in the order of the table.
INSERT INTO charge_plan
    (charge_id, plan_rev, plan_sha, customer_id, stripe_customer, stripe_account, livemode, product, credit_system, kind,
    period_start, period_end, currency, billable_credits, billed_credits, amount_exact, amount_minor, residual, lines,
    mode, target, request_body, body_sha, run_id, frozen_at)
