-- The latest approval of each charge since a time. Grain: charge.
SELECT
    charge_id,
    argMax(amount_minor, decided_at) AS amount_minor,
    argMax(decided_by, decided_at) AS approved_by
FROM decisions
WHERE decided_at >= {since:DateTime64(3, 'UTC')} AND action = 'approve'
GROUP BY charge_id
ORDER BY charge_id
