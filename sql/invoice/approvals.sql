-- The latest approval of each charge since a time, and who released the charge. Grain: charge.
SELECT
    charge_id,
    argMaxIf(amount_minor, decided_at, action = 'approve') AS amount_minor,
    argMaxIf(decided_by, decided_at, action = 'approve') AS approved_by,
    groupUniqArrayIf(decided_by, action = 'release') AS released_by
FROM decisions
WHERE decided_at >= {since:DateTime64(3, 'UTC')} AND action IN ('approve', 'release')
GROUP BY charge_id
HAVING countIf(action = 'approve') > 0
ORDER BY charge_id
