-- Charges that are billed again, their invoices being void, with who decided it. about is the invoice. Grain: charge. Sorted
-- by charge_id.
WITH
-- term rebill_decisions
    billed_again AS (SELECT * FROM rebill_decisions WHERE action = 'rebill')
SELECT charge_id, about, reason, decided_by, decided_at
FROM billed_again
ORDER BY charge_id
