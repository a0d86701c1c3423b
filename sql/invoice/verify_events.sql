-- What is odd among the events of charges. Grain: charge or Stripe id. problem says which:
-- 'unknown charge', 'several objects' of one step of a charge, 'several charges' with one object.
SELECT charge_id AS subject, 'unknown charge' AS problem, arraySort(groupUniqArray(toString(kind))) AS details
FROM charge_event
WHERE charge_id GLOBAL NOT IN (SELECT charge_id FROM charge_plan)
GROUP BY charge_id
UNION ALL
SELECT concat(charge_id, ', step ', toString(step)), 'several objects', arraySort(groupUniqArray(stripe_id))
FROM charge_event
WHERE kind = 'ACK'
GROUP BY charge_id, step
HAVING uniqExact(stripe_id) > 1
UNION ALL
SELECT stripe_id, 'several charges', arraySort(groupUniqArray(charge_id))
FROM charge_event
WHERE kind = 'ACK' AND step = 'ii'
GROUP BY stripe_id
HAVING uniqExact(charge_id) > 1
