-- Who released each charge. Grain: charge.
SELECT charge_id, groupUniqArray(decided_by) AS released_by
FROM decisions
WHERE action = 'release'
GROUP BY charge_id
ORDER BY charge_id
