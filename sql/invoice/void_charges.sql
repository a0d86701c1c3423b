-- Charges that persons have billed again, their invoices being void, and did not take that back. about is the invoice.
-- Grain: charge. Sorted by charge_id.
SELECT charge_id, about, reason, decided_by, decided_at
FROM
(
    SELECT charge_id, action, about, reason, decided_by, decided_at
    FROM decisions
    WHERE action IN ('rebill', 'undo_rebill')
    ORDER BY charge_id, decided_at DESC, run_id DESC
    LIMIT 1 BY charge_id
)
WHERE action = 'rebill'
ORDER BY charge_id
