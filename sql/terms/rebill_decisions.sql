-- The last word of persons on billing a charge again, whose invoice is void: rebill, or undo_rebill. about is the invoice.
    rebill_decisions AS
    (
        SELECT charge_id, action, about, reason, decided_by, decided_at
        FROM decisions
        WHERE action IN ('rebill', 'undo_rebill')
        ORDER BY charge_id, decided_at DESC, run_id DESC
        LIMIT 1 BY charge_id
    ),
