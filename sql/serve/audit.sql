-- What persons decided, the latest first. Grain: decision. At most so many.
SELECT decided_at, decided_by, action, subject, customer_id, amount_minor, about, reason, hold_codes
FROM v_audit
ORDER BY decided_at DESC, subject, action
LIMIT {most:UInt32}
