-- Decisions on what keeps charges back. Grain: decision, the earliest first.
SELECT charge_id, action, amount_minor, reason, decided_by, decided_at
FROM decisions
WHERE action IN ('release', 'undo_release', 'hold')
ORDER BY decided_at, run_id, charge_id
