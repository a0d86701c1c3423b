-- The largest amounts, by magnitude, for which holds were released. Grain: charge and sign.
SELECT charge_id, argMax(hold_releases.amount_minor, abs(hold_releases.amount_minor)) AS amount_minor
FROM hold_releases
GROUP BY charge_id, sign(hold_releases.amount_minor)
ORDER BY charge_id, amount_minor
